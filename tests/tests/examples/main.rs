//! Every example of cas-layer as the program that it is, with an embedded CAS server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on shall panic"
)]

mod axum_login;
mod bearer_tokens;
mod cors;
mod database;
mod opentelemetry;
mod pages;
mod program;
mod reverse_proxy;
mod serve_dir;
mod settings;
mod socket;
mod tonic;
mod tower_sessions;
mod websocket;
