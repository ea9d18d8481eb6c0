//! The flow against a django-cas-server, which others have written, and proxy authentication with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../servers/chains.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod chains;
#[path = "../servers/flows.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod flows;
#[path = "../proxy/portal.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod portal;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use cas_layer_tests::{
    acting::{self, FailedCallback},
    flow,
    suite::{DJANGO_CA, DJANGO_URL, leave_out, run, variable},
    tls::Authority,
};

use crate::{
    chains::Named,
    flows::{
        Abilities,
        Support::{No, Yes},
    },
};

fn main() -> ExitCode {
    let settings = variable(DJANGO_URL).zip(variable(DJANGO_CA));
    let available = settings.is_some();
    let (url, ca) = settings.unwrap_or_default();
    let trusted = Arc::new(Authority::new());
    if available {
        trusted.publish(&PathBuf::from(ca));
    }
    let mut trials = flow::trials(flow::django(url.clone()));
    trials.extend(acting::trials(
        url.clone(),
        Arc::clone(&trusted),
        FailedCallback::IsRefused,
    ));
    let abilities = Abilities {
        dates: Yes,
        json: No,
        by_post: No,
        front_channel: No,
    };
    trials.extend(flows::trials(&url, flow::django(url.clone()), &abilities));
    trials.extend(chains::trials(&url, &trusted, Named::LastOnly));
    if available {
        run(trials)
    } else {
        leave_out("django-cas-server", DJANGO_URL, &trials)
    }
}
