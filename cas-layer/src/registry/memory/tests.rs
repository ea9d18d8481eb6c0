use std::{
    hint,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::*;
use crate::registry::{GRACE, RegistryErrorKind, Sealed};

const NOW: UnixSeconds = 1_000_000;
const LATER: UnixSeconds = NOW + 8 * 3600;

fn id(n: u32) -> SessionId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes.into()
}

/// Time passes, by both clocks.
fn pass(registry: &MemoryRegistry, seconds: UnixSeconds) {
    registry.0.ended.run_for(Duration::from_secs(seconds));
}

fn open(registry: &MemoryRegistry, n: u32, now: UnixSeconds) -> Result<Opened, RegistryErrorKind> {
    registry.begin_now(id(n));
    let opened = registry.open_now(id(n), None, now + 8 * 3600, now);
    opened.map_err(|error| error.kind())
}

/// How many sessions the registry remembers anything about.
fn size(registry: &MemoryRegistry) -> (usize, usize) {
    (registry.known().sessions.len(), registry.0.ended.len())
}

#[test]
fn a_message_about_an_unknown_session_leaves_no_trace() {
    let registry = MemoryRegistry::default();
    for n in 0..1_000 {
        assert_eq!(registry.end_if_opened_now(vec![id(n)], NOW), []);
    }
    assert_eq!(size(&registry), (0, 0));
}

#[test]
fn a_refused_ticket_leaves_no_trace() {
    let registry = MemoryRegistry::default();
    registry.begin_now(id(1));
    registry.abandon(id(1));
    assert_eq!(size(&registry), (0, 0));
    registry.begin_now(id(2));
    assert_eq!(registry.end_if_opened_now(vec![id(2)], NOW), [id(2)]);
    registry.abandon(id(2));
    assert_eq!(size(&registry), (0, 0));
}

#[test]
fn memory_is_bounded_by_what_is_live() {
    let registry = MemoryRegistry::default();
    for n in 0..100_000 {
        // 100 sign-ins and 50 sign-outs an hour, for weeks.
        let now = NOW + u64::from(n) * 36;
        pass(&registry, 36);
        open(&registry, n, now).unwrap();
        if n % 2 == 0 {
            registry.end_now(id(n), now + 8 * 3600, now);
        }
        // They count as open no longer than they are there.
        let known = registry.known();
        assert!(known.open <= known.sessions.len(), "{n}");
    }
    let (known, ended) = size(&registry);
    assert!(known < 4_000, "{known}");
    // An id that differs in its first bytes alone meets one shard.
    assert!(ended < 4_000, "{ended}");
}

#[test]
fn a_full_registry_refuses_and_ends_nobody() {
    let registry = MemoryRegistry::with_capacity(2);
    open(&registry, 1, NOW).unwrap();
    open(&registry, 2, NOW).unwrap();
    assert_eq!(open(&registry, 3, NOW), Err(RegistryErrorKind::Full));
    let first = RegisteredSession::new(id(1), 0, LATER, "https://cas", "alice");
    assert!(!registry.is_ended(&first));
    registry.end_now(id(1), LATER, NOW);
    open(&registry, 3, NOW).unwrap();
    assert_eq!(open(&registry, 4, NOW), Err(RegistryErrorKind::Full));
}

#[test]
fn a_full_registry_has_room_again_when_sessions_expire() {
    let registry = MemoryRegistry::with_capacity(3);
    for n in 0..3 {
        open(&registry, n, NOW).unwrap();
    }
    assert_eq!(open(&registry, 4, NOW), Err(RegistryErrorKind::Full));
    let next_day = LATER + 2 * GRACE;
    pass(&registry, next_day - NOW);
    open(&registry, 4, next_day).unwrap();
    assert_eq!(size(&registry), (1, 0));
}

#[test]
fn numbers_grow_through_a_clock_that_goes_back() {
    let registry = MemoryRegistry::default();
    let mut last = 0;
    for (n, now) in [NOW, NOW, NOW + 5, NOW - 100, NOW + 6]
        .into_iter()
        .enumerate()
    {
        let Opened::Live { number } = open(&registry, u32::try_from(n).unwrap(), now).unwrap()
        else {
            panic!("not open");
        };
        assert!(number > last, "{number} {last}");
        last = number;
    }
}

#[test]
fn what_is_kept_takes_memory_only_as_long_as_its_session() {
    let registry = MemoryRegistry::default();
    let grant = || Sealed::new(vec![7; 300]).unwrap();
    for n in 0..100_000 {
        // 100 sign-ins and 50 sign-outs an hour, for weeks.
        let now = NOW + u64::from(n) * 36;
        pass(&registry, 36);
        open(&registry, n, now).unwrap();
        let moment = registry.moment(now);
        let kept = registry
            .known()
            .keep(id(n), Item::Attributes, grant(), moment);
        assert!(kept.unwrap());
        if n % 2 == 0 {
            registry.end_now(id(n), now + 8 * 3600, now);
        }
    }
    let known = registry.known();
    assert!(known.kept.len() <= known.open, "{}", known.kept.len());
    assert!(known.open < 4_000);
}

