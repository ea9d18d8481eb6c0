//! What is behind a lock and changes seldom. Each change has a number, so that those who have looked at it need not take
//! the lock to know that they would see the same again.

use std::sync::{
    PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU64, Ordering},
};

/// The number of the last change of all. It counts for the whole process, so no two changes have the same one.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A value that changes behind a lock, which no panic leaves half changed.
#[derive(Debug, Default)]
pub(super) struct Numbered<T> {
    value: RwLock<T>,
    change: AtomicU64,
}

impl<T> Numbered<T> {
    /// The number of the last change; 0 if there was none. Whoever then reads the value, behind its lock, sees this change or a
    /// later one. That of a change that is being made may not be seen here: so the highest number of several values says
    /// something only to those who read all of them after that.
    pub(super) fn change(&self) -> u64 {
        self.change.load(Ordering::Acquire)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks it for a change. The number is that of the change before anybody can see the change.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, T> {
        let value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        // Behind the lock: a later change has a higher number.
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        self.change.store(number, Ordering::Release);
        value
    }
}
