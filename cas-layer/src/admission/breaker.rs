//! Whether the CAS server is asked at all.
//!
//! A server that hangs keeps everybody waiting until the time limit, and each of them uses up a ticket for nothing. After a
//! few time-outs in a row nobody is asked to wait any more, but for one now and then who finds out whether the server is
//! back.
//!
//! Tickets of strangers are validated too, and a stranger may know some that take the server long. So a time-out counts
//! only if the server has answered nobody meanwhile. If it is a stranger's doing, the first other sign-in that is let through
//! ends it; and whoever found nothing lets others go first.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Peer, party::Party};

/// After how many time-outs in a row the server is away.
pub(crate) const MAX_TIME_OUTS: u32 = 5;

/// While it is away, how often it is asked.
const PROBE_EVERY: Duration = Duration::from_secs(3);

/// How long an address does not ask again that has just asked in vain.
const OTHERS_FIRST: Duration = Duration::from_secs(10);

/// Whether one CAS server is asked.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a row.
    time_outs: u32,
    answered_at: Option<Instant>,
    /// Since the last of them, until the server answers.
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    /// When the server was asked last, and from where, if that is known.
    probed_at: Instant,
    prober: Option<Peer>,
}

/// Leave to ask the server.
#[derive(Debug)]
#[must_use = "what becomes of the request has to be told"]
pub(crate) struct Pass(Instant);

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// An answer, whatever it says.
    Answer,
    /// Nothing within the time limit.
    Nothing,
    /// There was no connection, or it broke. That is told at once, so it keeps nobody waiting.
    NoConnection,
}

/// The server has gone away, or is back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Away,
    /// After this time.
    Back(Duration),
}

impl Breaker {
    /// Whether it is known already that [`ask`](Self::ask) says no.
    pub(crate) fn says_no(&self, party: Party) -> bool {
        let outage = &self.state().outage;
        outage
            .as_ref()
            .is_some_and(|outage| !outage.lets(party, Instant::now()))
    }

    /// Asks for leave to ask the server. `None` while it is away.
    pub(crate) fn ask(&self, party: Party) -> Option<Pass> {
        let now = Instant::now();
        if let Some(outage) = &mut self.state().outage {
            if !outage.lets(party, now) {
                return None;
            }
            outage.probed_at = now;
            outage.prober = party.peer();
        }
        Some(Pass(now))
    }

    /// Whoever asked tells what they heard.
    pub(crate) fn tell(&self, Pass(asked_at): Pass, heard: Heard) -> Option<Change> {
        let now = Instant::now();
        let mut state = self.state();
        match heard {
            Heard::NoConnection => None,
            Heard::Answer => {
                state.time_outs = 0;
                state.answered_at = Some(now);
                let outage = state.outage.take()?;
                Some(Change::Back(now.saturating_duration_since(outage.since)))
            }
            Heard::Nothing => {
                if state.answered_at.is_some_and(|at| at >= asked_at) || state.outage.is_some() {
                    return None;
                }
                state.time_outs += 1;
                if state.time_outs < MAX_TIME_OUTS {
                    return None;
                }
                state.outage = Some(Outage {
                    since: now,
                    probed_at: now,
                    prober: None,
                });
                Some(Change::Away)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outage {
    fn lets(&self, party: Party, now: Instant) -> bool {
        let is_again = party.peer().is_some_and(|peer| self.prober == Some(peer));
        let pause = if is_again { OTHERS_FIRST } else { PROBE_EVERY };
        now.saturating_duration_since(self.probed_at) >= pause
    }
}

#[cfg(test)]
mod tests;