/// Sessions of an hour: half of them are signed out, the others are open. Then the clock jumps 3 hours ahead, and so
/// much happens that everything would be swept that might be. Then it is right again.
#[test]
fn a_clock_that_was_ahead_revives_nobody_and_hides_nobody() {
    const HOUR: UnixSeconds = 3600;
    let registry = MemoryRegistry::default();
    let sign_in = |n, now| {
        registry.begin_now(id(n));
        registry.open_now(id(n), None, now + HOUR, now).unwrap();
    };
    for n in 0..1_200 {
        sign_in(n, NOW);
        if n % 2 == 0 {
            registry.end_now(id(n), NOW + HOUR, NOW);
        }
    }
    let account = AccountId::of("https://cas", "carol");
    registry.end_all_now(account, NOW + HOUR, NOW);
    let ahead = NOW + 3 * HOUR;
    for n in 10_000..20_000 {
        sign_in(n, ahead);
        if n % 2 == 0 {
            registry.end_now(id(n), ahead + HOUR, ahead);
        }
    }
    for n in 0..1_000 {
        let account = AccountId::of("https://cas", &format!("user-{n}"));
        registry.end_all_now(account, ahead + HOUR, ahead);
    }
    let ended = |n| registry.0.ended.contain_id(id(n));
    assert_eq!((0..1_200).filter(|n| n % 2 == 0 && !ended(*n)).count(), 0);
    let carol = RegisteredSession::new(id(7_000), 1, NOW + HOUR, "https://cas", "carol");
    assert!(registry.is_ended(&carol));
    let open: Vec<_> = (0..1_200).filter(|n| n % 2 == 1).map(id).collect();
    assert_eq!(registry.end_if_opened_now(open.clone(), NOW + 60), open);
}

#[test]
fn nobody_sees_that_of_a_family_one_session_has_ended_and_another_has_not() {
    const ROUNDS: u32 = 300;
    let (registry, turn) = (MemoryRegistry::default(), AtomicU32::new(0));
    // Those of a round are a family and two sessions.
    let [family, named, other] = [0, 1, 2].map(|n| move |round: u32| id(3 * round + n));
    let has_ended = |round, id| {
        let session = RegisteredSession::new(id, u64::MAX, LATER, "https://cas", "alice");
        registry.is_ended(&session.in_family(Some(family(round))))
    };
    for round in 0..ROUNDS {
        for id in [named(round), other(round)] {
            registry.begin_now(id);
            let opened = registry.open_now(id, Some(family(round)), LATER, NOW);
            assert!(matches!(opened, Ok(Opened::Live { .. })));
        }
    }
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for round in 0..ROUNDS {
                turn.store(round + 1, Ordering::SeqCst);
                let mut looks = 0_u32;
                while !has_ended(round, named(round)) {
                    looks += 1;
                    // The other one needs the processor too.
                    if looks.is_multiple_of(64) {
                        thread::yield_now();
                    }
                    hint::spin_loop();
                }
                assert!(has_ended(round, other(round)), "round {round}");
            }
        });
        for round in 0..ROUNDS {
            while turn.load(Ordering::SeqCst) <= round && !reader.is_finished() {
                thread::yield_now();
            }
            registry.end_if_opened_now(vec![named(round)], NOW);
        }
    });
}

const HOUR: UnixSeconds = 3600;

/// A session that an earlier process opened, or says to have.
fn earlier(n: u32, number: u64, expires_at: UnixSeconds) -> RegisteredSession<'static> {
    RegisteredSession::new(id(n), number, expires_at, "https://cas", "alice")
}

/// What a logout that names all of these ends.
fn ends(registry: &MemoryRegistry, sessions: &[u32], now: UnixSeconds) -> Vec<SessionId> {
    registry.end_if_opened_now(sessions.iter().copied().map(id).collect(), now)
}

#[test]
fn sessions_of_an_earlier_process_are_found_once_they_were_seen() {
    let now = Clock::System.now();
    let registry = MemoryRegistry::default();
    assert!(!registry.outlives_process());
    // The last one was opened by this process.
    let first = registry.0.first_number;
    for (n, number) in [(1, 0), (2, first - 1), (3, first)] {
        assert!(!registry.is_ended(&earlier(n, number, now + 8 * HOUR)));
    }
    assert_eq!(ends(&registry, &[1, 2, 3, 4], now), [1, 2].map(id));
    // One that has ended is not open for having been seen.
    registry.end_all_now(AccountId::of("https://cas", "alice"), now + 8 * HOUR, now);
    assert!(registry.is_ended(&earlier(6, 0, now + 8 * HOUR)));
    assert_eq!(ends(&registry, &[6], now), []);
}

