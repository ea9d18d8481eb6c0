//! The flow against a django-mama-cas, which others have written. A sign-out of its one user ends all tickets of that user
//! that are not used yet, in every browser, so the tests run one after another. It names services for proxies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "servers/flows.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod flows;

use std::process::ExitCode;

use cas_layer_tests::{
    flow,
    suite::{MAMA_URL, leave_out, run_in_turn, variable},
};

use crate::flows::{Abilities, Support::No};

fn main() -> ExitCode {
    let settings = variable(MAMA_URL);
    let available = settings.is_some();
    let url = settings.unwrap_or_default();
    let mut trials = flow::trials(flow::mama(url.clone()));
    let abilities = Abilities {
        dates: No,
        json: No,
        by_post: No,
        front_channel: No,
    };
    trials.extend(flows::trials(&url, flow::mama(url.clone()), &abilities));
    if available {
        run_in_turn(trials)
    } else {
        leave_out("django-mama-cas", MAMA_URL, &trials)
    }
}
