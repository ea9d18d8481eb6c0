//! Turns at limited slots: nobody gets ahead by asking often.

mod lines;

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use self::lines::{Lines, Place};

/// A limited number of slots, and room to wait for one. Each waiting request is called when it is its turn.
pub(crate) struct Turns<K: Copy + Eq + Hash>(Arc<Mutex<Lines<K, oneshot::Sender<()>>>>);

impl<K: Copy + Eq + Hash> Turns<K> {
    /// `slots` at least 1; before them, `room` may wait.
    pub(crate) fn new(slots: usize, room: usize) -> Self {
        Self(Arc::new(Mutex::new(Lines::new(slots, room))))
    }

    /// Asks for a slot. `None` if too many wait.
    pub(crate) fn ask(&self, party: K) -> Option<Asked<K>> {
        let mut lines = self.lines();
        if lines.take() {
            return Some(Asked::Slot(Slot(self.clone())));
        }
        let (call, called) = oneshot::channel();
        let (place, displaced) = lines.wait(party, call)?;
        drop(lines);
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
        self.lines().waiting()
    }

    /// A slot is free.
    fn pass_on(&self) {
        loop {
            let next = self.lines().next();
            // A request that has just gone away does not hear it, and the next one is called.
            if next.is_none_or(|call| call.send(()).is_ok()) {
                return;
            }
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines<K, oneshot::Sender<()>>> {
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
pub(crate) struct Slot<K: Copy + Eq + Hash>(Turns<K>);

impl<K: Copy + Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        self.0.pass_on();
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
        called.ok().map(|()| Slot(self.turns.clone()))
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
            self.turns.lines().leave(place);
        }
    }
}

#[cfg(test)]
mod tests;
