//! `GET /proxied`: what another service says to the user whom the demo acts for.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cas_layer::CasUser;
use maud::html;
use reqwest::redirect::Policy;
use serde_json::json;

use crate::{
    pages::{Pages, wants_json},
    records::Reply,
};

/// The other service asks the CAS server whose ticket it got, and that may take 10 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// The other service, as the demo calls it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    url: String,
    client: reqwest::Client,
}

impl Service {
    pub(crate) fn new(url: String) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            .build()?;
        Ok(Self { url, client })
    }

    /// What the service says to this user; or why it says nothing, in words for the user.
    async fn ask(&self, user: &CasUser) -> Result<Reply, &'static str> {
        let ticket = user.proxy_ticket(&self.url).await.map_err(|error| {
            tracing::warn!(%error, "no proxy ticket");
            "The CAS server gave the demo no ticket for the other service. Sign in again."
        })?;
        let authorization = format!("CAS {}", ticket.expose_secret());
        let asked = self
            .client
            .get(&self.url)
            .header(header::AUTHORIZATION, authorization);
        let answer = async { asked.send().await?.error_for_status()?.json().await };
        answer.await.map_err(|error: reqwest::Error| {
            tracing::warn!(%error, "the other service did not answer");
            "The other service did not answer."
        })
    }
}

pub(crate) async fn proxied(
    State((service, pages)): State<(Service, Pages)>,
    headers: HeaderMap,
    user: CasUser,
) -> Response {
    let asked = service.ask(&user).await;
    let status = match &asked {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_GATEWAY,
    };
    if wants_json(&headers) {
        let body = match asked {
            Ok(reply) => json!({ "service": service.url, "answer": reply }),
            Err(reason) => json!({ "service": service.url, "error": reason }),
        };
        return (status, [(header::VARY, "Accept")], Json(body)).into_response();
    }
    let words = pages.words(&headers);
    let title = words.say("Another service");
    let content = html! {
        h1 { (title) }
        p { code { (service.url) } }
        @match &asked {
            Err(reason) => { p #error { (words.say(reason)) } }
            Ok(reply) => {
                p { (words.say("It knows you as")) " " strong #user { (reply.user) } }
                p { (words.say("It was called through")) } ol #proxies { @for proxy in &reply.proxies { li { (proxy) } } }
                table {
                    caption { (words.say("Your records")) } tbody { @for record in &reply.records { tr { td { (record) } } } }
                }
            }
        }
    };
    (status, pages.html(words, title, &content)).into_response()
}
