//! Attacks on a running app, bounded in number and time, one after another. What they measure is compared within
//! one run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod logout_flood;

use std::process::ExitCode;

use cas_layer_tests::suite::run_in_turn;

fn main() -> ExitCode {
    let mut trials = vec![];
    trials.extend(logout_flood::trials());
    run_in_turn(trials)
}
