//! `cargo run --example minimal -- https://cas.example.org/cas`, then open <http://127.0.0.1:8080>.

use axum::{
    Router,
    response::{Html, Redirect},
    routing::get,
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1).ok_or("usage: minimal CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    // `/login`, `/logout` and `/logout_callback` are the layer's.
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .sign_in(|sign_in| sign_in.landing_path("/profile"))
        .public("/")
        .build()?;
    let app = Router::new()
        .route("/", get(|| async { Redirect::to("/login") }))
        .route("/profile", get(profile))
        .layer(CasLayer::new(config));
    axum::serve(listener, app).await?;
    Ok(())
}

async fn profile(user: CasUser) -> Html<String> {
    let name = user.name().replace('&', "&amp;").replace('<', "&lt;");
    Html(format!(
        "Logged in as {name}. <a href=\"/logout\">Logout</a>"
    ))
}
