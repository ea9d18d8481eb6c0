//! A small axum application behind cas-layer.
//!
//! Without arguments it starts a CAS server of its own for demonstration; `--cas-url` points it at
//! a real one. Its log goes to stderr (`RUST_LOG` sets the level) and holds no query strings, so no
//! tickets.

mod app;
mod metrics;
mod options;
mod pages;
mod proxied;
mod records;
mod serve;
mod words;

use std::{
    error::Error,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use options::Options;

/// What a usage error exits with by convention, and so does everything else that keeps the demo
/// from starting.
const CANNOT_START: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::builder()
                .with_default_directive(LevelFilter::INFO.into())
                .from_env_lossy(),
        )
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    match serve::run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Says in one line on stderr why the demo does not start.
fn fail(error: &dyn Error) -> ExitCode {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line = format!("{line}: {cause}");
        source = cause.source();
    }
    eprintln!(
        "demo-app: {}",
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    ExitCode::from(CANNOT_START)
}
