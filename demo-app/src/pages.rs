//! The pages of the demo.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use cas_layer::{Attributes, CasUser};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use sha2::{Digest, Sha256};

const STYLE: &str = "\
:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}\
body{margin:0;background:Canvas;color:CanvasText}\
main{box-sizing:border-box;max-width:44rem;margin:0 auto;padding:3rem 1.5rem}\
h1{margin:0 0 .25rem;font-size:1.8rem;line-height:1.2;overflow-wrap:anywhere}\
table{width:100%;margin:1.5rem 0;border-collapse:collapse}\
caption{padding:.5rem 0;font-weight:600;text-align:left}\
th,td{padding:.5rem .75rem .5rem 0;border-top:1px solid GrayText;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}\
th{width:48%;font-weight:400}\
ul{margin:0;padding:0;list-style:none}\
.button{display:inline-block;padding:.55rem 1.1rem;border-radius:.4rem;background:#1a4f8b;\
color:#fff;text-decoration:none}\
.actions{display:flex;flex-wrap:wrap;gap:1rem;align-items:center}\
form{margin:0}\
.plain{padding:.55rem 1.1rem;border:1px solid GrayText;border-radius:.4rem;background:Canvas;\
color:CanvasText;font:inherit;cursor:pointer}\
.button:hover{background:#143d6b}\
.button:focus-visible,.plain:focus-visible{outline:3px solid #e8a200;outline-offset:2px}";

/// Chromium keeps a page for its back button in spite of `no-store`, and drops it only when a cookie
/// changes after the page was left. A sign-out clears the cookie on the way out, which is earlier.
/// So the page hides itself when it is left, and asks again when it is brought back.
const SCRIPT: &str = "\
addEventListener('pagehide',()=>{document.body.hidden=true});\
addEventListener('pageshow',event=>{if(event.persisted)location.reload()})";

/// The content security policy of the page: nothing loads, nobody frames; the one style and the one
/// script are known by their hashes; the one form leads here and from here to the CAS server.
#[derive(Clone, Debug)]
pub(crate) struct Policy(Arc<str>);

impl Policy {
    pub(crate) fn new(cas_url: &str) -> Self {
        let [style, script] =
            [STYLE, SCRIPT].map(|text| BASE64_STANDARD.encode(Sha256::digest(text)));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; \
             base-uri 'none'; form-action 'self' {cas_url}/; frame-ancestors 'none'"
        );
        Self(policy.into())
    }

    /// What every page is sent with.
    pub(crate) fn headers(&self) -> [(header::HeaderName, String); 4] {
        [
            (header::VARY, "Accept".to_owned()),
            (header::CONTENT_SECURITY_POLICY, self.0.to_string()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ]
    }
}

/// `POST /sign_out_everywhere`: on all devices, then here and at the CAS server.
pub(crate) async fn sign_out_everywhere(user: CasUser) -> Response {
    match user.end_all_sessions().await {
        Ok(()) => Redirect::to("/logout").into_response(),
        Err(error) => {
            tracing::error!(%error, "not every session may have ended");
            let text = "You have signed out here. Your other devices may be signed out later.";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

/// `GET /profile`: HTML for browsers, JSON for programs that ask for it.
pub(crate) async fn profile(
    State(policy): State<Policy>,
    headers: HeaderMap,
    user: CasUser,
) -> Response {
    if wants_json(&headers) {
        return ([(header::VARY, "Accept")], Json(Profile::of(&user))).into_response();
    }
    (policy.headers(), Html(page(&user).into_string())).into_response()
}

/// `GET /optional` and `GET /gateway`: the signed-in user, if there is one.
pub(crate) async fn optional(user: Option<CasUser>) -> Response {
    match &user {
        Some(user) => Json(Profile::of(user)).into_response(),
        None => Json(serde_json::json!({ "user": null })).into_response(),
    }
}

/// A contract with programs: every attribute is a list of strings.
#[derive(Serialize)]
struct Profile<'u> {
    user: &'u str,
    attributes: &'u Attributes,
}

impl<'u> Profile<'u> {
    fn of(user: &'u CasUser) -> Self {
        Self {
            user: user.name(),
            attributes: user.attributes(),
        }
    }
}

/// Browsers name `text/html`. A client that names JSON and not HTML gets JSON.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    let names = |wanted: &str| {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| range.split(';').next())
            .any(|media_type| media_type.trim().eq_ignore_ascii_case(wanted))
    };
    names("application/json") && !names("text/html")
}

fn page(user: &CasUser) -> Markup {
    let content = html! {
        h1 { "Signed in as " span #user { (user.name()) } }
        (session_end(user.expires_at()))
        (attribute_table(user.attributes()))
        div .actions {
            a .button #logout href="/logout" { "Sign out" }
            form method="post" action="/sign_out_everywhere" {
                button .plain #everywhere { "Sign out of all devices" }
            }
        }
    };
    document("Your profile", &content)
}

/// A page around its content.
pub(crate) fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
                script { (PreEscaped(SCRIPT)) }
            }
            body {
                main { (content) }
            }
        }
    }
}

fn session_end(time: SystemTime) -> Markup {
    html! {
        // A time beyond the calendar of the library is not worth a failed page.
        @if let Ok(time) = jiff::Timestamp::try_from(time) {
            p {
                "Your session ends on "
                time datetime=(time) { (time.strftime("%-d %B %Y at %H:%M UTC")) }
                "."
            }
        }
    }
}

fn attribute_table(attributes: &Attributes) -> Markup {
    html! {
        @if attributes.is_empty() {
            p { "The CAS server sent no attributes." }
        } @else {
            table {
                caption { "What the CAS server says about you" }
                tbody {
                    @for (name, values) in attributes.iter() {
                        tr {
                            th scope="row" { (name) }
                            td { ul { @for value in values { li { (value) } } } }
                        }
                    }
                }
            }
        }
    }
}