#[test]
fn sessions_of_an_earlier_process_take_no_more_room_than_there_is_and_only_for_their_time() {
    let now = Clock::System.now();
    let registry = MemoryRegistry::with_capacity(2);
    // Each takes the place of one, however often it is seen.
    for n in [1, 1, 1, 2, 2, 3] {
        assert!(!registry.is_ended(&earlier(n, 0, now + 9 * HOUR)));
    }
    assert_eq!(open(&registry, 4, now), Err(RegistryErrorKind::Full));
    assert_eq!(ends(&registry, &[1, 3], now), [id(1)]);
    open(&registry, 4, now).unwrap();
    assert_eq!(open(&registry, 5, now), Err(RegistryErrorKind::Full));
    let expired = now + 9 * HOUR + 2 * GRACE;
    pass(&registry, expired - now);
    open(&registry, 5, expired).unwrap();
    open(&registry, 6, expired).unwrap();
}

/// So much ends that everything is forgotten that may be.
fn much_ends(registry: &MemoryRegistry, now: UnixSeconds) {
    for n in 10_000..11_000 {
        registry.end_now(id(n), now + 60, now);
    }
}

#[test]
fn an_end_is_remembered_for_as_long_as_the_longest_session_that_was_opened() {
    for (lifetime, stays) in [(8 * HOUR, false), (24 * HOUR, true)] {
        let registry = MemoryRegistry::default();
        registry.open_now(id(1), None, NOW + lifetime, NOW).unwrap();
        // By a clock that is ahead, nothing is left of another one.
        registry.end_now(id(2), LATER, LATER);
        pass(&registry, 10 * HOUR);
        much_ends(&registry, LATER + 10 * HOUR);
        assert_eq!(registry.0.ended.contain_id(id(2)), stays, "{lifetime}");
    }
}

#[test]
fn a_family_stays_ended_for_as_long_as_its_longest_session() {
    let registry = MemoryRegistry::default();
    let family = id(1);
    for (n, lifetime) in [(2, HOUR), (3, 24 * HOUR)] {
        registry
            .open_now(id(n), Some(family), NOW + lifetime, NOW)
            .unwrap();
    }
    assert_eq!(ends(&registry, &[2], NOW), [id(2)]);
    // The process runs for a day and more, and the clock is set back. So the other session has not expired.
    pass(&registry, 26 * HOUR);
    much_ends(&registry, NOW + 3 * HOUR);
    let other = earlier(3, u64::MAX, NOW + 24 * HOUR);
    assert!(registry.is_ended(&other.in_family(Some(family))));
    assert!(!registry.0.ended.contain_id(id(2)));
}

/// Keeps so many bytes for a session.
fn keep(
    registry: &MemoryRegistry,
    n: u32,
    bytes: usize,
    now: UnixSeconds,
) -> Result<bool, RegistryErrorKind> {
    let sealed = Sealed::new(vec![7; bytes]).unwrap();
    let moment = registry.moment(now);
    let kept = registry
        .known()
        .keep(id(n), Item::Attributes, sealed, moment);
    kept.map_err(|error| error.kind())
}

#[test]
fn what_expired_sessions_kept_makes_room_when_there_is_none() {
    let registry = MemoryRegistry::default().with_room_for(2_000);
    let full = Err(RegistryErrorKind::Full);
    open(&registry, 1, NOW).unwrap();
    assert_eq!(keep(&registry, 1, 1_000, NOW), Ok(true));
    // A minute before the first one is forgotten.
    let soon = LATER.div_ceil(60) * 60 + GRACE - 60;
    pass(&registry, soon + HOUR - NOW);
    open(&registry, 2, soon).unwrap();
    // There is room, so nobody looks for more, and whoever needs some can do so at any time.
    assert_eq!(keep(&registry, 2, 100, soon + 1), Ok(true));
    assert_eq!(keep(&registry, 2, 1_000, soon + 60), Ok(true));
    // Nobody else has to go.
    open(&registry, 3, soon + 60).unwrap();
    assert_eq!(keep(&registry, 3, 1_000, soon + 120), full);
}

#[test]
fn what_is_kept_is_there_until_its_session_expires() {
    let registry = MemoryRegistry::default();
    let expires_at = NOW.div_ceil(60) * 60 + HOUR;
    registry.open_now(id(1), None, expires_at, NOW).unwrap();
    assert_eq!(keep(&registry, 1, 10, expires_at - 1), Ok(true));
    let kept = |now| registry.known().kept(id(1), Item::Attributes, now);
    assert!(kept(expires_at - 1).is_some());
    assert!(kept(expires_at).is_none());
    assert_eq!(keep(&registry, 1, 10, expires_at), Ok(false));
}
