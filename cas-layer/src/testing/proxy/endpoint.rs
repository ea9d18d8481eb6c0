//! `/proxy` (CAS protocol 2.7): a proxy-granting ticket buys proxy tickets.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use http::StatusCode;

use crate::testing::{
    Quirk,
    answers::{self, Answer},
    connection::CutOff,
    pages,
    params::Params,
    quirks::Quirks,
    random::NoRandomness,
    service,
    state::Shared,
    validate,
};

pub(in crate::testing) async fn proxy(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut_off): ConnectInfo<CutOff>,
    params: Params,
) -> Result<Response, NoRandomness> {
    let before = shared.count_proxy_request();
    if let Some(fault) = shared.fault()
        && let Some(response) = fault.respond(shared.stopping(), &cut_off).await
    {
        return Ok(response);
    }
    let quirks = shared.quirks();
    let mut answer = answer(&shared, &params, &quirks)?;
    if let Answer::ProxyFailure { code, text } = answer {
        if quirks.has(Quirk::ProxyFailureStatus500) {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return pages::message(status, "Error", "Something went wrong.");
        }
        answer = if quirks.has(Quirk::ProxyFailureAsAuthenticationFailure) {
            Answer::Failure { code, text }
        } else if quirks.has(Quirk::ProxyFailureAsEmptySuccess) {
            Answer::ProxySuccess { ticket: None }
        } else {
            Answer::ProxyFailure { code, text }
        };
    }
    let format = validate::xml_or_json(&params, &quirks);
    answers::respond(&answer, format, before, &quirks)
}

fn answer(shared: &Shared, params: &Params, quirks: &Quirks) -> Result<Answer, NoRandomness> {
    let (Some(granting), Some(target)) = (params.get("pgt"), params.get("targetService")) else {
        return Ok(Answer::ProxyFailure {
            code: "INVALID_REQUEST",
            text: "The parameters pgt and targetService are needed.".to_owned(),
        });
    };
    let failure = |code, text: &str| {
        let text = if quirks.has(Quirk::FailureQuotesRequest) {
            format!("{text} Ticket '{granting}', service '{target}'.")
        } else {
            text.to_owned()
        };
        Answer::ProxyFailure { code, text }
    };
    if !service::acceptable_target(target, quirks) || !shared.is_target(target) {
        let code = if quirks.has(Quirk::UnauthorizedServiceProxy) {
            "UNAUTHORIZED_SERVICE_PROXY"
        } else {
            "UNAUTHORIZED_SERVICE"
        };
        return Ok(failure(
            code,
            "No proxy tickets are issued for this service.",
        ));
    }
    Ok(match shared.issue_on(granting, target, quirks)? {
        Some(ticket) => Answer::ProxySuccess {
            ticket: Some(ticket),
        },
        None => failure(
            "INVALID_TICKET",
            "The proxy-granting ticket is not known, or has expired.",
        ),
    })
}
