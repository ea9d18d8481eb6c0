//! One node: what its registry knows and does. The handles of the app share it, and one task keeps it in touch
//! with Redis.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{
    connection::{Connection, Connector},
    facts::Facts,
    failure::Failure,
    flush, follow,
    grants::Pairs,
    kept::Kept,
    keys::Keys,
    link::{Link, State},
    queue::Queue,
    recovery::{self, Known},
    scripts::{Lasting, Standing},
    seen::{self, Seen},
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{EndedSessions, LONGEST, turns::Turns},
    session::SessionId,
};

/// How long a caller may wait for a new connection before it is told that Redis is away.
const HOPE: Duration = Duration::from_secs(1);

/// The first and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

#[derive(Debug)]
pub(super) struct Node {
    pub(super) connector: Connector,
    pub(super) keys: Keys,
    pub(super) min_replicas: u32,
    pub(super) ended: EndedSessions,
    pub(super) facts: Facts,
    pub(super) queue: Queue,
    /// Of messages from the network whose sessions are looked for.
    pub(super) turns: Turns,
    pub(super) kept: Kept,
    pub(super) seen: Seen,
    pub(super) link: Link,
    pub(super) pairs: Pairs,
}

/// Two connections to one server: a read that waits for news would hold up everything else.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) commands: Connection,
    pub(super) news: Connection,
}

impl Node {
    /// A session with what is left of its life, which is noted too.
    pub(super) fn lasting(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Lasting {
        let seconds = expires_at.saturating_sub(now).min(LONGEST);
        self.facts.saw_lifetime(seconds);
        Lasting {
            id,
            expires_at,
            seconds,
        }
    }

    /// Takes over what Redis says of the registry as a whole.
    pub(super) fn learn(&self, standing: &Standing) {
        self.facts
            .redis_says(standing.micros, standing.number, standing.asked);
        self.facts.saw_lifetime(standing.longest);
        self.set_recovering(standing.is_recovering);
    }

    pub(super) fn set_recovering(&self, recovering: bool) {
        if self.facts.set_recovering(recovering) && !recovering {
            self.seen.forget();
            self.kept.forget();
        }
    }

    /// Connects, and sees to it that what Redis may have lost does no harm: from here on calls may be made.
    pub(super) async fn connect(&self, known: &mut Known) -> Result<Pair, Failure> {
        let (mut commands, info) = self.connector.connect().await?;
        if known.is_new() {
            if info.is_silent() {
                tracing::warn!(
                    "Redis does not say which version it is, whether it evicts keys and when it was \
                     restarted, as INFO is not permitted: the registry goes on and notices less"
                );
            }
            if let Some(policy) = info.evicts() {
                tracing::warn!(
                    policy,
                    "Redis throws keys away when its memory is full, and with them sign-outs: set \
                     maxmemory-policy to noeviction"
                );
            }
        }
        recovery::join(self, known, &mut commands).await?;
        let (news, _) = self.connector.connect().await?;
        if news.instance() != commands.instance() {
            return Err(Failure::TwoServers);
        }
        Ok(Pair { commands, news })
    }

    /// Keeps in touch with Redis for ever, beginning with a pair of connections that is there.
    pub(super) async fn run(&self, mut known: Known, mut pair: Pair) {
        let mut pause = PAUSES.0;
        loop {
            let connected = Instant::now();
            let failure = self.work(&mut known, pair).await;
            let lost = Instant::now();
            tracing::warn!(
                error = %failure,
                "lost touch with Redis: requests are served from what is known, and sign-outs wait"
            );
            // At once where it went well for a while, and with pauses where each connection breaks soon.
            if lost.duration_since(connected) > PAUSES.1 {
                pause = PAUSES.0;
            } else {
                rest(&mut pause).await;
            }
            pair = self.connect_again(&mut known, &mut pause).await;
            tracing::info!(
                after_seconds = lost.elapsed().as_secs(),
                waiting = self.queue.len(),
                "in touch with Redis again"
            );
        }
    }

    /// Does everything that is to be done over a pair of connections, until one of them breaks.
    async fn work(&self, known: &mut Known, pair: Pair) -> Failure {
        let Pair { commands, news } = pair;
        self.queue.redis_came();
        self.link.set(State::Up(commands.clone()));
        let failure = tokio::select! {
            failure = follow::follow(self, known, &commands, &news) => failure,
            failure = flush::flush(self, &commands) => failure,
            failure = seen::reopen(self, &commands) => failure,
            failure = commands.replicas().ask(&commands, self.min_replicas) => failure,
            () = self.link.is_given_up(&commands) => Failure::GivenUp,
        };
        self.link.set(State::Connecting);
        // Some may have been on their way.
        self.seen.forget();
        self.queue.redis_went(&self.ended, self.facts.longest());
        failure
    }

    async fn connect_again(&self, known: &mut Known, pause: &mut Duration) -> Pair {
        let mut complaint = String::new();
        loop {
            let mut attempt = std::pin::pin!(self.connect(known));
            let result = tokio::select! {
                result = attempt.as_mut() => result,
                () = sleep(HOPE) => {
                    self.link.set(State::Down);
                    attempt.await
                }
            };
            let failure = match result {
                Ok(pair) => return pair,
                Err(failure) => failure.to_string(),
            };
            self.link.set(State::Down);
            if failure != complaint {
                tracing::warn!(error = failure, "no connection to Redis yet");
                complaint = failure;
            }
            rest(pause).await;
        }
    }

    /// Says how the call went on this connection, and replaces one on which it went wrong.
    pub(super) fn checked<T>(
        &self,
        connection: &Connection,
        result: Result<T, Failure>,
    ) -> Result<T, Failure> {
        result.inspect_err(|failure| {
            if failure.breaks_connection() {
                self.link.give_up(connection);
            }
        })
    }
}

/// Seconds since the epoch, by this machine's clock.
pub(super) fn now() -> UnixSeconds {
    Clock::System.now()
}

/// Waits, and longer the next time. Not the same for all nodes, so that they do not come back in step.
async fn rest(pause: &mut Duration) {
    let random = getrandom::u32().unwrap_or_default();
    let share = 0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0;
    sleep(pause.mul_f64(share)).await;
    *pause = pause.saturating_mul(2).min(PAUSES.1);
}
