//! Random calls by several threads, round by round.

use std::{
    hint::spin_loop,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cas_layer::{
    SessionId,
    registry::{AccountId, LogoutSender, Opened, RegisteredSession, Registry},
};
use libtest_mimic::Trial;
use tokio::runtime::{self, Handle};

use super::{
    model::{Answer, Call, Cookie, NODES, Promise, SESSIONS},
    order::{Event, has_order},
};
use crate::{
    checker::chance::Chance,
    life::trials::{CASES, SEED, number},
    suite::eventually,
};

/// More would seldom run at the same time on a small machine.
const THREADS: usize = 2;
/// What each of them does in a round, before it finishes what it has begun.
const ACTIONS: usize = 8;
/// How many rounds are played before they are looked at.
const AT_A_TIME: usize = 1_000;

const CAS: &str = "https://cas.example.org/cas";
const LIFETIME: u64 = 8 * 3600;
const VALIDATION: Duration = Duration::from_secs(600);

/// The nodes of a registry, and the sessions of this round.
struct Round<'r> {
    nodes: &'r [Arc<dyn Registry>],
    runtime: &'r Handle,
    number: u64,
    now: u64,
    ready: AtomicUsize,
    clock: AtomicU64,
    events: Mutex<Vec<Event>>,
}

impl Round<'_> {
    /// Sessions and families of different rounds have nothing to do with one another.
    fn id(&self, n: usize) -> SessionId {
        let mut chance = Chance::new(self.number << 8 | n as u64);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&chance.next().to_le_bytes());
        bytes[8..].copy_from_slice(&chance.next().to_le_bytes());
        bytes.into()
    }

    fn family(&self) -> SessionId {
        self.id(SESSIONS)
    }

    fn user(&self) -> String {
        format!("user {}", self.number)
    }

    async fn answer(&self, node: usize, call: Call) -> Answer {
        let (registry, now) = (&self.nodes[node], self.now);
        let expires_at = now + LIFETIME;
        match call {
            Call::Begin(session) => registry.begin(self.id(session), VALIDATION).await.unwrap(),
            Call::Abandon(session) => registry.abandon(self.id(session)),
            Call::Open { session, in_family } => {
                let id = self.id(session);
                let opening = match registry.families().filter(|_| in_family) {
                    Some(families) => families.open_in(self.family(), id, expires_at, now),
                    None => registry.open(id, expires_at, now),
                };
                return match opening.await.unwrap() {
                    Opened::Live { number } => Answer::Live(number),
                    Opened::Ended => Answer::Ended,
                };
            }
            Call::End(session) => {
                let id = self.id(session);
                registry.end(id, expires_at, now).await.unwrap();
            }
            Call::EndFamily => registry.end(self.family(), expires_at, now).await.unwrap(),
            Call::EndIfOpened(session) => {
                let sender = LogoutSender::back_channel(None);
                let ids = vec![self.id(session)];
                let ended = registry.end_if_opened(ids, sender, now).await;
                return Answer::Says(!ended.unwrap().is_empty());
            }
            Call::EndAll => {
                let account = AccountId::of(CAS, &self.user());
                registry.end_all(account, expires_at, now).await.unwrap();
            }
            Call::IsEnded(cookie) | Call::HasEnded(cookie) => {
                return Answer::Says(self.is_ended(node, cookie));
            }
        }
        Answer::Done
    }

    fn is_ended(&self, node: usize, cookie: Cookie) -> bool {
        let Cookie {
            session,
            number,
            in_family,
        } = cookie;
        let (id, expires_at, user) = (self.id(session), self.now + LIFETIME, self.user());
        let cookie = RegisteredSession::new(id, number, expires_at, CAS, &user)
            .in_family(in_family.then(|| self.family()));
        self.nodes[node].is_ended(&cookie)
    }

    fn call(&self, node: usize, call: Call, events: &mut Vec<Event>) -> Answer {
        let began_at = self.clock.fetch_add(1, Ordering::SeqCst);
        let answer = self.runtime.block_on(self.answer(node, call));
        let answered_at = self.clock.fetch_add(1, Ordering::SeqCst);
        events.push(Event {
            call,
            answer,
            node,
            began_at,
            answered_at,
        });
        answer
    }

    /// What one thread does. It asks one node.
    fn run(&self, thread: usize, mut chance: Chance) {
        let node = thread % self.nodes.len();
        let (mut events, mut begun, mut cookies) = (Vec::new(), Vec::new(), Vec::new());
        let mut left = ACTIONS;
        while left > 0 || !begun.is_empty() {
            let session = chance.below(SESSIONS);
            let action = if left > 0 { chance.below(16) } else { 0 };
            left = left.saturating_sub(1);
            match (action, begun.pop()) {
                (0..5, Some(session)) => {
                    let in_family = chance.below(2) == 0;
                    let opening = Call::Open { session, in_family };
                    if let Answer::Live(number) = self.call(node, opening, &mut events) {
                        cookies.push(Cookie {
                            session,
                            number,
                            in_family,
                        });
                    }
                    continue;
                }
                (5, Some(session)) => {
                    self.call(node, Call::Abandon(session), &mut events);
                    continue;
                }
                (_, unfinished) => begun.extend(unfinished),
            }
            let call = match action {
                0..9 => {
                    begun.push(session);
                    Call::Begin(session)
                }
                9 => Call::End(session),
                10 => Call::EndFamily,
                11 => Call::EndAll,
                12 | 13 => Call::EndIfOpened(session),
                _ if cookies.is_empty() => Call::EndIfOpened(session),
                _ => Call::IsEnded(cookies[chance.below(cookies.len())]),
            };
            self.call(node, call, &mut events);
        }
        for cookie in cookies {
            self.call(node, Call::IsEnded(cookie), &mut events);
        }
        self.events.lock().unwrap().extend(events);
    }

    /// All threads begin at once.
    fn wait(&self) {
        self.ready.fetch_add(1, Ordering::SeqCst);
        for turn in 0_u32.. {
            if self.ready.load(Ordering::SeqCst) == THREADS {
                return;
            }
            // There may be fewer processors than threads.
            if turn > 1_000 {
                thread::yield_now();
            }
            spin_loop();
        }
    }

    /// Waits until all nodes say the same of each session whose cookie somebody got, and notes what they say.
    async fn settle(&self) {
        let events = self.events.lock().unwrap().clone();
        let cookies = events.iter().filter_map(|event| match event.call {
            Call::IsEnded(cookie) => Some(cookie),
            _ => None,
        });
        for cookie in cookies {
            let says = || (0..self.nodes.len()).map(|node| self.is_ended(node, cookie));
            eventually("all nodes say the same", async || {
                says().all(|says| says == self.is_ended(0, cookie))
            })
            .await;
            self.call_at_last(Call::HasEnded(cookie)).await;
        }
    }

    async fn call_at_last(&self, call: Call) {
        let at = self.clock.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer(0, call).await;
        let event = Event {
            call,
            answer,
            node: 0,
            began_at: at,
            answered_at: at,
        };
        self.events.lock().unwrap().push(event);
    }

    /// What the threads saw, in the order in which the calls began.
    fn events(self) -> Vec<Event> {
        let mut events = self.events.into_inner().unwrap();
        events.sort_by_key(|event| event.began_at);
        events
    }
}

