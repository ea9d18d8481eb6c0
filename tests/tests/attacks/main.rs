//! Attacks on a running app, bounded in number and time, one after another. What they measure is compared within
//! one run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod login;
mod sign_in_flood;

use std::process::ExitCode;

use cas_layer_tests::suite::run_in_turn;

fn main() -> ExitCode {
    run_in_turn(sign_in_flood::trials())
}
