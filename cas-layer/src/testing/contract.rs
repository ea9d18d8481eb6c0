//! The contract of [`Registry`](crate::registry::Registry), clause by clause, for every registry. Also that of
//! [`SessionFamilies`](crate::registry::SessionFamilies), of [`ProxyGrants`](crate::registry::ProxyGrants) and of
//! [`SessionStorage`](crate::registry::SessionStorage).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall panic"
)]

mod accounts;
mod families;
mod kept;
mod messages;
mod pairs;
mod proxies;
mod races;
mod restarts;
mod sessions;
mod shared;
mod store;
mod support;
mod times;

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

pub use self::store::RegistryStore;

/// Far longer than any clause takes: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(180);

/// Runs each clause on a store of its own.
macro_rules! try_clauses {
    ($make:ident, $broken:ident; $($group:ident { $($name:ident,)* })*) => {$($(
        let clause = async { $group::$name($make().await).await };
        if let Err(why) = holds(Box::pin(clause)).await {
            $broken.push(format!("{}: {why}", stringify!($name)));
        }
    )*)*};
}

/// Tests whether a registry keeps the contract of [`Registry`](crate::registry::Registry).
///
/// `make` gives an empty store, once for each clause. [`RegistryStore`] says what is tested: restarts if the registry
/// [outlives its process](crate::registry::Registry::outlives_process), families of sessions if it [knows
/// them](crate::registry::Registry::families), proxy-granting tickets if it [has
/// them](crate::registry::Registry::proxy_grants), what is kept for sessions if it [has
/// storage](crate::registry::Registry::storage), several nodes if the store is shared, and how long something is
/// remembered if the store has no clock of its own.
///
/// Call it in a test, on a tokio runtime whose clock is not paused. With more than one worker thread, it finds races
/// sooner. It takes seconds, longer with a slow store. It cannot test what is not visible from outside: that calls to
/// a store which is away fail within about a second, that memory is bounded, and what survives a crash.
///
/// ```
/// use std::sync::Arc;
///
/// use cas_layer::{
///     MemoryRegistry,
///     registry::Registry,
///     testing::{RegistryStore, registry_contract},
/// };
///
/// struct Store(MemoryRegistry);
///
/// impl RegistryStore for Store {
///     async fn node(&self) -> Arc<dyn Registry> {
///         Arc::new(self.0.clone())
///     }
/// }
///
/// # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// registry_contract(async || Store(MemoryRegistry::default())).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
/// Some clause is broken. The message names all broken clauses, and what was seen.
#[allow(clippy::too_many_lines, reason = "the clauses, one a line")]
pub async fn registry_contract<S: RegistryStore>(make: impl AsyncFn() -> S) {
    let store = make().await;
    let node = store.node().await;
    let outlives_process = node.outlives_process();
    let (has_grants, has_storage) = (node.proxy_grants().is_some(), node.storage().is_some());
    let has_families = node.families().is_some();
    let (is_shared, has_clock) = (store.is_shared(), store.has_clock());
    drop(node);
    drop(store);

    let mut broken = Vec::new();
    try_clauses! { make, broken;
        sessions {
            a_session_is_live_from_its_opening_to_its_end,
            a_ticket_that_was_refused_leaves_no_trace,
            each_callback_with_a_ticket_is_opened_or_abandoned_by_itself,
            a_session_that_is_opened_again_is_one_and_ends_as_one,
            an_end_is_recorded_for_a_session_that_nobody_opened,
            an_end_counts_whatever_the_clock_says_of_the_session,
            an_ended_session_never_opens_again,
            numbers_only_grow_through_a_clock_that_goes_back,
            who_waits_for_an_end_is_woken,
        }
        messages {
            a_logout_that_overtakes_the_validation_wins,
            a_logout_reaches_every_callback_with_its_ticket,
            a_message_about_an_unknown_session_does_nothing,
            a_repeated_message_ends_nothing_more,
            a_message_ends_nothing_of_an_ended_session_whose_ticket_begins_again,
            a_message_ends_all_that_it_names_and_says_which_those_were,
            a_message_ends_the_same_whoever_sends_it,
            of_many_messages_at_once_one_ends_the_session,
            a_flood_of_unknown_ids_leaves_nothing,
        }
        accounts {
            ending_an_account_ends_what_it_has_opened_and_nothing_else,
            an_account_can_be_ended_again,
            cookies_of_an_earlier_run_end_with_their_account,
        }
        races {
            a_future_that_is_dropped_has_done_its_work_or_nothing,
            a_logout_and_a_sign_in_at_once_never_leave_the_session_live,
        }
    }
    if !has_clock {
        try_clauses! { make, broken;
            times {
                an_end_is_forgotten_only_an_hour_after_the_session_expires,
                a_session_that_is_opened_again_lasts_until_the_later_of_the_two_times,
                a_clock_that_was_ahead_for_a_while_is_no_reason_to_forget,
            }
        }
    }
    if outlives_process {
        try_clauses! { make, broken;
            restarts {
                what_has_ended_is_still_ended_after_a_restart,
                open_sessions_are_still_known_after_a_restart,
                a_start_with_a_clock_that_is_ahead_is_no_reason_to_forget,
                a_ticket_under_validation_is_forgotten_by_a_restart,
                numbers_go_on_after_a_restart_with_a_clock_that_was_set_back,
            }
        }
    }
    if is_shared {
        try_clauses! { make, broken;
            shared {
                what_one_node_ends_has_ended_on_all,
                a_logout_at_one_node_reaches_a_sign_in_at_another,
                of_nodes_that_end_a_session_at_once_one_is_told,
                numbers_grow_from_node_to_node,
                the_end_of_an_account_covers_the_sessions_of_all_nodes,
            }
        }
    }
    if has_families {
        try_clauses! { make, broken;
            families {
                a_message_ends_the_families_of_the_sessions_that_it_ends,
                a_session_that_ends_by_itself_leaves_its_family_alone,
                a_family_that_has_ended_keeps_nobody_from_signing_in,
                a_session_that_is_opened_again_joins_the_family_of_its_last_opening,
                a_family_ends_for_as_long_as_its_longest_session_lasts,
            }
        }
        if outlives_process {
            try_clauses! { make, broken;
                families {
                    families_are_still_known_after_a_restart,
                }
            }
        }
        if is_shared {
            try_clauses! { make, broken;
                shared {
                    a_message_to_one_node_ends_a_family_on_all,
                }
            }
        }
    }
    if has_grants {
        try_clauses! { make, broken;
            pairs {
                a_pair_is_handed_out_once,
                a_pair_that_nobody_expects_is_not_kept,
                pairs_go_when_no_validation_is_expected_any_more,
                a_validation_is_not_expected_for_longer_than_it_lasts,
                a_pair_expires_though_others_are_expected,
                the_first_of_two_pairs_with_one_iou_stays,
                who_is_early_waits_for_the_pair_and_not_for_ever,
                a_wait_that_is_given_up_takes_no_pair_along,
                of_many_who_ask_at_once_one_gets_the_pair,
                pairs_that_race_those_who_wait_for_them_all_arrive,
                an_expectation_that_nobody_waits_for_is_none,
                a_flood_is_bounded_and_displaces_nothing,
            }
        }
        if !has_clock {
            try_clauses! { make, broken;
                pairs {
                    pairs_and_validations_go_by_the_time_that_is_given,
                }
            }
        }
        if is_shared {
            try_clauses! { make, broken;
                shared {
                    a_pair_meets_its_sign_in_on_any_node,
                }
            }
        }
    }
    if has_storage {
        try_clauses! { make, broken;
            kept {
                what_is_kept_comes_back_byte_for_byte,
                each_item_of_a_session_is_by_itself,
                nothing_is_kept_for_a_session_that_is_not_open,
                what_is_kept_goes_with_its_session,
                what_is_kept_at_the_time_of_a_sign_out_goes_too,
                a_second_callback_of_an_open_session_loses_nothing_that_is_kept,
            }
        }
        if outlives_process {
            try_clauses! { make, broken;
                kept {
                    what_is_kept_is_there_after_a_restart_and_what_has_ended_is_not,
                }
            }
        }
        if is_shared {
            try_clauses! { make, broken;
                shared {
                    what_one_node_keeps_is_there_on_all,
                }
            }
        }
    }
    assert!(
        broken.is_empty(),
        "the registry breaks its contract:\n{}",
        broken.join("\n")
    );
}

/// Whether a clause holds; if not, what was seen.
async fn holds(mut clause: Pin<Box<impl Future<Output = ()>>>) -> Result<(), String> {
    // What a clause leaves behind when it panics is dropped and asked nothing any more.
    let caught = poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| clause.as_mut().poll(context)))
            .map_or_else(|panic| Poll::Ready(Err(panic)), |poll| poll.map(Ok))
    });
    match timeout(LIMIT, caught).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(panic)) => Err(words(&*panic)),
        Err(_) => Err(format!("it is not done after {} s", LIMIT.as_secs())),
    }
}

/// What somebody said who panicked.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panics".to_owned())
}
