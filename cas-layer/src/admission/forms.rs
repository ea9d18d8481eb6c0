//! How many forms are read at once.
//!
//! A form takes memory until it is complete, and anybody can leave one unfinished. So the number of seats is limited.
//! While a form waits for a seat, a sender that lets us wait loses its own: first the sender with the most forms on
//! their way, and of those the form that has been on its way the longest. A form that comes in one go is read,
//! however many others never end.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Sleep, sleep},
};

use super::Peer;
use crate::turns::{Slot, Turns};

/// How many are read at once. Each has at most 64 KiB.
const AT_ONCE: usize = 256;

/// How many may wait for a seat. They are not read meanwhile.
const WAITING: usize = 4096;

/// How long a sender that has to make room may go on. By then, everything that a server sends in one go has arrived.
const GRACE: Duration = Duration::from_millis(100);

/// How often we look for more after that: data is handed over bit by bit.
const LOOKS: u8 = 2;

/// Senders that are counted together: all senders without a known address are.
type Sender = Option<Peer>;

/// The forms of one app.
#[derive(Clone)]
pub(crate) struct Forms {
    turns: Turns<Sender>,
    read: Arc<Mutex<Read>>,
}

/// The forms that are being read.
#[derive(Default)]
struct Read {
    /// By number, so the oldest form of a sender is its first. No sender has an empty map.
    forms: HashMap<Sender, BTreeMap<u64, oneshot::Sender<()>>>,
    /// The number of the next one.
    number: u64,
    /// How many have been told to give up their seat and have not done so yet.
    told: usize,
}

impl Forms {
    pub(crate) fn new() -> Self {
        Self {
            turns: Turns::new(AT_ONCE, WAITING),
            read: Arc::default(),
        }
    }

    /// A seat to read a form of this sender. `None` if too many wait for one.
    pub(crate) fn seat(
        &self,
        sender: Sender,
    ) -> impl Future<Output = Option<Seat>> + Send + 'static {
        let (forms, asked) = (self.clone(), self.turns.ask(sender));
        forms.make_room();
        async move {
            let slot = asked?.slot().await?;
            let seat = forms.enter(sender, slot);
            // There may have been nobody to tell before.
            forms.make_room();
            Some(seat)
        }
    }

    fn enter(&self, sender: Sender, slot: Slot<Sender>) -> Seat {
        let (tell, told) = oneshot::channel();
        let mut read = self.read();
        let number = read.number;
        read.number += 1;
        read.forms.entry(sender).or_default().insert(number, tell);
        drop(read);
        Seat {
            forms: self.clone(),
            sender,
            number,
            told: Told::NotYet(told),
            looks: 0,
            _slot: slot,
        }
    }

    /// Tells as many senders to give up their seats as others wait for one.
    fn make_room(&self) {
        let waiting = self.turns.waiting();
        if waiting > 0 {
            let mut read = self.read();
            while read.told < waiting && read.tell_one() {}
        }
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    /// Tells the next sender to give up its seat. `false` if all of them have been told.
    fn tell_one(&mut self) -> bool {
        let most = self.forms.iter_mut().max_by_key(|(_, forms)| forms.len());
        let Some((&sender, forms)) = most else {
            return false;
        };
        // Dropped, it is heard.
        drop(forms.pop_first());
        if forms.is_empty() {
            self.forms.remove(&sender);
        }
        self.told += 1;
        true
    }

    fn leave(&mut self, sender: Sender, number: u64) {
        let Some(forms) = self.forms.get_mut(&sender) else {
            self.told -= 1;
            return;
        };
        if forms.remove(&number).is_none() {
            self.told -= 1;
        } else if forms.is_empty() {
            self.forms.remove(&sender);
        }
    }
}

impl fmt::Debug for Forms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forms")
            .field("turns", &self.turns)
            .finish_non_exhaustive()
    }
}

/// A seat among the forms that are read. The data that was read is dropped with it, not later.
pub(crate) struct Seat {
    forms: Forms,
    sender: Sender,
    number: u64,
    told: Told,
    /// How often nothing more was there.
    looks: u8,
    _slot: Slot<Sender>,
}

/// Whether another form needs the seat.
enum Told {
    NotYet(oneshot::Receiver<()>),
    Since(Pin<Box<Sleep>>),
}

impl Seat {
    /// More of the form has come.
    pub(crate) fn goes_on(&mut self) {
        self.looks = 0;
    }

    /// Ready when the seat is lost. To be asked when nothing more of the form is there.
    pub(crate) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Told::NotYet(told) = &mut self.told {
            let _ = ready!(Pin::new(told).poll(cx));
            self.told = Told::Since(Box::pin(sleep(GRACE)));
        }
        if let Told::Since(grace) = &mut self.told {
            ready!(grace.as_mut().poll(cx));
        }
        if self.looks == LOOKS {
            return Poll::Ready(());
        }
        self.looks += 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Before the slot, which the next one gets.
        self.forms.read().leave(self.sender, self.number);
    }
}

#[cfg(test)]
mod tests;
