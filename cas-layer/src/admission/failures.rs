//! How often somebody may fail with a password.
//!
//! Counters are found by a keyed hash and are never added: a flood of made-up names takes no memory, and makes nobody's
//! failures forgotten. Two users may share a counter; nobody can choose with whom.

use std::{
    fmt,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::time::Instant;

use super::Peer;

/// How often the password of one user may be wrong in a minute.
const FAILURES_OF_USER: u32 = 10;

/// How often one address may send a wrong password in a minute, whoever's.
const FAILURES_OF_PEER: u32 = 30;

/// In seconds.
const WINDOW: u64 = 60;

/// Of each kind. Together they take 512 KiB.
const COUNTERS: usize = 1 << 15;

/// Failures of this minute.
pub(crate) struct Failures {
    hasher: RandomState,
    begun: Instant,
    users: Box<[Counter]>,
    peers: Box<[Counter]>,
}

/// The minute in the upper half, and how many there were in it.
type Counter = AtomicU64;

/// An attempt under way. As one of a user's it counts until its end: many at once are no way around the limit. From one
/// address come many users, so there only those that failed count. An attempt that was given up tells its sender nothing, so it
/// does not count.
pub(crate) struct Attempt<'f> {
    minute: u32,
    user: Option<&'f Counter>,
    peer: Option<&'f Counter>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        let counters = || (0..COUNTERS).map(|_| Counter::new(0)).collect();
        Self {
            hasher: RandomState::new(),
            begun: Instant::now(),
            users: counters(),
            peers: counters(),
        }
    }

    /// `None` if there were too many failures in this minute. `user` is the user name, and whatever else tells users apart.
    pub(crate) fn begin(&self, user: impl Hash, peer: Option<Peer>) -> Option<Attempt<'_>> {
        let minute = u32::try_from(self.begun.elapsed().as_secs() / WINDOW).unwrap_or(u32::MAX);
        let user = self.counter(&self.users, user);
        let peer = peer.map(|peer| self.counter(&self.peers, peer));
        let failed = peer.map_or(0, |peer| count_in(peer.load(Ordering::Relaxed), minute));
        if failed >= FAILURES_OF_PEER || !count(user, minute, FAILURES_OF_USER) {
            return None;
        }
        Some(Attempt {
            minute,
            user: Some(user),
            peer,
        })
    }

    fn counter<'f>(&self, counters: &'f [Counter], of: impl Hash) -> &'f Counter {
        let hash = usize::try_from(self.hasher.hash_one(of) % COUNTERS as u64).unwrap_or_default();
        &counters[hash]
    }
}

impl Attempt<'_> {
    /// The password was wrong.
    pub(crate) fn fail(mut self) {
        self.user = None;
        if let Some(peer) = self.peer {
            count(peer, self.minute, u32::MAX);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(user) = self.user {
            take_back(user, self.minute);
        }
    }
}

/// Counts one, if there are fewer than `limit`.
fn count(counter: &Counter, minute: u32, limit: u32) -> bool {
    let result = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| {
        let count = count_in(value, minute);
        (count < limit).then(|| u64::from(minute) << 32 | u64::from(count + 1))
    });
    result.is_ok()
}

fn take_back(counter: &Counter, minute: u32) {
    // A counter of another minute has forgotten it.
    let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| {
        (count_in(value, minute) > 0).then(|| value - 1)
    });
}

fn count_in(value: u64, minute: u32) -> u32 {
    if value >> 32 == u64::from(minute) {
        u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    } else {
        0
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failures")
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, time::Duration};

    use http::Extensions;
    use tokio::time::advance;

    use super::{super::Peers, *};

    fn peer(address: &str) -> Option<Peer> {
        let address: IpAddr = address.parse().unwrap();
        Peers::by(move |_| Some(address)).of(&Extensions::new())
    }

    /// How many attempts one after another fail before one is not let through.
    fn failures(all: &Failures, peer: Option<Peer>, user: impl Fn(u32) -> String) -> u32 {
        let mut failed = 0;
        while let Some(attempt) = all.begin(user(failed), peer).filter(|_| failed < 1_000) {
            attempt.fail();
            failed += 1;
        }
        failed
    }

    #[tokio::test(start_paused = true)]
    async fn each_user_and_each_address_may_fail_so_often_in_a_minute() {
        let all = Failures::new();
        let alice = |_| "alice".to_owned();
        assert_eq!(failures(&all, None, alice), FAILURES_OF_USER);
        assert_eq!(failures(&all, peer("192.0.2.1"), alice), 0);
        // Names differ, and few of them share a counter.
        let by_peer = failures(&all, peer("192.0.2.1"), |n| format!("user-{n}"));
        assert_eq!(by_peer, FAILURES_OF_PEER);
        assert!(all.begin("bob", peer("192.0.2.1")).is_none());
        assert!(all.begin("carol", peer("192.0.2.2")).is_some());
        advance(Duration::from_secs(WINDOW)).await;
        assert_eq!(failures(&all, None, alice), FAILURES_OF_USER);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_of_one_user_under_way_count_and_those_of_one_address_do_not() {
        let all = Failures::new();
        let here = peer("192.0.2.1");
        let of_alice: Vec<_> = (0..20).map_while(|_| all.begin("alice", here)).collect();
        assert_eq!(of_alice.len(), FAILURES_OF_USER as usize);
        let of_many: Vec<_> = (0..100)
            .map(|n| all.begin(format!("user-{n}"), here))
            .collect();
        assert!(of_many.iter().all(Option::is_some));
        // What did not fail does not count.
        drop((of_alice, of_many));
        for _ in 0..100 {
            assert!(all.begin("alice", here).is_some());
        }
        let late = all.begin("alice", None).unwrap();
        advance(Duration::from_secs(WINDOW)).await;
        assert_eq!(
            failures(&all, None, |_| "alice".to_owned()),
            FAILURES_OF_USER
        );
        drop(late);
        assert!(
            all.begin("alice", None).is_none(),
            "a minute late, it takes nothing off"
        );
    }
}
