//! The flow against the embedded CAS server.

use std::process::ExitCode;

use cas_layer_tests::{flow, suite};

fn main() -> ExitCode {
    suite::run(flow::trials(flow::embedded()))
}
