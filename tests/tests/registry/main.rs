//! Every registry keeps the contract of `Registry`, and each keeps what it promises beyond that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod file;
mod flood;
mod life;
mod memory;
mod postgres;
mod redis;
mod support;

use std::process::ExitCode;

use cas_layer_tests::{postgres::PostgresServer, redis::RedisServer, suite};

fn main() -> ExitCode {
    // Started again by a test, as a process of its own.
    #[cfg(unix)]
    if let Some(done) = file::child() {
        return done;
    }
    let mut trials = memory::trials();
    trials.extend(file::trials());
    trials.extend(life::trials());
    let with_redis = redis::trials();
    if RedisServer::program().is_some() {
        trials.extend(with_redis);
    } else {
        let _ = suite::leave_out("RedisRegistry", suite::REDIS_SERVER, &with_redis);
    }
    let with_postgres = postgres::trials();
    if PostgresServer::program().is_some() {
        trials.extend(with_postgres);
    } else {
        let _ = suite::leave_out("PostgresRegistry", suite::POSTGRES, &with_postgres);
    }
    suite::run(trials)
}
