//! A page whose buttons fetch parts of it with htmx. When the session has ended, a click leads to the CAS server and back to
//! the page: the layer answers with `HX-Redirect`, so neither the page nor its scripts have to do anything for that.
//!
//! `cargo run --example htmx -- https://cas.example.org/cas`, then open <http://127.0.0.1:8080>.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{
    Router,
    extract::{Path, Query},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key};
use maud::{DOCTYPE, html};
use serde::Deserialize;

/// With major versions 2 and 4 of htmx. They are served from here, so that the page needs nobody else.
const HTMX_2: &str = include_str!("htmx/htmx-2.0.11.min.js");
const HTMX_4: &str = include_str!("htmx/htmx-4.0.1.min.js");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1).ok_or("usage: htmx CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .public_prefix("/scripts")
        .build()?;
    let app = Router::new()
        .route("/", get(page))
        .route("/more", get(more))
        .route("/count", post(count))
        .route("/scripts/{version}", get(script))
        .layer(CasLayer::new(config));
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default = "newest")]
    htmx: u8,
}

fn newest() -> u8 {
    4
}

async fn page(user: CasUser, Query(shown): Query<Shown>) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                title { "Counting" }
                script src={ "/scripts/" (shown.htmx) } {}
            }
            body {
                h1 { "Signed in as " span #user { (user.name()) } }
                p { "Clicks of everybody: " output #clicks { "?" } }
                button #count hx-post="/count" hx-target="#clicks" { "Count" }
                p { a #more href="/more?than=this" hx-boost="true" { "More" } }
            }
        }
    };
    Html(page.into_string())
}

async fn more(user: CasUser) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { title { "More" } }
            body { h1 { "More for " span #user { (user.name()) } } }
        }
    };
    Html(page.into_string())
}

/// A part of the page. It is called only for a signed-in user.
async fn count() -> Html<String> {
    static CLICKS: AtomicUsize = AtomicUsize::new(0);
    let clicks = CLICKS.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    Html(html! { (clicks) }.into_string())
}

async fn script(Path(version): Path<u8>) -> Response {
    let script = match version {
        2 => HTMX_2,
        4 => HTMX_4,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, "text/javascript")], script).into_response()
}
