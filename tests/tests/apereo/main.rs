//! The flow against an Apereo CAS, which others have written, and what only this server does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../servers/chains.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod chains;
#[path = "../servers/flows.rs"]
mod flows;
mod own;
#[path = "../proxy/portal.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod portal;
mod rest;

use std::{fs, process::ExitCode, sync::Arc};

use cas_layer_tests::{
    acting::{self, FailedCallback},
    flow,
    suite::{APEREO_KEY, APEREO_URL, leave_out, run, variable},
    tls::Authority,
};

use crate::{
    chains::Named,
    flows::{Abilities, Support::Yes},
};

fn main() -> ExitCode {
    let settings = variable(APEREO_URL).zip(variable(APEREO_KEY));
    let available = settings.is_some();
    let (url, trusted) = settings.map_or_else(
        || (String::new(), Authority::new()),
        |(url, key)| (url, Authority::of_key(&fs::read_to_string(key).unwrap())),
    );
    let trusted = Arc::new(trusted);
    let mut trials = flow::trials(flow::apereo(url.clone()));
    trials.extend(acting::trials(
        url.clone(),
        Arc::clone(&trusted),
        FailedCallback::IsRefused,
    ));
    let abilities = Abilities {
        dates: Yes,
        json: Yes,
        by_post: Yes,
        front_channel: Yes,
    };
    trials.extend(flows::trials(&url, flow::apereo(url.clone()), &abilities));
    trials.extend(chains::trials(&url, &trusted, Named::All));
    trials.extend(own::trials(&url));
    trials.extend(rest::trials(&url));
    if available {
        run(trials)
    } else {
        leave_out("Apereo CAS", APEREO_URL, &trials)
    }
}
