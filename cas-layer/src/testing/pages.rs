//! What people see: small pages that need nothing but themselves.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use url::Url;

use super::{
    cookies::BASE,
    markup::escaped,
    random::{self, NoRandomness},
    service,
};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.5 system-ui,sans-serif;\
background:light-dark(#eef1f5,#16191d);color:light-dark(#1c2430,#e8ebef)}\
main{box-sizing:border-box;width:min(24rem,100vw);padding:2rem;border-radius:.75rem;\
background:light-dark(#fff,#22272e);box-shadow:0 .25rem 1.5rem #0003;overflow-wrap:anywhere}\
h1{margin:0 0 1rem;font-size:1.5rem}\
label{display:block;margin:1rem 0 .35rem;font-weight:600}\
input,button{box-sizing:border-box;width:100%;padding:.6rem .75rem;font:inherit;border-radius:.4rem}\
input{border:1px solid #7a8594;background:inherit;color:inherit}\
button{margin-top:1.5rem;border:0;background:#0b5cad;color:#fff;font-weight:600;cursor:pointer}\
a{color:light-dark(#0b5cad,#7db8f0)}\
:focus-visible{outline:3px solid #e08a00;outline-offset:2px}\
[role=alert]{padding:.6rem .75rem;border-left:4px solid #c62828;\
background:light-dark(#fdecea,#4a2323)}\
footer{margin-top:1.5rem;font-size:.85rem;opacity:.8}";

/// The part of the policy by which nobody frames a page.
pub(super) const UNFRAMED: &str = "; frame-ancestors 'none'";

/// The longest that a browser's timers can wait, in milliseconds.
const LONGEST_TIMER: u128 = i32::MAX as u128;

/// 302 to a URL that was checked before.
pub(super) fn redirect(url: &str) -> Response {
    match service::location(url) {
        Some(location) => {
            let no_store = HeaderValue::from_static("no-store");
            let headers = [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, no_store),
            ];
            (StatusCode::FOUND, headers).into_response()
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A page that only says something.
pub(super) fn message(
    status: StatusCode,
    title: &str,
    text: &str,
) -> Result<Response, NoRandomness> {
    page(status, title, &format!("<p>{}</p>", escaped(text)), "")
}

pub(super) fn signed_in(user: &str) -> Result<Response, NoRandomness> {
    let body = format!(
        "<p>You are signed in as <strong>{}</strong>.</p><p><a href=\"{BASE}/logout\">Sign out</a></p>",
        escaped(user)
    );
    page(StatusCode::OK, "Signed in", &body, "")
}

/// The end of a session, with a link to where the service wants its users to go on.
pub(super) fn signed_out(
    url: Option<&str>,
    unseen: Option<&Unseen>,
) -> Result<Response, NoRandomness> {
    let link = match url {
        Some(url) => format!(
            "<p>The service you came from has a link for you: <a href=\"{0}\">{0}</a></p>",
            escaped(url)
        ),
        None => format!("<p><a href=\"{BASE}/login\">Sign in again</a></p>"),
    };
    let body = format!("<p>You are signed out of the CAS server.</p>{link}");
    page_with(StatusCode::OK, "Signed out", &body, "", unseen)
}

/// On to the service once everything unseen was fetched, or the time for it is up.
pub(super) fn signing_out(
    service: &str,
    unseen: &Unseen,
    limit: Duration,
) -> Result<Response, NoRandomness> {
    let body = format!(
        "<p>You are signed out of the CAS server. The services you used are being told.</p>\
        <p><a id=\"onward\" href=\"{}\">Continue</a></p>",
        escaped(service)
    );
    let script = format!(
        "const go=()=>location.replace(document.getElementById(\"onward\").href);\
        addEventListener(\"load\",go);setTimeout(go,{})",
        limit.as_millis().min(LONGEST_TIMER)
    );
    page_with(StatusCode::OK, "Signed out", &body, &script, Some(unseen))
}

/// What a page has the browser fetch without showing it.
pub(super) struct Unseen {
    pub(super) element: Element,
    pub(super) urls: Vec<Url>,
}

#[derive(Clone, Copy)]
pub(super) enum Element {
    Frame,
    Image,
    Script,
}

impl Unseen {
    fn html(&self, nonce: &str) -> String {
        let element = |url: &Url| {
            let url = escaped(url.as_str());
            match self.element {
                Element::Frame => format!("<iframe hidden src=\"{url}\"></iframe>"),
                Element::Image => format!("<img hidden alt=\"\" src=\"{url}\">"),
                // One that is not answered must not hold the others up.
                Element::Script => {
                    format!("<script async nonce=\"{nonce}\" src=\"{url}\"></script>")
                }
            }
        };
        self.urls.iter().map(element).collect()
    }

    /// What the page's policy has to allow. Whole schemes, since a policy cannot name `[::1]`;
    /// the URLs were checked to be on loopback.
    fn policy(&self) -> &'static str {
        match self.element {
            Element::Frame => "; frame-src http: https:",
            Element::Image => "; img-src http: https:",
            // The nonce allows them.
            Element::Script => "",
        }
    }
}

/// The form of a browser that has no session.
pub(super) struct LoginForm<'a> {
    pub(super) execution: &'a str,
    pub(super) service: Option<&'a str>,
    /// The parameter that it came in.
    pub(super) service_name: &'static str,
    pub(super) by_post: bool,
    pub(super) remembers: bool,
    pub(super) name: &'a str,
    pub(super) problem: Option<&'a str>,
}

impl LoginForm<'_> {
    pub(super) fn render(&self) -> Result<Response, NoRandomness> {
        let (status, problem, invalid) = match self.problem {
            Some(problem) => (
                StatusCode::FORBIDDEN,
                format!("<p role=\"alert\" id=\"problem\">{}</p>", escaped(problem)),
                " aria-invalid=\"true\" aria-describedby=\"problem\"",
            ),
            None => (StatusCode::OK, String::new(), ""),
        };
        let mut fields = hidden("execution", self.execution);
        if let Some(service) = self.service {
            fields.push_str(&hidden(self.service_name, service));
        }
        if self.by_post {
            fields.push_str(&hidden("method", "POST"));
        }
        if self.remembers {
            fields.push_str(&hidden("rememberMe", "true"));
        }
        let name = escaped(self.name);
        let body = format!(
            "{problem}<form method=\"post\" action=\"{BASE}/login\">{fields}\
            <label for=\"username\">User name</label>\
            <input id=\"username\" name=\"username\" value=\"{name}\" autocomplete=\"username\" \
            autocapitalize=\"none\" spellcheck=\"false\" required autofocus{invalid}>\
            <label for=\"password\">Password</label>\
            <input id=\"password\" name=\"password\" type=\"password\" \
            autocomplete=\"current-password\" required{invalid}>\
            <button type=\"submit\">Sign in</button></form>"
        );
        page(status, "Sign in", &body, "")
    }
}

/// What a signed-in user sees before a service gets a ticket, with `warn` (2.2.1).
pub(super) struct Warning<'a> {
    pub(super) service: &'a str,
    /// The parameter that it came in.
    pub(super) service_name: &'static str,
    pub(super) by_post: bool,
}

impl Warning<'_> {
    pub(super) fn render(&self, user: &str) -> Result<Response, NoRandomness> {
        let mut fields = hidden(self.service_name, self.service);
        if self.by_post {
            fields.push_str(&hidden("method", "POST"));
        }
        let body = format!(
            "<p>You are signed in as <strong>{}</strong>, and about to be signed in to {}.</p>\
            <form method=\"get\" action=\"{BASE}/login\">{fields}\
            <button type=\"submit\">Continue</button></form>",
            escaped(user),
            escaped(self.service)
        );
        page(StatusCode::OK, "Before you go on", &body, "")
    }
}

/// A form that posts the ticket to the service, by script or by its button (2.2.4).
pub(super) fn post_ticket(
    service: &str,
    name: &str,
    ticket: &str,
) -> Result<Response, NoRandomness> {
    let body = format!(
        "<p>You are signed in and on your way back.</p>\
        <form method=\"post\" action=\"{}\">{}<noscript><p>Press the button to go on.</p></noscript>\
        <button type=\"submit\">Continue</button></form>",
        escaped(service),
        hidden(name, ticket)
    );
    page(
        StatusCode::OK,
        "Signed in",
        &body,
        "document.forms[0].submit()",
    )
}

fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        escaped(value)
    )
}

fn page(
    status: StatusCode,
    title: &str,
    body: &str,
    script: &str,
) -> Result<Response, NoRandomness> {
    page_with(status, title, body, script, None)
}

fn page_with(
    status: StatusCode,
    title: &str,
    body: &str,
    script: &str,
    unseen: Option<&Unseen>,
) -> Result<Response, NoRandomness> {
    let nonce = random::hex::<16>()?;
    let script = if script.is_empty() {
        String::new()
    } else {
        format!("<script nonce=\"{nonce}\">{script}</script>")
    };
    let (elements, allowed) = match unseen {
        Some(unseen) => (unseen.html(&nonce), unseen.policy()),
        None => (String::new(), ""),
    };
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
        <title>{title} – CAS test server</title><style nonce=\"{nonce}\">{STYLE}</style></head>\
        <body><main><h1>{title}</h1>{body}<footer>CAS test server, not for production</footer>\
        </main>{script}{elements}</body></html>"
    );
    // No form-action: browsers apply it to the redirect after a form too, and that goes to any
    // service.
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
        base-uri 'none'{UNFRAMED}{allowed}"
    );
    let mut response = (status, Body::from(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html;charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}
