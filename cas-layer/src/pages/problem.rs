//! A page in the form that programs read (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde::Serialize;

use super::{kind::PageKind, page::Page, texts::ENGLISH};

/// What a program gets, with the app's login URL if it has one. It is in English for every visitor: its developer reads it.
pub(crate) fn render(page: &Page, login_url: Option<&str>) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Problem<'p> {
        r#type: &'static str,
        title: &'static str,
        status: u16,
        detail: &'p str,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        login_url: Option<&'p str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'p str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<&'p str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<&'p str>,
    }
    let kind = page.kind();
    let problem = Problem {
        r#type: "about:blank",
        title: (ENGLISH.title)(kind),
        status: page.status().as_u16(),
        detail: page.veto().unwrap_or_else(|| detail(kind)),
        reason: kind.reason(),
        login_url,
        code: page.code(),
        cause: page.cause(),
        reference: page.reference(),
    };
    let mut response = Response::new(Bytes::from(
        serde_json::to_vec(&problem).unwrap_or_default(),
    ));
    *response.status_mut() = page.status();
    let fields = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_TYPE, "application/problem+json"),
    ];
    let fields = fields.map(|(name, value)| (name, HeaderValue::from_static(value)));
    response.headers_mut().extend(fields);
    response
}

/// The `detail`, if the app does not give one.
fn detail(kind: PageKind) -> &'static str {
    match kind {
        PageKind::LoggedOut => "You have signed out.",
        PageKind::SignInNeeded => "You need to sign in before you can do this.",
        PageKind::FreshSignInNeeded => {
            "You need to give your password again before you can do this."
        }
        PageKind::NotAllowed => "You are signed in, but your account may not open this page.",
        PageKind::SignInRefused => {
            "The sign-in could not be completed: it was used already, has expired, or was meant for another place."
        }
        PageKind::SignInVetoed => "You signed in, but this site does not admit you.",
        PageKind::ConfirmationNeeded => {
            "You are about to be signed in to this site under this name. Continue only if it is yours."
        }
        PageKind::InvalidTicket => {
            "The address of this page is damaged, so the sign-in could not be completed."
        }
        PageKind::OtherTabs => {
            "Other tabs of your browser are signing in too. This page goes on by itself in a moment."
        }
        PageKind::TicketByPost => {
            "The sign-in server sends its answers by POST, and this site is not set up for that. Please tell the \
                 people who run this site: its log says what to change."
        }
        PageKind::CasUnavailable => {
            "The sign-in server cannot be reached at the moment. Please try again in a few minutes."
        }
        PageKind::CasNotUnderstood => {
            "The sign-in server's answer was not understood or not trusted. Please tell the people who run this site."
        }
        PageKind::Busy => {
            "Too many people are signing in at the moment. Please try again in a minute."
        }
        PageKind::RegistryUnavailable | PageKind::AdmissionUnavailable => {
            "The sign-in could not be completed at the moment. Please try again in a minute."
        }
        PageKind::SessionUnverified => {
            "It cannot be checked at the moment whether you are still signed in. Please try again in a minute."
        }
        PageKind::CookiesNeeded => {
            "Signing in needs cookies, and your browser did not send one back. Please allow cookies for this site."
        }
        PageKind::InCircles => {
            "You were sent to sign in again and again. This would have gone on forever. It is not your fault. Please \
                 tell the people who run this site the text below."
        }
        PageKind::SessionNotKept => {
            "You signed in, but your browser does not keep the session cookie of this site. Please allow \
                 cookies for this site, or remove some of its old ones."
        }
        PageKind::SessionTooLarge => {
            "You signed in, but your account has more attributes than fit into a session of this site. Please tell \
                 its administrator when this happened: the log says which attributes are the largest. You can sign \
                 in as somebody else."
        }
        PageKind::InternalError => "The sign-in did not work. Please try again in a minute.",
    }
}
