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
mod unfinished_forms;

use std::process::ExitCode;

use cas_layer_tests::suite::run_in_turn;

fn main() -> ExitCode {
    let trials = [sign_in_flood::trials(), unfinished_forms::trials()];
    run_in_turn(trials.into_iter().flatten().collect())
}
