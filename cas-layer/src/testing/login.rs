//! `/login` as requestor and as acceptor of credentials (CAS protocol 2.1, 2.2).

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::login_request::LoginRequest;
use super::pages::{LoginForm, Warning};
use super::params::{Params, flag};
use super::quirks::Quirks;
use super::random::{self, NoRandomness};
use super::state::{Login, Shared};
use super::{Quirk, cookies, pages, service};

/// What is wrong with a form that is not of this browser, or was sent before.
pub(super) const STALE_FORM: &str = "This form was no longer good. Please sign in again.";
/// What is wrong with a form that does not let anybody in.
pub(super) const WRONG_PASSWORD: &str = "The user name or the password is not right.";

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, NoRandomness> {
    let quirks = shared.quirks();
    let target = match Target::of(&params, &quirks) {
        Ok(target) => target,
        Err(Unserved) => return unserved(),
    };
    let request = LoginRequest::of(&params, &quirks);
    let LoginRequest {
        renew,
        gateway,
        warn,
        ..
    } = request;
    shared.note_login(request);
    let asks_nobody = quirks.has(Quirk::RenewSparesSessions);
    if !renew || asks_nobody {
        let session = cookies::read(&headers, cookies::SESSION);
        let signed_in = session.and_then(|session| Some((shared.session(&session)?, session)));
        match (signed_in, &target.service) {
            // A gateway may show no page, so nobody is signed in by it.
            (Some((login, _)), Some(service)) if warn && !gateway => {
                return target.warning(service).render(&login.user);
            }
            (Some((login, session)), _) if !warn => {
                if let Some(response) = send_on(&shared, &target, login, false, session, &quirks)? {
                    return Ok(response);
                }
            }
            _ => {}
        }
        if !renew
            && gateway
            && let Some(service) = &target.service
        {
            return Ok(pages::redirect(service));
        }
    }
    form(&shared, &headers, &target, None)
}

pub(super) async fn submit(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, NoRandomness> {
    let fields = Params(fields);
    let quirks = shared.quirks();
    let target = match Target::of(&fields, &quirks) {
        Ok(target) => target,
        Err(Unserved) => return unserved(),
    };
    let name = fields.get("username").unwrap_or_default();
    let ours = cookies::read(&headers, cookies::LOGIN).is_some_and(|cookie| {
        shared.take_form(fields.get("execution").unwrap_or_default(), &cookie)
    });
    if !ours {
        return form(&shared, &headers, &target, Some((name, STALE_FORM)));
    }
    let password = fields.get("password").unwrap_or_default();
    let Some(user) = shared.user(name).filter(|user| user.has_password(password)) else {
        return form(&shared, &headers, &target, Some((name, WRONG_PASSWORD)));
    };
    let login = Login::now(user.name()).remembered(target.remembers);
    let so_far = cookies::read(&headers, cookies::SESSION);
    let session = shared.open_session(login.clone(), so_far.as_deref())?;
    let cookie = cookies::set(cookies::SESSION, &session);
    let Some(mut response) = send_on(&shared, &target, login, true, session, &quirks)? else {
        return form(&shared, &headers, &target, None);
    };
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where somebody wants to go once signed in.
struct Target {
    service: Option<String>,
    names: Names,
    by_post: bool,
    /// The session is to last longer. It does not here, but answers say so.
    remembers: bool,
}

/// What the service and its ticket are called.
#[derive(Clone, Copy)]
struct Names {
    service: &'static str,
    ticket: &'static str,
}

const CAS: Names = Names {
    service: "service",
    ticket: "ticket",
};

/// Of SAML 1.1, which come from its browser/artifact profile (SAML 1.1 bindings, 4.1.1).
const SAML: Names = Names {
    service: "TARGET",
    ticket: "SAMLart",
};

/// The service is not one that this server signs anybody in to.
struct Unserved;

impl Target {
    fn of(params: &Params, quirks: &Quirks) -> Result<Self, Unserved> {
        let has_target = params.get(SAML.service).is_some();
        let names = if has_target && !quirks.has(Quirk::IgnoreTarget) {
            SAML
        } else {
            CAS
        };
        let service = params.get(names.service).map(str::to_owned);
        if service
            .as_deref()
            .is_some_and(|service| !service::acceptable(service, quirks))
        {
            return Err(Unserved);
        }
        Ok(Self {
            service,
            names,
            by_post: params.get("method") == Some("POST"),
            remembers: flag(params, "rememberMe", quirks),
        })
    }

    fn warning<'a>(&'a self, service: &'a str) -> Warning<'a> {
        Warning {
            service,
            service_name: self.names.service,
            by_post: self.by_post,
        }
    }
}

fn unserved() -> Result<Response, NoRandomness> {
    let text = "This server does not sign anybody in to the service that was named.";
    pages::message(StatusCode::FORBIDDEN, "Service not served", text)
}

/// Somebody is signed in: on to the service with a ticket, or a page that says so. `None` when the
/// session has ended meanwhile.
fn send_on(
    shared: &Shared,
    target: &Target,
    login: Login,
    from_password: bool,
    session: String,
    quirks: &Quirks,
) -> Result<Option<Response>, NoRandomness> {
    let Some(service) = &target.service else {
        return pages::signed_in(&login.user).map(Some);
    };
    let name = target.names.ticket;
    let as_artifact = name == SAML.ticket && quirks.has(Quirk::ArtifactTickets);
    let issued = shared.issue_in(session, login, service, from_password, as_artifact)?;
    let Some(ticket) = issued else {
        return Ok(None);
    };
    let is_asked = target.by_post && !quirks.has(Quirk::IgnoreMethodPost);
    if is_asked || quirks.has(Quirk::PostUnasked) {
        return pages::post_ticket(service, name, &ticket).map(Some);
    }
    let url = service::with_ticket(service, name, &ticket, quirks);
    Ok(Some(pages::redirect(&url)))
}

/// The login form, with the name typed and what was wrong when it is shown again.
fn form(
    shared: &Shared,
    headers: &HeaderMap,
    target: &Target,
    retry: Option<(&str, &str)>,
) -> Result<Response, NoRandomness> {
    // The cookie of an earlier form stays, or the form in another tab would be good no longer.
    let known = cookies::read(headers, cookies::LOGIN)
        .filter(|value| value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit()));
    let cookie = match known {
        Some(cookie) => cookie,
        None => random::hex::<16>()?,
    };
    let set_cookie = cookies::set(cookies::LOGIN, &cookie);
    let page = LoginForm {
        execution: &shared.open_form(cookie)?,
        service: target.service.as_deref(),
        service_name: target.names.service,
        by_post: target.by_post,
        remembers: target.remembers,
        name: retry.map_or("", |(name, _)| name),
        problem: retry.map(|(_, problem)| problem),
    };
    let mut response = page.render()?.into_response();
    if let Some(cookie) = set_cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
