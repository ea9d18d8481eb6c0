//! Suites that need a server which not every machine has.

use std::{env, process::ExitCode, time::Duration};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime;

/// The variable with the URL of a django-cas-server, such as `http://127.0.0.1:1234/cas`.
pub const DJANGO_URL: &str = "CAS_TESTS_DJANGO_URL";
/// The variable with the file from which that server reads whom to trust when it calls back by https.
pub const DJANGO_CA: &str = "CAS_TESTS_DJANGO_CA";
/// The variable with the URL of an Apereo CAS, such as `http://127.0.0.1:1234/cas`.
pub const APEREO_URL: &str = "CAS_TESTS_APEREO_URL";
/// The variable with the file that has the key of the authority which that server trusts when it calls back by https.
pub const APEREO_KEY: &str = "CAS_TESTS_APEREO_KEY";
/// The variable with the URL of a django-mama-cas, such as `http://127.0.0.1:1234/cas`.
pub const MAMA_URL: &str = "CAS_TESTS_MAMA_URL";
/// The variable with the URL of a `LemonLDAP::NG`, such as `http://127.0.0.1:1234/cas`.
pub const LEMON_URL: &str = "CAS_TESTS_LEMON_URL";
/// The variable with the file from which that server reads whom to trust when it calls back by https.
pub const LEMON_CA: &str = "CAS_TESTS_LEMON_CA";
/// The variable with the chromedriver to run.
pub const CHROMEDRIVER: &str = "CAS_TESTS_CHROMEDRIVER";
/// The variable with the file of axe-core, `axe.min.js`.
pub const AXE: &str = "CAS_TESTS_AXE";

/// The variable with the redis-server to run. Without it, one on the `PATH` is taken.
pub const REDIS_SERVER: &str = "CAS_TESTS_REDIS_SERVER";
/// The variable with the postgres to run, the server itself. Without it, one on the `PATH` or where Debian has it is taken.
pub const POSTGRES: &str = "CAS_TESTS_POSTGRES";
/// The variable with the pgbouncer to run. Without it, one on the `PATH` is taken.
pub const PGBOUNCER: &str = "CAS_TESTS_PGBOUNCER";
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

/// Says that a server does not support what a test is about. The table of servers and flows reads it.
pub fn not_supported(test: &str) {
    println!("not supported by the server: {test}");
}

/// Waits until something holds that nobody tells of. It fails after a minute.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(in_time.is_ok(), "never: {what}");
}

/// Runs the tests.
#[must_use]
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the tests all at once, as each of them mostly waits.
#[must_use]
pub fn run_at_once(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let test_threads = arguments.test_threads.or(Some(trials.len().max(1)));
    let arguments = Arguments {
        test_threads,
        ..arguments
    };
    libtest_mimic::run(&arguments, trials).exit_code()
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

/// Names the tests that are not run, what they would need, and what command runs them.
#[must_use]
pub fn leave_out(what: &str, variable: &str, trials: &[Trial]) -> ExitCode {
    let count = trials.len();
    let how = match variable {
        APEREO_URL => "tests/run apereo",
        MAMA_URL | LEMON_URL => "tests/run flows",
        _ => "tests/run",
    };
    println!("\nleft out: {count} tests of {what}, as {variable} is not set; `{how}` runs them");
    for trial in trials {
        println!("left out: {}", trial.name());
    }
    println!();
    ExitCode::SUCCESS
}
