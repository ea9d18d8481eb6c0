//! Settings from a file and from the environment, which has the last word. With axum and the crate `config`.
//!
//! `cargo run --example settings --features serde,file,redis -- app.toml`, where `app.toml` has, for example:
//!
//! ```toml
//! greeting = "Hello"
//!
//! [cas]
//! url = "https://cas.example.org/cas"
//! public = ["/"]
//!
//! [cas.session]
//! lifetime = "10h"
//! ```
//!
//! A variable is named by the parts of its key, with `APP_` before them: `APP_GREETING=Hi`,
//! `APP_CAS__SESSION__LIFETIME=30m`. So keys need not be in a file: `APP_CAS__KEYS` has them in base64.
//!
//! The guide's page on settings has all keys.

use std::process::ExitCode;

use axum::{Router, extract::State, response::Redirect, routing::get};
use cas_layer::{CasLayer, CasSettings, CasUser};
use config::{Config, ConfigError, Environment, File, FileFormat, Value};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("usage: settings FILE")?;
    let environment = Environment::with_prefix("APP")
        .prefix_separator("_")
        .separator("__");
    let all = Config::builder()
        .add_source(File::new(&file, FileFormat::Toml))
        .add_source(environment)
        .build()
        .map_err(|error| match error {
            // It would show the line with the mistake, and a key may be in it.
            ConfigError::FileParse { .. } => format!("{file} is no TOML"),
            error => error.to_string(),
        })?;
    let greeting: String = all.get("greeting")?;
    let mut settings = CasSettings::read(all.get::<Value>("cas")?)?;

    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let own_url = format!("http://{}", listener.local_addr()?);
    // The fields are public. Here, the app is where it listens unless it is told otherwise.
    settings.app_url.get_or_insert(own_url.as_str().into());

    let registry = settings.registry().await?;
    let config = settings
        .builder(&registry)?
        // What only code can say.
        .on_sign_in(|user| println!("{} has signed in", user.name()))
        .build()?;
    let app = Router::new()
        .route("/", get(|| async { Redirect::to("/hello") }))
        .route("/hello", get(hello))
        .with_state(greeting)
        .layer(CasLayer::new(config));
    println!("Listening on {own_url}");
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    registry.shutdown().await?;
    Ok(())
}

async fn hello(State(greeting): State<String>, user: CasUser) -> String {
    format!("{greeting}, {}", user.name())
}
