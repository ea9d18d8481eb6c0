use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;
use crate::{registry::GRACE, session::sample_session};

const NOW: UnixSeconds = 1_700_000_000;
const LATER: UnixSeconds = NOW + 8 * 3600;

fn session(n: u8, number: u64, user: &str) -> RegisteredSession<'_> {
    RegisteredSession::new([n; 16].into(), number, LATER, "https://cas", user)
}

#[test]
fn a_session_is_in_once_it_was_ended() {
    let ended = EndedSessions::new();
    assert!(!ended.contain(&session(1, 5, "alice")));
    ended.end([1; 16].into(), LATER, NOW);
    assert!(ended.contain(&session(1, 5, "alice")));
    assert!(!ended.contain(&session(2, 6, "alice")));
}

#[test]
fn all_of_an_accounts_sessions_up_to_a_number_are_in_and_nobody_elses() {
    let ended = EndedSessions::new();
    ended.end_all(AccountId::of("https://cas", "alice"), 5, LATER, NOW);
    for (number, expected) in [(0, true), (4, true), (5, true), (6, false)] {
        assert_eq!(ended.contain(&session(1, number, "alice")), expected);
    }
    assert!(!ended.contain(&session(1, 4, "bob")));
    let mut elsewhere = session(1, 4, "alice");
    elsewhere.cas_url = "https://other";
    assert!(!ended.contain(&elsewhere));
    // An older mark does not take a newer one back.
    ended.end_all(AccountId::of("https://cas", "alice"), 3, NOW, NOW);
    assert!(ended.contain(&session(1, 5, "alice")));
}

#[test]
fn a_family_ends_with_all_of_its_sessions_and_nobody_elses() {
    let ended = EndedSessions::new();
    let of = |n, family: u8| session(n, 1, "alice").in_family(Some([family; 16].into()));
    ended.end([1; 16].into(), LATER, NOW);
    assert!(ended.contain(&of(1, 9)));
    assert!(!ended.contain(&of(2, 9)), "one session is not the family");
    ended.end([9; 16].into(), LATER, NOW);
    assert!(ended.contain(&of(2, 9)) && ended.contain(&of(3, 9)));
    assert!(!ended.contain(&of(2, 8)) && !ended.contain(&session(2, 1, "alice")));
}

/// The layer asks again and again, of a session that remembers that it was looked up.
#[test]
fn a_session_that_was_open_before_is_in_once_it_was_ended_by_itself_its_family_or_its_account() {
    let alice = AccountId::of("https://cas", "alice");
    for end in [
        (|ended: &EndedSessions, id, _, _| ended.end(id, LATER, NOW))
            as fn(&EndedSessions, SessionId, SessionId, AccountId),
        |ended, _, family, _| ended.end(family, LATER, NOW),
        |ended, _, _, alice| ended.end_all(alice, u64::MAX, LATER, NOW),
    ] {
        let ended = EndedSessions::new();
        let mut session = sample_session("alice", &[]);
        let family = SessionId::from([9; 16]);
        session.family = Some(family);
        let asked = RegisteredSession::of(&session, "https://cas");
        for other in 10..200 {
            assert!(!ended.contain(&asked));
            ended.end([other; 16].into(), LATER, NOW);
            ended.end_all(
                AccountId::of("https://cas", "bob"),
                other.into(),
                LATER,
                NOW,
            );
        }
        assert!(!ended.contain(&asked) && !ended.contain(&asked));
        end(&ended, session.id, family, alice);
        assert!(ended.contain(&asked) && ended.contain(&asked));
    }
}

#[test]
fn what_was_looked_up_counts_for_this_session_here_and_for_nothing_else() {
    let (here, there) = (EndedSessions::new(), EndedSessions::new());
    let session = sample_session("alice", &[]);
    let asked = RegisteredSession::of(&session, "https://cas");
    there.end(session.id, LATER, NOW);
    assert!(!here.contain(&asked) && there.contain(&asked) && !here.contain(&asked));

    // A registry of somebody else's may ask about more than it was asked about.
    here.end([9; 16].into(), LATER, NOW);
    here.end_all(AccountId::of("https://cas", "bob"), u64::MAX, LATER, NOW);
    here.end_all(
        AccountId::of("https://other", "alice"),
        u64::MAX,
        LATER,
        NOW,
    );
    let changed: [fn(&mut RegisteredSession<'_>); 4] = [
        |it| it.id = [9; 16].into(),
        |it| it.family = Some([9; 16].into()),
        |it| it.user = "bob",
        |it| it.cas_url = "https://other",
    ];
    for change in changed {
        assert!(!here.contain(&asked));
        let mut other = asked;
        change(&mut other);
        assert!(here.contain(&other), "{other:?}");
    }
    here.end_all(
        AccountId::of("https://cas", "alice"),
        session.number - 1,
        LATER,
        NOW,
    );
    assert!(!here.contain(&asked));
    let mut older = asked;
    older.number -= 1;
    assert!(here.contain(&older));
}

#[test]
fn whoever_knows_of_an_end_sees_it() {
    for _ in 0..200 {
        let session = sample_session("alice", &[]);
        let asked = RegisteredSession::of(&session, "https://cas");
        let ended = EndedSessions::new();
        let is_told = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                ended.end(session.id, LATER, NOW);
                is_told.store(true, Ordering::Release);
            });
            loop {
                let knows = is_told.load(Ordering::Acquire);
                let has_ended = ended.contain(&asked);
                assert!(has_ended || !knows);
                if knows {
                    break;
                }
            }
        });
    }
}

