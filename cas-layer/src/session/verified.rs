//! Cookies that this process has verified, each with its session, found again by the cookie's bytes. Whether a session
//! still counts is not looked up here.

use std::{
    fmt,
    hash::{BuildHasher as _, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use quick_cache::{
    DefaultHashBuilder, Equivalent, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use zeroize::Zeroizing;

use super::SessionData;
use crate::clock::UnixSeconds;

/// The most bytes that cookies and their sessions take by default.
pub(crate) const DEFAULT_BYTES: usize = 16 << 20;

/// What the cache is laid out for: a session with some attributes.
const TYPICAL_BYTES: usize = 1_536;

/// What a session takes beside its cookie, its payload and its attributes, about.
const OVERHEAD: usize = size_of::<SessionData>() + 192;

/// More than that does not count.
const MAX_BYTES: usize = 1 << 30;

/// The parts of the cache have a lock each, and this size at least. A session has to fit into one.
const SHARD_BYTES: usize = 2 << 20;

/// How much of a cookie is hashed. These characters are of its seal, so they differ from cookie to cookie, and nobody
/// can choose them: a fast hash with a random seed is good enough.
const HASHED: usize = 16;

/// How often sessions that have ended are taken out, in seconds.
const SWEEP_EVERY: UnixSeconds = 60;

/// The cookies of all hosts of an app.
pub(crate) struct VerifiedCookies {
    cache: Cache<Cookie, Verified, Weight, DefaultHashBuilder>,
    hasher: DefaultHashBuilder,
    /// Of cookies that came once: parts of their hashes. A cookie that comes once and never again takes no more room than
    /// this.
    once: Box<[AtomicU32]>,
}

/// Those of one host. A cookie is good at one host alone.
pub(crate) struct VerifiedHere {
    all: Option<Arc<VerifiedCookies>>,
    host: usize,
    swept_at: AtomicU64,
}

#[derive(Clone)]
struct Verified {
    session: Arc<SessionData>,
    /// In bytes.
    weight: u64,
}

/// Whoever has its bytes has the session.
struct Cookie {
    host: usize,
    value: Zeroizing<Box<[u8]>>,
}

/// The same, to look it up.
struct CookieRef<'c> {
    host: usize,
    value: &'c [u8],
}

/// The end is compared first: nobody can guess it. So how long this takes says nothing of a cookie to those who only know
/// how it begins.
impl PartialEq for CookieRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host
            && self.value.last_chunk::<HASHED>() == other.value.last_chunk::<HASHED>()
            && self.value == other.value
    }
}

impl Hash for CookieRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.value.last_chunk::<HASHED>() {
            Some(end) => state.write_u128(u128::from_le_bytes(*end)),
            None => state.write(self.value),
        }
    }
}

impl Hash for Cookie {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl PartialEq for Cookie {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Cookie {}

impl Equivalent<Cookie> for CookieRef<'_> {
    fn equivalent(&self, cookie: &Cookie) -> bool {
        *self == cookie.as_ref()
    }
}

impl Cookie {
    fn as_ref(&self) -> CookieRef<'_> {
        CookieRef {
            host: self.host,
            value: &self.value,
        }
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Cookie, Verified> for Weight {
    fn weight(&self, _: &Cookie, verified: &Verified) -> u64 {
        verified.weight
    }
}

impl VerifiedCookies {
    /// `bytes` is how much they may take together, about. `None` for 0: each cookie is then verified each time.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.min(MAX_BYTES);
        let count = bytes.div_ceil(TYPICAL_BYTES);
        // One for each session that fits, or some more.
        let once = count.checked_next_power_of_two().filter(|_| bytes > 0)?;
        let mut options = OptionsBuilder::new();
        options
            .estimated_items_capacity(count)
            .weight_capacity(u64::try_from(bytes).unwrap_or(u64::MAX))
            .shards((bytes / SHARD_BYTES).max(1));
        let options = options.build().ok()?;
        let (lifecycle, hasher) = (DefaultLifecycle::default(), DefaultHashBuilder::default());
        Some(Self {
            cache: Cache::with_options(options, Weight, hasher.clone(), lifecycle),
            hasher,
            once: (0..once).map(|_| AtomicU32::new(0)).collect(),
        })
    }

    /// Whether this cookie came before, as far as is remembered.
    fn came_before(&self, cookie: &CookieRef<'_>) -> bool {
        let hash = self.hasher.hash_one(cookie);
        let [a, b, c, d, place @ ..] = hash.to_le_bytes();
        let (mark, place) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(place));
        let place = usize::try_from(place).unwrap_or_default() & (self.once.len() - 1);
        let Some(last) = self.once.get(place) else {
            return false;
        };
        // Of two requests at once, one may be forgotten: the cookie comes again.
        let came = last.load(Ordering::Relaxed) == mark;
        if !came {
            last.store(mark, Ordering::Relaxed);
        }
        came
    }
}

