//! Three nodes of the demo behind a load balancer, with a real Redis between them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod cluster;
mod failures;
mod logout;
mod proxy;

use std::process::ExitCode;

use cas_layer_tests::{
    redis::RedisServer,
    suite::{REDIS_SERVER, leave_out, run, trial},
};

macro_rules! tests {
    ($($module:ident::$name:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+]
    };
}

fn main() -> ExitCode {
    let trials = tests![
        logout::a_session_opened_on_one_node_is_good_on_all,
        logout::a_single_logout_is_in_force_on_every_node,
        logout::a_sign_out_on_one_node_is_in_force_on_every_node,
        logout::all_devices_are_signed_out_on_every_node,
        failures::a_node_that_was_killed_knows_what_ended_meanwhile,
        failures::a_node_that_hung_learns_what_ended_meanwhile,
        failures::without_redis_sessions_go_on_and_what_ends_is_told_later,
        failures::a_redis_that_hangs_holds_no_request_up,
        failures::a_redis_that_forgot_everything_revives_nobody,
        failures::a_redis_with_an_older_copy_revives_nobody,
        proxy::a_callback_on_another_node_finds_its_sign_in,
    ];
    if RedisServer::program().is_some() {
        run(trials)
    } else {
        leave_out("many nodes", REDIS_SERVER, &trials)
    }
}
