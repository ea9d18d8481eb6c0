//! `RedisRegistry` against a real Redis that hangs, dies and forgets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod at_once;
mod away;
mod clock;
mod cluster;
mod families;
mod grants;
mod life;
mod loss;
mod numbers;
mod proxy;
mod races;
mod replicas;
mod said;
mod sentinel;
mod setup;
mod sharing;
mod support;

use std::process::ExitCode;

use cas_layer_tests::{
    redis::RedisServer,
    suite::{REDIS_SERVER, leave_out, run, trial},
};
use libtest_mimic::Trial;

macro_rules! tests {
    ($($module:ident::$name:ident),+ $(,)?) => {
        vec![$(trial(concat!(stringify!($module), "::", stringify!($name)), $module::$name)),+]
    };
}

fn main() -> ExitCode {
    let mut trials = of_one_server();
    trials.extend(of_several_servers());
    trials.push(life::trial());
    trials.extend(at_once::trials());
    if RedisServer::program().is_some() {
        run(trials)
    } else {
        leave_out("Redis", REDIS_SERVER, &trials)
    }
}

fn of_one_server() -> Vec<Trial> {
    tests![
        setup::a_password_that_is_refused_is_named,
        setup::settings_open_the_registry_that_they_name,
        setup::tls_needs_a_root_certificate_that_is_trusted,
        setup::a_redis_that_asks_for_a_client_certificate_gets_one,
        setup::a_redis_that_is_not_there_is_unavailable,
        setup::a_redis_before_6_2_is_refused_with_its_version,
        setup::a_replica_is_refused,
        setup::settings_that_make_no_sense_are_refused,
        setup::a_policy_that_evicts_is_refused_unless_it_is_allowed,
        setup::a_redis_that_may_lose_what_it_has_confirmed_is_warned_of,
        setup::a_user_with_the_documented_rights_can_do_everything,
        setup::a_user_who_may_not_ask_for_info_is_warned_of,
        sharing::what_one_node_ends_has_ended_on_all,
        sharing::a_single_logout_may_reach_any_node,
        sharing::what_redis_says_to_have_ended_has_ended_at_once,
        sharing::registries_with_two_prefixes_share_nothing,
        sharing::all_sessions_of_an_account_end_on_all_nodes_and_later_ones_live,
        sharing::a_node_that_starts_knows_what_has_ended,
        sharing::a_node_that_starts_loads_many_pages,
        sharing::clocks_ten_minutes_apart_agree,
        sharing::what_has_expired_is_forgotten,
        sharing::messages_about_unknown_sessions_leave_no_trace,
        sharing::messages_about_unknown_sessions_take_no_room,
        sharing::the_last_clone_takes_its_connections_along,
        races::a_logout_between_begin_and_open_wins,
        races::a_logout_at_the_same_time_as_the_sign_in_is_never_lost,
        races::a_ticket_that_begins_twice_is_opened_once_and_abandoned_once,
        races::what_has_not_begun_is_not_opened,
        races::a_sign_out_is_done_even_if_nobody_waits_for_it,
        away::a_kill_and_a_restart_lose_nothing,
        away::nothing_is_lost_and_nobody_ended_through_kills_and_hangs,
        away::sign_outs_wait_for_redis_and_are_told,
        away::a_redis_that_hangs_holds_nobody_up,
        away::a_redis_without_memory_is_tried_again,
        away::a_full_queue_turns_away,
        away::a_sign_out_that_found_no_room_is_told_later,
        away::a_redis_that_turns_away_is_tried_with_pauses,
        away::a_redis_that_is_silent_has_few_connections,
        away::strangers_take_no_room_of_others_while_redis_is_away,
        away::a_logout_of_an_unknown_session_is_forgotten_when_redis_is_back,
        away::shutdown_tells_redis_what_waits,
        away::shutdown_without_redis_says_so,
        away::a_node_that_is_cut_off_says_so,
        clock::a_logout_counts_though_redis_took_the_session_for_expired,
        clock::a_jump_that_nobody_saw_counts_too,
        clock::an_end_of_all_that_seems_to_come_late_fails_alone,
        said::what_happens_is_said_once_and_without_the_password,
        said::what_redis_lacked_is_said,
        said::sign_outs_that_are_lost_with_the_registry_are_said,
        said::a_redis_that_does_not_wait_for_replicas_confirms_nothing,
        said::a_master_that_stays_is_not_left,
        said::sign_outs_that_redis_does_not_accept_are_said_once,
        said::two_servers_behind_one_address_are_said_and_not_used,
        loss::redis_learns_again_how_long_sessions_last,
        loss::a_cookie_tells_redis_nothing_while_nothing_is_lost,
        loss::an_empty_redis_gets_back_what_the_nodes_know,
        loss::an_emptied_database_is_noticed_at_the_next_call,
        loss::an_emptied_database_is_noticed_without_a_call,
        loss::an_older_copy_gets_back_what_it_lacks,
        loss::cookies_that_are_seen_are_opened_again,
        loss::logouts_of_unknown_sessions_are_kept_after_a_loss,
        loss::what_was_kept_before_another_loss_counts_still,
        loss::a_flood_after_a_loss_leaves_others_the_room_of_their_share,
        loss::a_logout_that_an_old_master_did_not_know_is_told_to_the_new_one,
        loss::an_end_of_all_ends_what_an_old_master_has_opened_meanwhile,
        loss::a_sign_in_that_began_before_a_restart_is_not_opened,
        families::what_ends_one_tab_ends_all_on_every_node,
        families::a_family_is_known_again_after_a_loss,
        families::nodes_are_told_of_a_family_before_its_session,
        numbers::an_api_without_sessions_tells_redis_no_number,
        numbers::a_number_out_of_a_cookie_is_believed_by_nobody,
        numbers::a_number_that_cannot_be_one_is_repaired_when_a_node_connects,
        numbers::a_number_that_is_spoilt_meanwhile_stops_no_sign_in_and_no_end,
        numbers::an_end_that_was_written_with_such_a_number_counts,
        numbers::a_number_ahead_of_the_clock_is_kept,
        numbers::sessions_of_before_a_loss_are_older_even_if_no_node_is_left,
        numbers::a_sign_out_of_all_while_redis_is_away_counts_for_those_whom_a_node_has_not_heard_of,
        numbers::an_end_of_all_covers_sessions_whose_numbers_were_ahead_of_the_clock,
        numbers::an_end_of_all_that_comes_late_ends_nobody_who_came_later,
        numbers::an_end_of_all_that_an_empty_redis_hears_of_ends_nobody_who_came_later,
        numbers::numbers_do_not_run_away_when_two_clocks_differ,
        numbers::every_script_refuses_a_number_that_no_redis_gave,
        numbers::no_session_lasts_longer_than_one_can,
        numbers::a_longest_life_that_cannot_be_one_is_repaired_and_nothing_forgotten_early,
        numbers::a_recovery_without_an_end_is_one_all_the_same,
        grants::a_pair_is_brought_to_one_node_and_collected_at_another,
        grants::who_waits_at_one_node_gets_what_another_is_brought,
        grants::of_two_nodes_that_ask_at_once_one_gets_the_pair,
        grants::pairs_are_kept_while_any_node_expects_one_and_leave_nothing,
        grants::a_flood_on_all_nodes_is_bounded_together,
        grants::what_is_kept_is_there_for_every_node_and_lasts_as_its_session,
        grants::a_redis_that_hangs_holds_no_proxying_up,
        grants::a_redis_that_died_has_what_was_kept_when_it_is_back,
        grants::a_flood_of_calls_while_redis_hangs_ends_soon,
    ]
}

fn of_several_servers() -> Vec<Trial> {
    tests![
        replicas::a_replica_confirms,
        replicas::without_the_replica_nothing_counts_until_it_is_back,
        sentinel::a_failover_loses_nothing_that_was_confirmed,
        sentinel::a_logout_is_in_force_on_every_node_after_a_failover,
        sentinel::a_master_that_hangs_is_left_for_the_new_one,
        sentinel::a_master_that_was_replaced_in_silence_is_left,
        sentinel::sentinels_have_a_password_of_their_own,
        sentinel::a_url_of_another_kind_is_named,
        sentinel::a_registry_that_connects_later_waits_for_a_master,
        cluster::any_node_shows_the_way_to_the_keys,
        cluster::keys_that_move_to_another_node_are_followed,
        cluster::a_replica_that_takes_over_is_found,
    ]
}
