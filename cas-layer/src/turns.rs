//! Turns at limited slots: nobody gets ahead by asking often.

mod lines;
mod pace;

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use self::{
    lines::{Lines, Place},
    pace::Pace,
};

/// A limited number of slots, and room to wait for one. Each waiting request is called when it is its turn.
pub(crate) struct Turns<K: Copy + Eq + Hash>(Arc<Mutex<State<K>>>);

struct State<K> {
    lines: Lines<K, oneshot::Sender<()>>,
    /// `None` if everybody may wait for whom there is room.
    pace: Option<Pace>,
}

impl<K: Copy + Eq + Hash> Turns<K> {
    /// `slots` at least 1; before them, `room` may wait.
    pub(crate) fn new(slots: usize, room: usize) -> Self {
        Self::paced(slots, room, None)
    }

    /// The same, but nobody gets in line who would not be done within this time, as far as the last ones tell.
    pub(crate) fn brisk(slots: usize, room: usize, within: Duration) -> Self {
        Self::paced(slots, room, Some(Pace::new(slots, within)))
    }

    fn paced(slots: usize, room: usize, pace: Option<Pace>) -> Self {
        let lines = Lines::new(slots, room);
        Self(Arc::new(Mutex::new(State { lines, pace })))
    }

    /// Asks for a slot. `None` if too many wait.
    pub(crate) fn ask(&self, party: K) -> Option<Asked<K>> {
        let mut state = self.state();
        if state.lines.take() {
            return Some(Asked::Slot(self.slot()));
        }
        if let Some(pace) = &state.pace
            && pace.is_hopeless(state.lines.before(party))
        {
            return None;
        }
        let (call, called) = oneshot::channel();
        let (place, displaced) = state.lines.wait(party, call)?;
        drop(state);
        // Without the other end, they know that nobody is going to call them.
        drop(displaced);
        Some(Asked::Place(Waiting {
            turns: self.clone(),
            place: Some(place),
            called,
        }))
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().lines.waiting()
    }

    fn slot(&self) -> Slot<K> {
        Slot {
            turns: self.clone(),
            since: Instant::now(),
        }
    }

    /// A slot is free.
    fn pass_on(&self) {
        loop {
            let next = self.state().lines.next();
            // A request that has just gone away does not hear it, and the next one is called.
            if next.is_none_or(|call| call.send(()).is_ok()) {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Clone for Turns<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Copy + Eq + Hash> fmt::Debug for Turns<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns")
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// The result of asking for a slot.
pub(crate) enum Asked<K: Copy + Eq + Hash> {
    Slot(Slot<K>),
    Place(Waiting<K>),
}

impl<K: Copy + Eq + Hash> Asked<K> {
    /// The slot, when it is this one's turn. `None` if the place was given to a party with fewer waiting. Dropping
    /// the future gives up the place.
    pub(crate) async fn slot(self) -> Option<Slot<K>> {
        match self {
            Self::Slot(slot) => Some(slot),
            Self::Place(waiting) => waiting.slot().await,
        }
    }
}

/// A slot. It is free again when this is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct Slot<K: Copy + Eq + Hash> {
    turns: Turns<K>,
    since: Instant,
}

impl<K: Copy + Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        if let Some(pace) = &mut self.turns.state().pace {
            pace.note(self.since.elapsed());
        }
        self.turns.pass_on();
    }
}

/// Somebody in line.
pub(crate) struct Waiting<K: Copy + Eq + Hash> {
    turns: Turns<K>,
    /// `None` once it was left.
    place: Option<Place<K>>,
    called: oneshot::Receiver<()>,
}

impl<K: Copy + Eq + Hash> Waiting<K> {
    async fn slot(mut self) -> Option<Slot<K>> {
        let called = (&mut self.called).await;
        self.place = None;
        called.ok().map(|()| self.turns.slot())
    }
}

impl<K: Copy + Eq + Hash> Drop for Waiting<K> {
    fn drop(&mut self) {
        let Some(place) = self.place else {
            return;
        };
        // From here on nobody is called any more, but somebody may have been.
        self.called.close();
        if self.called.try_recv().is_ok() {
            self.turns.pass_on();
        } else {
            self.turns.state().lines.leave(place);
        }
    }
}

#[cfg(test)]
mod tests;
