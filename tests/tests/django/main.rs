//! The flow against a django-cas-server, which others have written, and proxy authentication with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod chains;
#[path = "../proxy/link.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod link;
#[path = "../proxy/portal.rs"]
#[allow(dead_code, reason = "what other suites need besides")]
mod portal;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use cas_layer_tests::{
    acting, flow,
    suite::{DJANGO_CA, DJANGO_URL, leave_out, run, trial, variable},
    tls::Authority,
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
    trials.extend(acting::trials(url.clone(), Arc::clone(&trusted)));
    trials.push(trial(
        "chains::the_last_of_three_links_knows_the_user_and_the_last_proxy",
        move || async move {
            chains::the_last_of_three_links_knows_the_user_and_the_last_proxy(&url, &trusted).await;
        },
    ));
    if available {
        run(trials)
    } else {
        leave_out("django-cas-server", DJANGO_URL, &trials)
    }
}
