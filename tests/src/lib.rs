//! Shared helpers of the end-to-end suites.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "helpers of tests: a test fails by panicking"
)]

/// The code of the project's README is compiled, so it does not drift.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub mod acting;
pub mod at_once;
pub mod balancer;
pub mod checker;
pub mod demo;
pub mod example;
pub mod flow;
pub mod free_port;
pub mod groups;
pub mod house;
pub mod life;
pub mod listening;
pub mod nginx;
pub mod noise;
pub mod pgbouncer;
pub mod postgres;
pub mod redis;
mod server_process;
pub mod service_key;
pub mod suite;
pub mod tls;
pub mod visitor;
