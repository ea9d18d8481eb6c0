//! Attacks on a running app, bounded in number and time, one after another. What they measure is compared within
//! one run. Those with `_flood::` in their names compare times, so nothing may run beside them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod http2;
mod login;
mod logout_flood;
mod sign_in_flood;
mod spellings;
mod unfinished_forms;

use std::process::ExitCode;

use cas_layer_tests::suite::run_in_turn;

fn main() -> ExitCode {
    let suites = [
        http2::trials(),
        logout_flood::trials(),
        sign_in_flood::trials(),
        spellings::trials(),
        unfinished_forms::trials(),
    ];
    run_in_turn(suites.into_iter().flatten().collect())
}
