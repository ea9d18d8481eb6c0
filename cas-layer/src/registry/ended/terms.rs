//! For how long ends are remembered.

use super::*;
use crate::registry::GRACE;

const HOUR: UnixSeconds = 3600;
const NOW: UnixSeconds = 1_700_000_000;
const LATER: UnixSeconds = NOW + 8 * HOUR;
const ONE: [u8; 16] = [1; 16];

type EndAll = fn(&EndedSessions, AccountId, u64, UnixSeconds, UnixSeconds);

fn account(user: &str) -> AccountId {
    AccountId::of("https://cas", user)
}

fn of_alice(number: u64) -> RegisteredSession<'static> {
    RegisteredSession::new([9; 16].into(), number, LATER, "https://cas", "alice")
}

fn hours(n: u64) -> Duration {
    Duration::from_secs(n * HOUR)
}

/// So much ends that everything is forgotten that may be.
fn much_ends(ended: &EndedSessions, end_all: EndAll, now: UnixSeconds) {
    for n in 0..1_000_u16 {
        // Other ids, which stand where this one does.
        let mut id = ONE;
        id[0] = 2;
        id[1..3].copy_from_slice(&n.to_be_bytes());
        ended.end(id.into(), now + 60, now);
        end_all(ended, account(&format!("user-{n}")), 1, now + 60, now);
    }
}

fn later_sessions_count_and_saying_it_again_does_not(end_all: EndAll) {
    for (again, stays) in [(4, false), (5, false), (6, true)] {
        let ended = EndedSessions::new();
        end_all(&ended, account("alice"), 5, LATER, NOW);
        ended.run_for(hours(2));
        end_all(&ended, account("alice"), again, LATER, NOW);
        ended.run_for(hours(7));
        much_ends(&ended, end_all, LATER + GRACE);
        assert_eq!(ended.contain(&of_alice(5)), stays, "{again}");
        // Those of the others are no older than they seem.
        for user in (0..1_000).map(|n| format!("user-{n}")) {
            let session = RegisteredSession::new([9; 16].into(), 1, LATER, "https://cas", &user);
            assert!(ended.contain(&session), "{user}");
        }
    }
}

#[test]
fn an_end_of_an_account_is_remembered_for_longer_if_it_covers_later_sessions() {
    later_sessions_count_and_saying_it_again_does_not(EndedSessions::end_all);
}

#[cfg(feature = "redis")]
#[test]
fn what_a_node_supposes_of_an_account_is_remembered_for_as_long() {
    later_sessions_count_and_saying_it_again_does_not(EndedSessions::end_all_for_now);
}

#[test]
fn an_end_is_remembered_for_as_long_as_the_longest_session_lasts() {
    for (longest, stays) in [(0, false), (8 * HOUR, false), (24 * HOUR, true)] {
        let ended = EndedSessions::new();
        ended.saw_lifetime(longest);
        // By a clock that is ahead, nothing is left of it.
        ended.end(ONE.into(), NOW, LATER);
        ended.run_for(hours(10));
        much_ends(&ended, EndedSessions::end_all, LATER + 10 * HOUR);
        assert_eq!(ended.contain_id(ONE.into()), stays, "{longest}");
    }
}

#[cfg(any(feature = "postgres", feature = "redis"))]
#[test]
fn what_is_left_of_a_session_is_never_nothing_and_no_more_than_the_longest() {
    let ended = EndedSessions::new();
    for (expires_at, left) in [
        (NOW - 1, 8 * HOUR),
        (NOW, 8 * HOUR),
        (NOW + 1, 1),
        (NOW + HOUR, HOUR),
        (NOW + 9 * HOUR, 8 * HOUR),
    ] {
        assert_eq!(ended.left(expires_at, NOW), left, "{expires_at}");
    }
    ended.saw_lifetime(24 * HOUR);
    assert_eq!(ended.left(NOW + 9 * HOUR, NOW), 9 * HOUR);
}

#[test]
fn how_many_have_ended_is_shown_and_not_which() {
    let ended = EndedSessions::new();
    for n in 1..=3 {
        ended.end([n; 16].into(), LATER, NOW);
    }
    ended.end_all(account("alice"), 5, LATER, NOW);
    assert_eq!(ended.len(), 4);
    assert_eq!(format!("{ended:?}"), "EndedSessions { len: 4 }");
}
