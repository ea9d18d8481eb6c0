//! Files for everybody below `/assets`, and files for users below `/files`.
//!
//! `cargo run --example serve_dir -- https://cas.example.org/cas DIRECTORY`, then open
//! <http://127.0.0.1:8080/files/>. They are in the directories `assets` and `files` of `DIRECTORY`.

use std::path::PathBuf;

use axum::Router;
use cas_layer::{Access, CasConfig, CasLayer, Key, Paths};
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(cas_url), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: serve_dir CAS_URL DIRECTORY".into());
    };
    let cas_url = cas_url.into_string().map_err(|_| "a URL is text")?;
    let directory = PathBuf::from(directory);
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .sign_in(|sign_in| sign_in.landing_path("/files/"))
        .rule(Paths::prefix("/assets"), Access::public())
        // All else requires a user, so a directory that is added below is protected too.
        .build()?;
    let app = Router::new()
        .nest_service("/assets", ServeDir::new(directory.join("assets")))
        .nest_service("/files", ServeDir::new(directory.join("files")))
        .layer(CasLayer::new(config));
    axum::serve(listener, app).await?;
    Ok(())
}
