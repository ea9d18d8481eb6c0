//! `PostgresRegistry` against a real PostgreSQL that hangs, dies and forgets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod at_once;
mod away;
mod life;
mod network;
mod pooler;
mod said;
mod setup;
mod sharing;
mod support;

use std::process::ExitCode;

use cas_layer_tests::{
    pgbouncer::PgBouncer,
    postgres::PostgresServer,
    suite::{PGBOUNCER, POSTGRES, leave_out, run, trial},
};

macro_rules! tests {
    ($($module:ident::$name:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+]
    };
}

fn main() -> ExitCode {
    let mut trials = tests![
        setup::a_schema_that_is_missing_is_named,
        setup::settings_open_the_registry_that_they_name,
        setup::several_nodes_may_set_up_the_schema_at_once_and_again,
        setup::the_sql_of_the_documentation_and_its_rights_are_enough,
        setup::settings_that_make_no_sense_are_refused,
        setup::nodes_share_the_longest_lifetime,
        setup::a_server_that_is_not_there_or_refuses_the_user_is_said,
        setup::a_node_that_starts_knows_a_hundred_thousand_ends,
        sharing::a_lost_notification_loses_nothing,
        sharing::a_node_whose_connection_for_notifications_breaks_listens_again,
        sharing::ends_become_visible_in_the_order_of_their_numbers,
        sharing::ends_of_several_nodes_at_once_reach_all,
        sharing::messages_about_unknown_sessions_leave_no_trace,
        sharing::what_postgres_says_to_have_ended_has_ended_at_once,
        sharing::nodes_are_told_of_a_family_before_its_session,
        sharing::messages_from_the_network_take_half_of_the_other_connections,
        sharing::registries_with_two_schemas_share_nothing,
        sharing::a_sign_in_that_is_given_up_leaves_nothing,
        sharing::what_has_expired_is_forgotten_an_hour_later_and_with_what_was_kept,
        away::a_crash_loses_nothing_that_was_answered,
        away::sign_outs_wait_for_postgres_and_are_told,
        away::a_postgres_that_hangs_holds_nobody_up,
        away::a_full_queue_turns_away_and_what_it_did_not_take_is_told,
        away::a_node_that_is_cut_off_says_so,
        away::shutdown_tells_what_waits_or_says_that_it_cannot,
        away::an_older_copy_gets_back_what_it_lacks,
        away::a_logout_of_an_unknown_session_is_not_told_again,
        away::an_end_of_all_that_comes_late_ends_nobody_who_came_later,
        away::tables_that_were_made_anew_get_back_what_the_nodes_know,
        away::logouts_that_come_while_postgres_is_away_are_told_when_it_is_back,
        away::sessions_that_were_lost_are_open_again_once_their_cookies_are_seen,
        away::a_session_that_is_lost_twice_is_open_again_twice,
        away::a_cookie_tells_postgres_nothing_while_nothing_is_lost,
        away::a_logout_that_finds_a_session_lost_ends_it_when_its_cookie_is_seen,
        network::connections_that_fall_silent_are_replaced,
        said::what_happens_is_said,
        said::what_goes_on_is_said_once,
        said::what_postgres_is_told_again_is_said,
        said::a_loss_of_nothing_is_said,
        said::sign_outs_that_are_lost_with_the_registry_are_said,
        said::notifications_that_do_not_arrive_are_said_and_others_are_listened_for,
        said::a_postgres_that_may_forget_is_said,
    ];
    trials.push(life::trial());
    trials.extend(at_once::trials());
    let with_pooler = tests![
        pooler::one_in_session_mode_is_as_good_as_none,
        pooler::one_in_transaction_mode_is_refused_by_name,
    ];
    if PgBouncer::program().is_some() {
        trials.extend(with_pooler);
    } else {
        let _ = leave_out("PgBouncer", PGBOUNCER, &with_pooler);
    }
    if PostgresServer::program().is_some() {
        run(trials)
    } else {
        leave_out("PostgreSQL", POSTGRES, &trials)
    }
}
