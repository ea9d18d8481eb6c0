//! `/v1/tickets` and `/v1/users`: Apereo's REST protocol, for programs with a password.

use std::sync::Arc;

use axum::{
    Form,
    extract::{ConnectInfo, Path, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::json;

use super::{
    Quirk, User,
    connection::CutOff,
    cookies::BASE,
    params::Params,
    random::NoRandomness,
    service, single_logout,
    state::{Login, Shared},
};

type Fields = Form<Vec<(String, String)>>;

/// A password for a ticket-granting ticket.
pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut_off): ConnectInfo<CutOff>,
    Form(fields): Fields,
) -> Result<Response, NoRandomness> {
    let user = match user(&shared, &cut_off, &Params(fields)).await {
        Ok(user) => user,
        Err(refusal) => return Ok(*refusal),
    };
    let session = shared.open_session(Login::now(user.name()), None)?;
    let location = if shared.quirks().has(Quirk::RestRelativeLocation) {
        format!("{BASE}/v1/tickets/{session}")
    } else {
        // As a server has it that does not know its public name's port.
        format!("http://127.0.0.1{BASE}/v1/tickets/{session}")
    };
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, "a ticket").into_response())
}

/// A password for nothing but an answer.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut_off): ConnectInfo<CutOff>,
    Form(fields): Fields,
) -> Response {
    match user(&shared, &cut_off, &Params(fields)).await {
        Ok(user) => {
            let principal = json!({ "id": user.name(), "attributes": {} });
            let body = json!({ "authentication": { "principal": principal } });
            let headers = [(header::CONTENT_TYPE, "application/json")];
            (headers, body.to_string()).into_response()
        }
        Err(refusal) => *refusal,
    }
}

/// A ticket-granting ticket for a service ticket.
pub(super) async fn buy(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut_off): ConnectInfo<CutOff>,
    Path(session): Path<String>,
    Form(fields): Fields,
) -> Result<Response, NoRandomness> {
    if let Some(answer) = fault(&shared, &cut_off).await {
        return Ok(answer);
    }
    let fields = Params(fields);
    let Some(service) = fields.get("service") else {
        return Ok((StatusCode::BAD_REQUEST, "no service").into_response());
    };
    if !service::acceptable(service, &shared.quirks()) {
        return Ok((StatusCode::FORBIDDEN, "no such service").into_response());
    }
    let ticket = match shared.session(&session) {
        // It is not the password that came along now.
        Some(login) => shared.issue_in(session, login, service, false, false)?,
        None => None,
    };
    Ok(match ticket {
        Some(ticket) => ticket.into_response(),
        None => (StatusCode::NOT_FOUND, "no such ticket").into_response(),
    })
}

/// Ends a ticket-granting ticket, and tells the services.
pub(super) async fn destroy(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut_off): ConnectInfo<CutOff>,
    Path(session): Path<String>,
) -> Result<Response, NoRandomness> {
    if let Some(answer) = fault(&shared, &cut_off).await {
        return Ok(answer);
    }
    if shared.session(&session).is_none() {
        return Ok((StatusCode::NOT_FOUND, "no such ticket").into_response());
    }
    let quirks = shared.quirks();
    let notices = single_logout::notices(shared.end_session(&session), &quirks)?;
    shared.back_channel().send(notices, &quirks).report().await;
    Ok(session.into_response())
}

/// Whose password this is; counts the attempt.
async fn user<'s>(
    shared: &'s Shared,
    cut_off: &CutOff,
    fields: &Params,
) -> Result<&'s User, Box<Response>> {
    shared.count_password();
    if let Some(answer) = fault(shared, cut_off).await {
        return Err(answer.into());
    }
    let refuse = |status, text: &'static str| Err((status, text).into_response().into());
    let (Some(name), Some(password)) = (fields.get("username"), fields.get("password")) else {
        return refuse(StatusCode::BAD_REQUEST, "no credentials");
    };
    match shared.user(name).filter(|user| user.has_password(password)) {
        Some(user) => Ok(user),
        None if shared.quirks().has(Quirk::RestRefusal400) => {
            refuse(StatusCode::BAD_REQUEST, "FailedLoginException")
        }
        None => refuse(StatusCode::UNAUTHORIZED, "FailedLoginException"),
    }
}

async fn fault(shared: &Shared, cut_off: &CutOff) -> Option<Response> {
    shared.fault()?.respond(shared.stopping(), cut_off).await
}
