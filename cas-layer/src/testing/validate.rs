//! Ticket validation (CAS protocol 2.4 to 2.9, 4.2).

use std::sync::Arc;

use axum::response::Response;

use super::answers::{self, Answer, Facts, Format};
use super::connection::CutOff;
use super::params::Params;
use super::random::NoRandomness;
use super::state::{Redeemed, Refused, Shared};
use super::{Quirk, login, quirks::Quirks};

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
        && let Some(response) = fault.respond(&shared, &cut_off).await
    {
        return Ok(response);
    }
    let quirks = shared.quirks();
    let question = Question {
        ticket: params.get("ticket"),
        service: params.get("service"),
        renew: login::flag(&params, "renew", &quirks),
    };
    let answer = answer(endpoint, &shared, &question, &quirks);
    answers::respond(&answer, format(endpoint, &params, &quirks), before, &quirks)
}

/// Uses the ticket up.
pub(super) fn answer(
    endpoint: Endpoint,
    shared: &Shared,
    question: &Question<'_>,
    quirks: &Quirks,
) -> Answer {
    match redeem(endpoint, shared, question, quirks) {
        Ok(redeemed) => success(endpoint, shared, redeemed, quirks),
        Err(failure) => failure,
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
                    "INVALID_TICKET",
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

fn success(endpoint: Endpoint, shared: &Shared, redeemed: Redeemed, quirks: &Quirks) -> Answer {
    let with_attributes = matches!(endpoint, Endpoint::Cas3 { .. } | Endpoint::Saml)
        || quirks.has(Quirk::Cas2Attributes);
    let user = redeemed.login.user;
    let facts = with_attributes.then(|| Facts {
        authenticated: redeemed.login.at,
        from_new_login: redeemed.from_password,
        attributes: shared
            .user(&user)
            .map(|user| user.attributes().to_vec())
            .unwrap_or_default(),
    });
    Answer::Success { user, facts }
}

fn format(endpoint: Endpoint, params: &Params, quirks: &Quirks) -> Format<'static> {
    let json = params
        .get("format")
        .is_some_and(|format| format.eq_ignore_ascii_case("JSON"));
    match endpoint {
        Endpoint::Cas1 => Format::Text,
        _ if json && !quirks.has(Quirk::IgnoreJsonFormat) => Format::Json,
        _ => Format::Xml,
    }
}
