//! The layer's own pages, as an organisation shows them: with its name, logo and colour, and one of them in its own layout. The
//! start page leads to each of them, in the language of your browser.
//!
//! `cargo run --example pages --features testing`, then open <http://127.0.0.1:8080>.

use std::fmt::Write as _;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use cas_layer::{
    CasConfig, ConfigError, Key, Page, PageContext, PageKind, PageLanguage, testing::page,
};

const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 32">
    <path d="M4 28 20 4l16 24z" fill="#7a1f3d"/><circle cx="20" cy="20" r="5" fill="#fff"/></svg>"##;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/", get(list))
        .route("/{at}", get(show))
        .with_state(config()?);
    axum::serve(listener, app).await?;
    Ok(())
}

fn config() -> Result<CasConfig, ConfigError> {
    let german = PageLanguage::new("de").page(
        PageKind::NotAllowed,
        "Kein Zugriff",
        "Ihre Kennung ist für diesen Dienst nicht freigeschaltet.",
        "Bitte wenden Sie sich an die Auskunft der Bibliothek.",
    );
    CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(Key::generate())
        .pages(|pages| {
            pages
                .name("Library of Example University")
                .logo(LOGO)
                .accent("#7a1f3d")
                .support("mailto:library@example.org")
                .language(german)
                .rendered_by(goodbye)
        })
        .build()
}

/// The page after sign-out is the app's own, and all others are the layer's.
fn goodbye(page: &Page, context: &PageContext) -> Option<http::Response<bytes::Bytes>> {
    let image = page.image().filter(|_| page.kind() == PageKind::LoggedOut);
    let language = context.language();
    let html = format!(
        "<!DOCTYPE html><html lang=\"{}\"><title>{title}</title><h1>{title}</h1><p>{}</p><p><a href=\"{}\">{}</a></p>{}",
        escape(language.tag()),
        escape(page.text()),
        escape(page.link()),
        escape(page.link_label()),
        image.map_or_else(String::new, |image| format!(
            "<img src=\"{}\" alt=\"\">",
            escape(image)
        )),
        title = escape(page.title()),
    );
    (page.kind() == PageKind::LoggedOut).then(|| http::Response::new(html.into()))
}

async fn list() -> Html<String> {
    let mut html = "<!DOCTYPE html><title>Pages</title><h1>Pages</h1><ul>".to_owned();
    for (at, kind) in PageKind::ALL.iter().enumerate() {
        // Writing to a text does not fail.
        let _ = write!(html, "<li><a href=\"/{at}\">{kind:?}</a>");
    }
    Html(html)
}

async fn show(
    State(config): State<CasConfig>,
    Path(at): Path<usize>,
    request: Request,
) -> Response {
    match PageKind::ALL.get(at) {
        Some(kind) => page(&config, *kind, &request.map(|_| ())).map(Body::from),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[test]
fn one_page_is_the_apps_own_and_the_others_have_its_name() -> Result<(), Box<dyn std::error::Error>>
{
    let config = config()?;
    for kind in PageKind::ALL {
        let request = http::Request::get("/")
            .header("accept-language", "de")
            .body(())?;
        let html = String::from_utf8(page(&config, *kind, &request).body().to_vec())?;
        let has_name = html.contains("Library of Example University");
        assert_eq!(has_name, *kind != PageKind::LoggedOut, "{kind:?}");
        assert!(html.contains("lang=\"de\""), "{kind:?}");
    }
    Ok(())
}
