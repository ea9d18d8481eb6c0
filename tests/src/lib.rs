//! Shared helpers of the end-to-end suites.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "helpers of tests: a test fails by panicking"
)]

pub mod acting;
pub mod balancer;
pub mod demo;
pub mod flow;
pub mod groups;
pub mod house;
pub mod nginx;
pub mod noise;
pub mod redis;
pub mod suite;
pub mod tls;
pub mod visitor;
