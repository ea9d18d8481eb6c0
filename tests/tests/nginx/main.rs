//! Apps behind a real nginx, as Debian sets it up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod apps;
mod groups;
mod support;

use std::process::ExitCode;

use cas_layer_tests::{
    nginx::Nginx,
    suite::{NGINX, leave_out, run, trial},
};

macro_rules! tests {
    ($($module:ident::$name:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+]
    };
}

fn main() -> ExitCode {
    let trials = tests![
        groups::ten_groups_pass_the_default_buffers,
        apps::four_apps_of_one_host_work_together,
    ];
    if Nginx::program().is_some() {
        run(trials)
    } else {
        leave_out("nginx", NGINX, &trials)
    }
}
