//! A form with a long text and a file. If the session ends while somebody writes, nothing is lost: the answer to the form is a page
//! that opens the sign-in in a new tab, and a reload of that page sends the form again.
//!
//! `cargo run --example forms -- https://cas.example.org/cas`, then open <http://127.0.0.1:8080>.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, multipart::MultipartError},
    response::Html,
    routing::{get, post},
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key};
use maud::{DOCTYPE, Markup, html};

/// The largest form that is read, in bytes.
const MAX: usize = 64 * 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1).ok_or("usage: forms CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    let app = Router::new()
        .route("/", get(form))
        .route("/reports", post(save))
        .layer(DefaultBodyLimit::max(MAX))
        .layer(CasLayer::new(config));
    axum::serve(listener, app).await?;
    Ok(())
}

async fn form(user: CasUser) -> Html<String> {
    page(&html! {
        h1 { "Report of " span #user { (user.name()) } }
        form method="post" action="/reports" enctype="multipart/form-data" {
            p { textarea name="text" rows="10" cols="60" {} }
            p { input type="file" name="file"; }
            button #send { "Send" }
        }
    })
}

async fn save(user: CasUser, mut form: Multipart) -> Result<Html<String>, MultipartError> {
    let (mut text, mut file) = (0, 0);
    while let Some(mut field) = form.next_field().await? {
        if field.name() == Some("text") {
            text += field.text().await?.chars().count();
        } else {
            while let Some(chunk) = field.chunk().await? {
                file += chunk.len();
            }
        }
    }
    Ok(page(&html! {
        h1 { "Saved" }
        p #saved { (user.name()) " sent " (text) " characters and " (file) " bytes" }
    }))
}

fn page(content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { title { "Reports" } }
            body { (content) }
        }
    };
    Html(page.into_string())
}
