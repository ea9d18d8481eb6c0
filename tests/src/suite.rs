//! Suites that need a server which not every machine has.

use std::{env, process::ExitCode};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime;

/// The variable with the URL of a django-cas-server, such as `http://127.0.0.1:1234/cas`.
pub const DJANGO_URL: &str = "CAS_TESTS_DJANGO_URL";
/// The variable with the file from which that server reads whom to trust when it calls back by https.
pub const DJANGO_CA: &str = "CAS_TESTS_DJANGO_CA";
/// The variable with the chromedriver to run.
pub const CHROMEDRIVER: &str = "CAS_TESTS_CHROMEDRIVER";

/// The variable with the redis-server to run. Without it, one on the `PATH` is taken.
pub const REDIS_SERVER: &str = "CAS_TESTS_REDIS_SERVER";
/// The variable with the nginx to run. Without it, one on the `PATH` is taken.
pub const NGINX: &str = "CAS_TESTS_NGINX";

/// A variable, if it is set and not empty.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A test with a runtime of its own. It fails by panicking.
pub fn trial<F>(name: impl Into<String>, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name, move || {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime?.block_on(body());
        Ok(())
    })
}

/// Runs the tests.
#[must_use]
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the tests one after another, as each takes what the machine has.
#[must_use]
pub fn run_in_turn(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Names the tests that are not run, and what they would need.
#[must_use]
pub fn leave_out(what: &str, variable: &str, trials: &[Trial]) -> ExitCode {
    let count = trials.len();
    println!(
        "\nleft out: {count} tests of {what}, as {variable} is not set; `tests/run` runs them"
    );
    for trial in trials {
        println!("left out: {}", trial.name());
    }
    println!();
    ExitCode::SUCCESS
}
