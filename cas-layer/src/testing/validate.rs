//! Ticket validation (CAS protocol 2.4 to 2.9, 4.2).

use std::sync::Arc;

use axum::response::Response;

use super::answers::{self, Answer, Facts, Format};
use super::connection::CutOff;
use super::params::{self, Params};
use super::proxy::{self, CallbackFailed, InAnswer};
use super::random::NoRandomness;
use super::state::{Link, Redeemed, Refused, Shared};
use super::{Quirk, quirks::Quirks};

/// Which of the validation endpoints was asked.
#[derive(Clone, Copy)]
pub(super) enum Endpoint {
    Cas1,
    Cas2 { proxies: bool },
    Cas3 { proxies: bool },
    Saml,
}

/// What is asked about, as far as it is there.
pub(super) struct Question<'a> {
    pub(super) ticket: Option<&'a str>,
    pub(super) service: Option<&'a str>,
    pub(super) renew: bool,
}

pub(super) async fn validate(
    endpoint: Endpoint,
    shared: Arc<Shared>,
    cut_off: CutOff,
    params: Params,
) -> Result<Response, NoRandomness> {
    let before = shared.count_validation();
    if let Some(fault) = shared.fault()
        && let Some(response) = fault.respond(shared.stopping(), &cut_off).await
    {
        return Ok(response);
    }
    let quirks = shared.quirks();
    let question = Question {
        ticket: params.get("ticket"),
        service: params.get("service"),
        renew: params::flag(&params, "renew", &quirks),
    };
    let pgt_url = params.get("pgtUrl");
    let answer = match redeem(endpoint, &shared, &question, &quirks) {
        Ok(redeemed) => {
            match granting_ticket(endpoint, &shared, &redeemed, pgt_url, &quirks).await? {
                Ok(granted) => success(endpoint, &shared, redeemed, granted, &quirks),
                Err(failure) => failure,
            }
        }
        Err(failure) => failure,
    };
    answers::respond(&answer, format(endpoint, &params, &quirks), before, &quirks)
}

/// Uses the ticket up, and calls no proxy back.
pub(super) fn answer(
    endpoint: Endpoint,
    shared: &Shared,
    question: &Question<'_>,
    quirks: &Quirks,
) -> Answer {
    match redeem(endpoint, shared, question, quirks) {
        Ok(redeemed) => success(endpoint, shared, redeemed, None, quirks),
        Err(failure) => failure,
    }
}

/// Issues a proxy-granting ticket, if one is asked for where there are any; what the answer has of it, or a refusal.
async fn granting_ticket(
    endpoint: Endpoint,
    shared: &Shared,
    redeemed: &Redeemed,
    pgt_url: Option<&str>,
    quirks: &Quirks,
) -> Result<Result<Option<InAnswer>, Answer>, NoRandomness> {
    let (Some(pgt_url), Endpoint::Cas2 { .. } | Endpoint::Cas3 { .. }) = (pgt_url, endpoint) else {
        return Ok(Ok(None));
    };
    let keeps = quirks.has(Quirk::CallbackFailureKeepsTicket);
    let refuse = |code, text| {
        if keeps {
            shared.put_back(redeemed);
        }
        Ok(Err(failure(code, text)))
    };
    if quirks.has(Quirk::NoProxies) {
        return refuse(
            "UNAUTHORIZED_SERVICE_PROXY",
            "The service may not be a proxy.",
        );
    }
    match proxy::granting_ticket(shared, redeemed, pgt_url, quirks).await? {
        Ok(in_answer) => Ok(Ok(Some(in_answer))),
        Err(CallbackFailed) if keeps || quirks.has(Quirk::CallbackFailureRefuses) => refuse(
            "INVALID_PROXY_CALLBACK",
            "The proxy could not be called back.",
        ),
        Err(CallbackFailed) => Ok(Ok(None)),
    }
}