impl VerifiedHere {
    /// `host` is another number for each host of the app.
    pub(crate) fn new(all: Option<Arc<VerifiedCookies>>, host: usize) -> Self {
        Self {
            all,
            host,
            swept_at: AtomicU64::new(0),
        }
    }

    fn cookie<'c>(&self, value: &'c [u8]) -> CookieRef<'c> {
        CookieRef {
            host: self.host,
            value,
        }
    }

    /// The session of a cookie that was verified before.
    pub(super) fn get(&self, value: &[u8]) -> Option<Arc<SessionData>> {
        let found = self.all.as_ref()?.cache.get(&self.cookie(value))?;
        Some(found.session)
    }

    /// Notes that this cookie was verified, if it is not the first time.
    pub(crate) fn note(&self, value: &[u8], session: &Arc<SessionData>) {
        let Some(all) = &self.all else {
            return;
        };
        if !all.came_before(&self.cookie(value)) {
            return;
        }
        let bytes = OVERHEAD + value.len() + session.bytes();
        let cookie = Cookie {
            host: self.host,
            value: Zeroizing::new(value.into()),
        };
        let verified = Verified {
            session: Arc::clone(session),
            weight: u64::try_from(bytes).unwrap_or(u64::MAX),
        };
        all.cache.insert(cookie, verified);
    }

    /// Forgets a cookie that is no longer good, or not for long.
    pub(crate) fn forget(&self, value: &[u8]) {
        if let Some(all) = &self.all {
            all.cache.remove(&self.cookie(value));
        }
    }

    /// Forgets the sessions of this host that are over, if it is time to.
    pub(crate) fn sweep(&self, now: UnixSeconds, is_over: impl Fn(&SessionData) -> bool) {
        let Some(all) = &self.all else {
            return;
        };
        let swept_at = self.swept_at.load(Ordering::Relaxed);
        if now.abs_diff(swept_at) < SWEEP_EVERY {
            return;
        }
        let order = Ordering::Relaxed;
        let is_next = self
            .swept_at
            .compare_exchange(swept_at, now, order, order)
            .is_ok();
        if is_next {
            self.sweep_all(all, is_over);
        }
    }

    /// Apart, as it is once in a minute, and the rest of it with each request.
    #[cold]
    #[inline(never)]
    fn sweep_all(&self, all: &VerifiedCookies, is_over: impl Fn(&SessionData) -> bool) {
        all.cache.retain(|cookie: &Cookie, verified: &Verified| {
            cookie.host != self.host || !is_over(&verified.session)
        });
    }
}

/// Shows how many there are.
impl fmt::Debug for VerifiedHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.all.as_ref().map(|all| all.cache.len());
        f.debug_struct("VerifiedHere")
            .field("host", &self.host)
            .field("of_all_hosts", &count)
            .finish_non_exhaustive()
    }
}