fn play(rounds: &[Round<'_>], seed: u64) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for round in rounds {
                    round.wait();
                    let chance = Chance::new(seed ^ (round.number << 8 | thread as u64));
                    round.run(thread, chance);
                }
            });
        }
    });
}

/// Plays rounds with the nodes of a registry. What is called follows from a seed; in which order it happens does not.
pub fn trial<F, T>(
    name: impl Into<String>,
    rounds: u64,
    promise: Promise,
    make: impl FnOnce() -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = (Vec<Arc<dyn Registry>>, T)>,
{
    Trial::test(name, move || {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let _entered = runtime.enter();
        // Whatever comes with the registry stays as long as it does.
        let (_kept, nodes) = runtime.block_on(async {
            let (nodes, kept) = make().await;
            (kept, nodes)
        });
        assert!((1..=NODES).contains(&nodes.len()), "{} nodes", nodes.len());
        let (rounds, seed) = (number(CASES, rounds), number(SEED, 1));
        #[allow(clippy::disallowed_methods, reason = "the time that the registry sees")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let round = |number| Round {
            nodes: &nodes,
            runtime: runtime.handle(),
            number,
            now,
            ready: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            events: Mutex::default(),
        };
        for first in (0..rounds).step_by(AT_A_TIME) {
            let some = first..rounds.min(first + AT_A_TIME as u64);
            let some: Vec<_> = some.map(round).collect();
            play(&some, seed);
            for round in some {
                runtime.block_on(round.settle());
                let number = round.number;
                let events = round.events();
                if !has_order(&events, promise) {
                    let lines: Vec<_> = events.iter().map(|event| format!("{event:?}")).collect();
                    return Err(format!(
                        "no order of these calls gives their answers:\n{}\nround {number}, {SEED}={seed} {CASES}={rounds}",
                        lines.join("\n")
                    )
                    .into());
                }
            }
        }
        Ok(())
    })
}