fn redeem(
    endpoint: Endpoint,
    shared: &Shared,
    question: &Question<'_>,
    quirks: &Quirks,
) -> Result<Redeemed, Answer> {
    let (Some(ticket), Some(service)) = (question.ticket, question.service) else {
        return Err(failure(
            "INVALID_REQUEST",
            "The parameters service and ticket are needed.",
        ));
    };
    let takes_proxy_tickets = matches!(
        endpoint,
        Endpoint::Cas2 { proxies: true } | Endpoint::Cas3 { proxies: true }
    );
    if ticket.starts_with("PT-") && !takes_proxy_tickets {
        return Err(failure(
            "INVALID_TICKET_SPEC",
            "Proxy tickets are not validated here.",
        ));
    }
    shared
        .redeem(ticket, service, question.renew, quirks)
        .map_err(|refused| {
            let (code, text) = match refused {
                Refused::Unknown => ("INVALID_TICKET", "The ticket is not known."),
                Refused::Expired => ("INVALID_TICKET", "The ticket has expired."),
                Refused::OtherService => (
                    "INVALID_SERVICE",
                    "The ticket was issued for another service.",
                ),
                Refused::FromCookie => (
                    if quirks.has(Quirk::RenewSparesSessions) {
                        "INVALID_TICKET_SPEC"
                    } else {
                        "INVALID_TICKET"
                    },
                    "The ticket does not come from an initial login.",
                ),
            };
            if quirks.has(Quirk::FailureQuotesRequest) {
                return failure(
                    code,
                    &format!("{text} Ticket '{ticket}', service '{service}'."),
                );
            }
            failure(code, text)
        })
}

fn failure(code: &'static str, text: &str) -> Answer {
    Answer::Failure {
        code,
        text: text.to_owned(),
    }
}

fn success(
    endpoint: Endpoint,
    shared: &Shared,
    redeemed: Redeemed,
    granted: Option<InAnswer>,
    quirks: &Quirks,
) -> Answer {
    let with_attributes = matches!(endpoint, Endpoint::Cas3 { .. } | Endpoint::Saml)
        || quirks.has(Quirk::Cas2Attributes);
    let user = redeemed.login.user;
    let (iou, ticket) = match granted {
        None => (None, None),
        Some(InAnswer::Iou(iou)) => (Some(iou), None),
        Some(InAnswer::Ticket(ticket)) => (None, Some(ticket)),
    };
    let facts = with_attributes.then(|| Facts {
        authenticated: redeemed.login.at,
        is_remembered: redeemed.login.is_remembered,
        from_new_login: redeemed.from_password,
        attributes: attributes(endpoint, shared, &user, ticket.as_deref()),
    });
    Answer::Success {
        user,
        facts,
        granted: iou,
        proxies: proxies(redeemed.chain, quirks),
    }
}

/// What the server knows about a user, and what it releases to services with a key.
#[cfg_attr(
    not(feature = "released-secrets"),
    allow(unused_variables, reason = "without a key nothing is released")
)]
fn attributes(
    endpoint: Endpoint,
    shared: &Shared,
    user: &str,
    granting_ticket: Option<&str>,
) -> Vec<(String, Vec<String>)> {
    let Some(user) = shared.user(user) else {
        return Vec::new();
    };
    #[cfg(feature = "released-secrets")]
    if let Some(release) = shared
        .release()
        .filter(|_| !matches!(endpoint, Endpoint::Saml))
    {
        let mut attributes = user.attributes().to_vec();
        attributes.extend(release.attribute("credential", Some(user.password())));
        attributes.extend(release.attribute("proxyGrantingTicket", granting_ticket));
        return attributes;
    }
    user.attributes().to_vec()
}

/// The proxies that an answer names (2.6.2).
fn proxies(chain: Vec<Link>, quirks: &Quirks) -> Vec<String> {
    let named = if quirks.has(Quirk::ChainLastProxyOnly) {
        1
    } else {
        chain.len()
    };
    let name = |link: Link| {
        if quirks.has(Quirk::ChainOfTargets) {
            link.target
        } else {
            link.proxy
        }
    };
    chain.into_iter().take(named).map(name).collect()
}

fn format(endpoint: Endpoint, params: &Params, quirks: &Quirks) -> Format<'static> {
    match endpoint {
        Endpoint::Cas1 => Format::Text,
        _ => xml_or_json(params, quirks),
    }
}

/// What the parameter `format` asks for.
pub(super) fn xml_or_json(params: &Params, quirks: &Quirks) -> Format<'static> {
    let json = params
        .get("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("JSON"));
    if json && !quirks.has(Quirk::IgnoreJsonFormat) {
        Format::Json
    } else {
        Format::Xml
    }
}
