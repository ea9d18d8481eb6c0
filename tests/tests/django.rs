//! The flow against a django-cas-server, which others have written.

use std::process::ExitCode;

use cas_layer_tests::{
    flow,
    suite::{DJANGO_URL, leave_out, run, variable},
};

fn main() -> ExitCode {
    let url = variable(DJANGO_URL);
    let available = url.is_some();
    let trials = flow::trials(flow::django(url.unwrap_or_default()));
    if available {
        run(trials)
    } else {
        leave_out("django-cas-server", DJANGO_URL, &trials)
    }
}
