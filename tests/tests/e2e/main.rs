//! The demo keeps its contract.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod keys;
mod log;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod proxy;
mod routes;
mod rules;
mod sessions;
mod settings;
mod shutdown;