#[test]
fn an_entry_stays_for_an_hour_beyond_expiry_and_not_for_ever() {
    let ended = EndedSessions::new();
    let fill = |from: u64, now: UnixSeconds| {
        for n in from..from + 10_000 {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
            id[15] = u8::try_from(n % 256).unwrap();
            ended.end(id.into(), now + 60, now);
        }
    };
    ended.end([1; 16].into(), LATER, NOW);
    ended.run_for(Duration::from_secs(LATER - NOW + GRACE - 60));
    fill(0, LATER + GRACE - 60);
    assert!(ended.contain(&session(1, 0, "alice")));
    for hour in 2..50 {
        ended.run_for(Duration::from_secs(GRACE));
        fill(hour * 10_000, LATER + hour * GRACE);
    }
    assert!(!ended.contain(&session(1, 0, "alice")));
    // Those of the last nine hours, and as many again at most.
    assert!(ended.len() <= 200_000, "{}", ended.len());
}

#[cfg(feature = "redis")]
#[test]
fn what_is_in_can_be_listed() {
    let ended = EndedSessions::new();
    assert!(ended.end_provisionally([1; 16].into(), LATER, NOW));
    ended.end([2; 16].into(), LATER + 1, NOW);
    let alice = AccountId::of("https://cas", "alice");
    ended.end_all(alice, 5, LATER, NOW);
    let mut sessions = ended.sessions();
    sessions.sort_unstable();
    let late = LATER.div_ceil(60) * 60;
    let later = (LATER + 1).div_ceil(60) * 60;
    assert_eq!(sessions, [([1; 16].into(), late), ([2; 16].into(), later)]);
    assert_eq!(ended.accounts(), [(alice, 5, LATER)]);
    ended.release([1; 16].into());
    assert!(!ended.contain_id([1; 16].into()));
    assert!(ended.contain_id([2; 16].into()));
}

#[cfg(feature = "redis")]
#[test]
fn only_the_last_who_took_a_session_for_ended_takes_that_back() {
    let (ended, id) = (EndedSessions::new(), [1; 16].into());
    let take = || ended.end_provisionally(id, LATER, NOW);
    assert!(take() && take());
    ended.release(id);
    assert!(ended.contain_id(id));
    ended.release(id);
    assert!(!ended.contain_id(id));
    // Nobody does once it is sure, even if another call came first.
    for is_said_again in [true, false] {
        let (ended, id) = (EndedSessions::new(), [1; 16].into());
        let take = || ended.end_provisionally(id, LATER, NOW);
        assert!(take() && take());
        if is_said_again {
            ended.end(id, NOW, NOW);
        } else {
            ended.confirm(id);
        }
        assert!(!take());
        ended.release(id);
        ended.release(id);
        assert!(ended.contain_id(id));
        assert!(
            ended
                .shards
                .iter()
                .all(|shard| shard.sessions.read().provisional.is_empty())
        );
    }
}

#[test]
fn who_waits_for_an_end_is_woken_by_that_end_alone() {
    let ended = EndedSessions::new();
    let (alice, bob) = (session(1, 1, "alice"), session(65, 2, "bob"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut first = pin!(ended.wait_for(&alice));
    let mut second = pin!(ended.wait_for(&bob));
    assert_eq!(first.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
    ended.end(alice.id, LATER, NOW);
    assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
    ended.end_all(bob.account(), 2, LATER, NOW);
    assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(()));
    let family = [3; 16];
    let carol = session(2, 3, "carol").in_family(Some(family.into()));
    let mut third = pin!(ended.wait_for(&carol));
    assert_eq!(third.as_mut().poll(&mut context), Poll::Pending);
    ended.end(family.into(), LATER, NOW);
    assert_eq!(third.as_mut().poll(&mut context), Poll::Ready(()));
}

#[cfg(feature = "redis")]
#[test]
fn what_a_node_supposes_of_an_account_counts_until_the_store_has_said_it() {
    let ended = EndedSessions::new();
    let (before, after) = (session(1, 10, "alice"), session(2, 20, "alice"));
    let alice = before.account();
    ended.end_all_for_now(alice, 25, LATER, NOW);
    ended.end_all_for_now(alice, 30, LATER, NOW);
    assert!(ended.contain(&before) && ended.contain(&after));
    ended.end_all_as_told(alice, 14, LATER, NOW);
    // Somebody else waits for the answer.
    assert!(ended.contain(&before) && ended.contain(&after));
    ended.end_all_as_told(alice, 15, LATER, NOW);
    assert!(ended.contain(&before) && !ended.contain(&after));
    ended.end_all_for_now(alice, 40, LATER, NOW);
    assert!(ended.contain(&after));
    // The store never answers, and is told again of all that is known here.
    assert_eq!(ended.accounts()[0].1, 40);
}
