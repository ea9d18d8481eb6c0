//! Apps behind a real nginx, as Debian sets it up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod apps;
mod auth_request;
mod groups;
mod guide;
mod listening;
mod loops;
mod nodes;
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
        groups::forty_five_groups_pass_the_default_buffers,
        groups::what_nearly_fills_a_cookie_passes_the_default_buffers,
        groups::four_hundred_groups_pass_the_default_buffers,
        groups::ten_thousand_groups_pass_the_default_buffers,
        groups::a_bare_service_url_passes_the_default_buffers,
        apps::four_apps_of_one_host_work_together,
        apps::four_apps_of_one_host_work_together_whatever_the_names,
        loops::a_prefix_that_nginx_strips_untold_ends_in_a_page,
        loops::a_prefix_that_nginx_does_not_strip_as_told_ends_in_a_page,
        loops::a_prefix_that_nginx_adds_untold_ends_in_a_page,
        loops::two_nodes_with_a_key_each_end_in_a_page,
        nodes::nodes_with_one_redis_share_sessions_of_any_size,
        guide::the_site_signs_in_and_out,
        guide::the_cas_server_reaches_the_app_through_the_site,
        guide::the_site_speaks_http2,
        guide::the_site_tells_the_address_and_nobody_else_can,
        guide::the_site_logs_no_ticket,
        guide::the_site_has_room_for_the_largest_heads,
        guide::large_cookies_have_room_with_the_lines_for_them,
        guide::the_site_carries_a_websocket,
        guide::an_app_under_a_path_gets_the_whole_path,
        guide::an_app_under_a_path_can_be_given_the_rest_of_it,
        guide::nodes_with_one_key_share_the_sign_ins,
        guide::four_apps_of_one_host_have_room_for_their_cookies,
        guide::four_apps_with_large_cookies_have_room_with_the_lines_for_them,
        auth_request::the_backend_is_told_of_a_user_who_signs_in_and_out,
        auth_request::forged_headers_reach_neither_the_backend_nor_the_layer,
        auth_request::rules_decide_about_what_the_backend_gets,
        auth_request::a_session_that_the_cas_server_ends_is_over_at_once,
        auth_request::scripts_and_forms_are_told_and_not_redirected,
        auth_request::a_session_in_use_stays_in_use,
        auth_request::long_addresses_and_many_groups_have_room,
        auth_request::nothing_passes_while_the_layer_is_away,
        guide::every_snippet_is_run_here,
    ];
    if Nginx::program().is_some() {
        run(trials)
    } else {
        leave_out("nginx", NGINX, &trials)
    }
}
