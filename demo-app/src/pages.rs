//! The pages of the demo.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use cas_layer::{Attributes, CasConfig, CasUser};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::words::Words;

const STYLE: &str = include_str!("pages/style.css");
const SCRIPT: &str = include_str!("pages/script.js");

/// A path, its name, and what it shows.
pub(crate) type Link = (&'static str, &'static str, &'static str);

/// What the pages are made with.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    config: CasConfig,
    /// Nothing loads, nobody frames; the one style and the one script are known by their hashes; the one form leads here and
    /// from here to the CAS server.
    policy: Arc<str>,
    /// On top of each page.
    links: Vec<Link>,
}

impl Pages {
    pub(crate) fn new(config: CasConfig, links: Vec<Link>) -> Self {
        let [style, script] =
            [STYLE, SCRIPT].map(|text| BASE64_STANDARD.encode(Sha256::digest(text)));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; \
             base-uri 'none'; form-action 'self' {}/; frame-ancestors 'none'",
            config.client().url()
        );
        Self {
            config,
            policy: policy.into(),
            links,
        }
    }

    /// For this visitor, in their language.
    pub(crate) fn words(&self, headers: &HeaderMap) -> Words {
        Words::of(self.config.page_language(headers).tag())
    }

    /// A page around its content.
    pub(crate) fn html(&self, words: Words, title: &str, content: &Markup) -> impl IntoResponse {
        let page = html! {
            (DOCTYPE) html lang=(words.tag()) {
                head {
                    meta charset="utf-8"; meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) }
                    style { (PreEscaped(STYLE)) } script { (PreEscaped(SCRIPT)) }
                }
                body {
                    nav { @for link in &self.links { a href=(link.0) { (words.say(link.1)) } } }
                    main { (content) }
                }
            }
        };
        let headers = [
            (header::VARY, "Accept, Accept-Language".to_owned()),
            (header::CONTENT_LANGUAGE, words.tag().to_owned()),
            (header::CONTENT_SECURITY_POLICY, self.policy.to_string()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        (headers, Html(page.into_string()))
    }

    fn notice(
        &self,
        headers: &HeaderMap,
        status: StatusCode,
        title: &'static str,
        text: &'static str,
    ) -> Response {
        let words = self.words(headers);
        let content = html! { h1 { (words.say(title)) } p { (words.say(text)) } };
        (status, self.html(words, words.say(title), &content)).into_response()
    }
}

/// `GET /`: what there is to see. A program is sent to the sign-in.
pub(crate) async fn front(
    State(pages): State<Pages>,
    headers: HeaderMap,
    user: Option<CasUser>,
) -> Response {
    if !names(&headers, "text/html") {
        // 302: axum's own redirects are 303, 307 and 308.
        return (StatusCode::FOUND, [(header::LOCATION, "/login")]).into_response();
    }
    let words = pages.words(&headers);
    let content = html! {
        h1 { "cas-layer" }
        p { (words.say("This is a small app behind a CAS server. Each link shows what a page can ask of its visitors.")) }
        (who(words, user.as_ref()))
        dl {
            @for link in &pages.links { dt { (words.say(link.1)) } dd { (words.say(link.2)) } }
        }
    };
    pages.html(words, "cas-layer", &content).into_response()
}

/// Any other path.
pub(crate) async fn not_found(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    let status = StatusCode::NOT_FOUND;
    if wants_json(&headers) {
        return (status, Json(json!({ "error": "not found" }))).into_response();
    }
    let text = "The links above lead to all there is.";
    pages.notice(&headers, status, "There is no such page", text)
}

/// `POST /sign_out_everywhere`: on all devices, then here and at the CAS server.
pub(crate) async fn sign_out_everywhere(
    State(pages): State<Pages>,
    headers: HeaderMap,
    user: CasUser,
) -> Response {
    if let Err(error) = user.end_all_sessions().await {
        tracing::error!(%error, "not every session may have ended");
        let text = "Your other devices may be signed out later.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return pages.notice(&headers, status, "You have signed out here", text);
    }
    Redirect::to("/logout").into_response()
}

/// `GET /profile`, `/admin` and `/fresh`.
pub(crate) async fn profile(
    State(pages): State<Pages>,
    headers: HeaderMap,
    user: CasUser,
) -> Response {
    if wants_json(&headers) {
        return ([(header::VARY, "Accept")], Json(Profile::of(&user))).into_response();
    }
    let words = pages.words(&headers);
    let content = html! {
        h1 { (words.say("Signed in as")) " " span #user { (user.name()) } }
        (session_end(words, user.expires_at()))
        (attribute_table(words, user.attributes()))
        (ways_out(words))
    };
    let title = words.say("Your profile");
    pages.html(words, title, &content).into_response()
}

/// `GET /optional` and `GET /gateway`: the signed-in user, if there is one.
pub(crate) async fn optional(
    State(pages): State<Pages>,
    headers: HeaderMap,
    user: Option<CasUser>,
) -> Response {
    if wants_json(&headers) {
        let profile = user.as_ref().map(Profile::of);
        let body = profile.map_or_else(|| json!({ "user": null }), |profile| json!(profile));
        return ([(header::VARY, "Accept")], Json(body)).into_response();
    }
    let words = pages.words(&headers);
    let title = words.say("Who is there?");
    let content = html! { h1 { (title) } (who(words, user.as_ref())) };
    pages.html(words, title, &content).into_response()
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
    names(headers, "application/json") && !names(headers, "text/html")
}

/// Whether `Accept` has this media type.
fn names(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|media_type| media_type.trim().eq_ignore_ascii_case(wanted))
}

fn who(words: Words, user: Option<&CasUser>) -> Markup {
    html! {
        @if let Some(user) = user {
            p { (words.say("Signed in as")) " " strong #user { (user.name()) } }
            (ways_out(words))
        } @else {
            p #nobody { (words.say("Nobody is signed in.")) }
            div .actions { a .button #login href="/login" { (words.say("Sign in")) } }
        }
    }
}

fn ways_out(words: Words) -> Markup {
    html! {
        div .actions {
            a .button #logout href="/logout" { (words.say("Sign out")) }
            form method="post" action="/sign_out_everywhere" {
                button .plain #everywhere { (words.say("Sign out of all devices")) }
            }
        }
    }
}

fn session_end(words: Words, time: SystemTime) -> Markup {
    let format = words.say("%-d %B %Y at %H:%M UTC");
    html! {
        // A time beyond the calendar of the library is not worth a failed page.
        @if let Ok(time) = jiff::Timestamp::try_from(time) {
            p { (words.say("Your session ends on")) " " time datetime=(time) { (time.strftime(format)) } "." }
        }
    }
}

fn attribute_table(words: Words, attributes: &Attributes) -> Markup {
    html! {
        @if attributes.is_empty() {
            p { (words.say("The CAS server sent no attributes.")) }
        } @else {
            table {
                caption { (words.say("What the CAS server says about you")) }
                tbody {
                    @for (name, values) in attributes.iter() {
                        tr { th scope="row" { (name) } td { ul { @for value in values { li { (value) } } } } }
                    }
                }
            }
        }
    }
}
