//! The checker itself, and a short run of it over each registry. The variable `CAS_TESTS_CHECKER_SECONDS` says how long things
//! go wrong in a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod planted;
mod runs;

use std::process::ExitCode;

use cas_layer_tests::{
    checker::program,
    postgres::PostgresServer,
    redis::RedisServer,
    suite::{POSTGRES, REDIS_SERVER, leave_out, run_at_once},
};

fn main() -> ExitCode {
    if let Some(done) = program::run_if_asked() {
        return done;
    }
    let mut trials = planted::trials();
    trials.extend(runs::trials());
    let with_redis = runs::with_redis();
    if RedisServer::program().is_some() {
        trials.extend(with_redis);
    } else {
        let _ = leave_out("the checker", REDIS_SERVER, &with_redis);
    }
    let with_postgres = runs::with_postgres();
    if PostgresServer::program().is_some() {
        trials.extend(with_postgres);
    } else {
        let _ = leave_out("the checker", POSTGRES, &with_postgres);
    }
    run_at_once(trials)
}