/// A session as it was read from a cookie.
pub(crate) struct ReadSession<'h> {
    pub(crate) session: Arc<SessionData>,
    pub(crate) value: &'h [u8],
    /// Whether the cookie was verified before.
    pub(crate) is_known: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::payload::tests::session;

    /// The cookies of two hosts.
    fn two_hosts(bytes: usize) -> [VerifiedHere; 2] {
        let all = VerifiedCookies::new(bytes).map(Arc::new);
        [0, 1].map(|host| VerifiedHere::new(all.clone(), host))
    }

    fn weight(here: &VerifiedHere) -> u64 {
        here.all.as_ref().map_or(0, |all| all.cache.weight())
    }

    fn count(here: &VerifiedHere) -> usize {
        here.all.as_ref().map_or(0, |all| all.cache.len())
    }

    fn value(n: usize) -> Vec<u8> {
        format!("{n:0>300}").into_bytes()
    }

    fn note_twice(here: &VerifiedHere, value: &[u8], session: &Arc<SessionData>) {
        for _ in 0..2 {
            here.note(value, session);
        }
    }

    #[test]
    fn a_cookie_is_known_from_the_second_time_on_at_its_host_alone() {
        let [here, there] = two_hosts(DEFAULT_BYTES);
        let alice = Arc::new(session("alice", &[]));
        here.note(&value(1), &alice);
        assert!(here.get(&value(1)).is_none());
        here.note(&value(1), &alice);
        let known = here.get(&value(1)).unwrap();
        assert!(Arc::ptr_eq(&known, &alice));
        assert!(there.get(&value(1)).is_none());
        here.forget(&value(1));
        assert!(here.get(&value(1)).is_none());
    }

    #[test]
    fn a_cookie_with_the_same_seal_is_another_one() {
        let [here, _] = two_hosts(DEFAULT_BYTES);
        note_twice(&here, &value(1), &Arc::new(session("alice", &[])));
        let mut other = value(1);
        other[0] = b'1';
        assert!(here.get(&other).is_none());
        note_twice(&here, &other, &Arc::new(session("bob", &[])));
        assert_eq!(here.get(&value(1)).unwrap().user(), "alice");
        assert_eq!(here.get(&other).unwrap().user(), "bob");
        assert!(here.get(&value(1)[1..]).is_none());
        assert!(here.get(&[]).is_none());
    }

    #[test]
    fn with_no_room_every_cookie_is_verified() {
        let [here, _] = two_hosts(0);
        note_twice(&here, &value(1), &Arc::new(session("alice", &[])));
        assert!(here.get(&value(1)).is_none());
    }

    #[test]
    fn the_bound_is_in_bytes_and_counts_attributes() {
        const BYTES: usize = 4 << 20;
        let [here, _] = two_hosts(BYTES);
        let group = "g".repeat(100);
        let many = vec![group.as_str(); 400];
        let (small, large) = (session("a", &[]), session("a", &[("memberOf", &many)]));
        let (small, large) = (Arc::new(small), Arc::new(large));
        note_twice(&here, &value(0), &small);
        let one = weight(&here);
        note_twice(&here, &value(1), &large);
        assert!(weight(&here) - one > 400 * 124, "{}", weight(&here));
        for n in 2..2_000 {
            note_twice(&here, &value(n), &large);
        }
        assert!(weight(&here) <= u64::try_from(BYTES).unwrap());
        assert!(count(&here) > 30, "{}", count(&here));
    }

    #[test]
    fn what_is_over_is_swept_once_a_minute_at_its_host() {
        let [here, there] = two_hosts(DEFAULT_BYTES);
        let (alice, bob) = (Arc::new(session("alice", &[])), session("bob", &[]));
        here.sweep(1_000, |_| true);
        note_twice(&here, &value(1), &alice);
        note_twice(&here, &value(2), &Arc::new(bob));
        note_twice(&there, &value(3), &alice);
        let is_over = |session: &SessionData| session.user() == "alice";
        here.sweep(1_059, is_over);
        assert!(here.get(&value(1)).is_some());
        here.sweep(1_060, is_over);
        assert!(here.get(&value(1)).is_none());
        assert!(here.get(&value(2)).is_some());
        assert!(there.get(&value(3)).is_some());
        // What is gone is not held elsewhere.
        assert_eq!(Arc::strong_count(&alice), 2);
    }

    /// Cookies that come once each, as from a crawler that begins anew every time.
    #[test]
    fn cookies_that_come_once_take_no_room() {
        let [here, _] = two_hosts(DEFAULT_BYTES);
        let alice = Arc::new(session("alice", &[]));
        note_twice(&here, &value(0), &alice);
        for n in 1..5_000 {
            here.note(&value(n), &alice);
        }
        assert_eq!(count(&here), 1);
    }

    #[test]
    fn a_cookie_that_is_verified_again_is_kept_once() {
        let [here, _] = two_hosts(DEFAULT_BYTES);
        for user in ["alice", "alice again", "alice at last"] {
            note_twice(&here, &value(1), &Arc::new(session(user, &[])));
        }
        assert_eq!(count(&here), 1);
        assert_eq!(here.get(&value(1)).unwrap().user(), "alice at last");
        here.forget(&value(1));
        assert!(here.get(&value(1)).is_none());
    }

    #[test]
    fn the_bound_counts_the_cookie_itself() {
        let [here, _] = two_hosts(DEFAULT_BYTES);
        let alice = Arc::new(session("alice", &[]));
        note_twice(&here, &[b'a'; 100], &alice);
        let short = weight(&here);
        note_twice(&here, &[b'b'; 4_000], &alice);
        assert_eq!(weight(&here), 2 * short + 3_900);
    }

    #[test]
    fn how_many_cookies_there_are_is_printed_and_not_they() {
        let [_, there] = two_hosts(DEFAULT_BYTES);
        note_twice(&there, &value(113), &Arc::new(session("alice", &[])));
        let printed = format!("{there:?}");
        assert_eq!(
            printed,
            "VerifiedHere { host: 1, of_all_hosts: Some(1), .. }"
        );
    }
}
