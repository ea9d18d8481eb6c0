//! Attacks on a running app, bounded in number and time, one after another. What they measure is compared within
//! one run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod http2;
mod logout_flood;
mod spellings;

use std::process::ExitCode;

use cas_layer_tests::suite::run_in_turn;

fn main() -> ExitCode {
    let suites = [
        http2::trials(),
        logout_flood::trials(),
        spellings::trials(),
    ];
    run_in_turn(suites.into_iter().flatten().collect())
}
