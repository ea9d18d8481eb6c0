//! The waiting lines, and whose turn it is. Pure.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// Free slots, and a line for each party that waits for one. The lines take turns: the first in a line waits for at
/// most one of each other line.
#[derive(Debug)]
pub(super) struct Lines<K, W> {
    free: usize,
    /// How many may wait.
    room: usize,
    waiting: usize,
    /// None of them is empty.
    by_party: HashMap<K, VecDeque<(u64, W)>>,
    /// The parties that have a line, the next one first.
    order: VecDeque<K>,
    /// The number of the next place.
    number: u64,
}

/// A place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<K> {
    party: K,
    number: u64,
}

impl<K: Copy + Eq + Hash, W> Lines<K, W> {
    pub(super) fn new(slots: usize, room: usize) -> Self {
        Self {
            free: slots,
            room,
            waiting: 0,
            by_party: HashMap::new(),
            order: VecDeque::new(),
            number: 0,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many are called before somebody who gets in line now.
    pub(super) fn before(&self, party: K) -> usize {
        let own = self.by_party.get(&party).map_or(0, VecDeque::len);
        // Whoever is before it has one turn more. Without a line, it comes last.
        let mut more = 1;
        let mut before = own;
        for other in &self.order {
            if *other == party {
                more = 0;
            } else if let Some(line) = self.by_party.get(other) {
                before += line.len().min(own + more);
            }
        }
        before
    }

    /// Takes a free slot. Nobody waits while there is one.
    pub(super) fn take(&mut self) -> bool {
        let is_free = self.free > 0;
        self.free -= usize::from(is_free);
        is_free
    }

    /// Gets in line. If all places are taken, the last in the longest line makes room, if that line is longer than
    /// this one becomes. Otherwise returns `None`.
    pub(super) fn wait(&mut self, party: K, waiter: W) -> Option<(Place<K>, Option<W>)> {
        let displaced = if self.waiting < self.room {
            None
        } else {
            let own = self.by_party.get(&party).map_or(0, VecDeque::len);
            let longest = self.by_party.values_mut().max_by_key(|line| line.len())?;
            if longest.len() <= own + 1 {
                return None;
            }
            self.waiting -= 1;
            longest.pop_back().map(|(_, waiter)| waiter)
        };
        let place = Place {
            party,
            number: self.number,
        };
        self.number += 1;
        self.waiting += 1;
        let line = self.by_party.entry(party).or_default();
        if line.is_empty() {
            self.order.push_back(party);
        }
        line.push_back((place.number, waiter));
        Some((place, displaced))
    }

    /// A slot comes back: the next in line gets it, and if nobody waits it is free.
    pub(super) fn next(&mut self) -> Option<W> {
        let next = self.order.pop_front().and_then(|party| {
            let line = self.by_party.get_mut(&party)?;
            let first = line.pop_front();
            if line.is_empty() {
                self.by_party.remove(&party);
            } else {
                self.order.push_back(party);
            }
            first
        });
        if let Some((_, waiter)) = next {
            self.waiting -= 1;
            Some(waiter)
        } else {
            self.free += 1;
            None
        }
    }

    /// Gives a place up, if it is still held.
    pub(super) fn leave(&mut self, place: Place<K>) {
        let Some(line) = self.by_party.get_mut(&place.party) else {
            return;
        };
        let before = line.len();
        line.retain(|(number, _)| *number != place.number);
        self.waiting -= before - line.len();
        if line.is_empty() {
            self.by_party.remove(&place.party);
            self.order.retain(|party| *party != place.party);
        }
    }
}

#[cfg(test)]
mod tests;
