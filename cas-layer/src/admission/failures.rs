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
    users: Box<[AtomicU64]>,
    peers: Box<[AtomicU64]>,
}

/// An attempt under way. It counts as a failure until it is [forgiven](Self::forgive): many at once are no way around the
/// limit.
pub(crate) struct Attempt<'f> {
    minute: u32,
    user: &'f AtomicU64,
    peer: Option<&'f AtomicU64>,
}

impl Failures {
    pub(crate) fn new() -> Self {
        let counters = || (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
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
        if !count(user, minute, FAILURES_OF_USER) {
            return None;
        }
        if let Some(peer) = peer
            && !count(peer, minute, FAILURES_OF_PEER)
        {
            take_back(user, minute);
            return None;
        }
        Some(Attempt { minute, user, peer })
    }

    fn counter<'f>(&self, counters: &'f [AtomicU64], of: impl Hash) -> &'f AtomicU64 {
        let hash = usize::try_from(self.hasher.hash_one(of) % COUNTERS as u64).unwrap_or_default();
        &counters[hash]
    }
}

impl Attempt<'_> {
    /// It was no failure, or nobody knows.
    pub(crate) fn forgive(self) {
        take_back(self.user, self.minute);
        if let Some(peer) = self.peer {
            take_back(peer, self.minute);
        }
    }
}

/// Counts one, if there are fewer than `limit`. A counter has its minute in its upper half.
fn count(counter: &AtomicU64, minute: u32, limit: u32) -> bool {
    let result = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| {
        let count = count_in(value, minute);
        (count < limit).then(|| u64::from(minute) << 32 | u64::from(count + 1))
    });
    result.is_ok()
}

fn take_back(counter: &AtomicU64, minute: u32) {
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
        let mut count = 0;
        while count < 1_000 && all.begin(user(count), peer).is_some() {
            count += 1;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn each_user_and_each_address_may_fail_so_often_in_a_minute() {
        let all = Failures::new();
        let alice = |_| "alice".to_owned();
        assert_eq!(failures(&all, None, alice), FAILURES_OF_USER);
        assert_eq!(failures(&all, peer("192.0.2.1"), alice), 0);
        assert!(all.begin("bob", peer("192.0.2.1")).is_some());
        // Names differ, and few of them share a counter.
        let anybody = |n| format!("user-{n}");
        let by_peer = failures(&all, peer("192.0.2.1"), anybody);
        assert_eq!(by_peer, FAILURES_OF_PEER - 1);
        assert!(all.begin("carol", peer("192.0.2.2")).is_some());
        advance(Duration::from_secs(WINDOW)).await;
        assert_eq!(failures(&all, None, alice), FAILURES_OF_USER);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_forgiven_does_not_count() {
        let all = Failures::new();
        for _ in 0..100 {
            all.begin("alice", peer("192.0.2.1")).unwrap().forgive();
        }
        let alice = |_| "alice".to_owned();
        // Who is turned away for the address has not failed as a user.
        let by_peer = failures(&all, peer("192.0.2.1"), |n| format!("user-{n}"));
        assert_eq!(by_peer, FAILURES_OF_PEER);
        for _ in 0..100 {
            assert!(all.begin("alice", peer("192.0.2.1")).is_none());
        }
        // Forgiven a minute late, it takes nothing off.
        let late = all.begin("alice", None).unwrap();
        advance(Duration::from_secs(WINDOW)).await;
        assert_eq!(failures(&all, None, alice), FAILURES_OF_USER);
        late.forgive();
        assert!(all.begin("alice", None).is_none());
    }
}
