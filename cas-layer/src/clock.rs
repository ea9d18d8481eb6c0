//! The source of the time: the system, or a test.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the Unix epoch, as they stand in cookies and in the registry.
pub type UnixSeconds = u64;

/// The time as the layer sees it. Read once per request and passed on as a value from there.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    #[default]
    System,
    #[cfg(feature = "testing")]
    Manual(ManualClock),
}

impl Clock {
    /// In whole seconds; a clock before 1970 reads as 0, where every cookie is from the future and none is
    /// accepted.
    pub(crate) fn now(&self) -> UnixSeconds {
        to_unix(self.time())
    }

    /// As precise as the clock is.
    pub(crate) fn time(&self) -> SystemTime {
        match self {
            #[allow(
                clippy::disallowed_methods,
                reason = "the one place that reads the system's clock"
            )]
            Self::System => SystemTime::now(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => from_unix(clock.0.load(std::sync::atomic::Ordering::SeqCst)),
        }
    }
}

/// Whole seconds since the epoch; 0 for a time before it.
pub(crate) fn to_unix(time: SystemTime) -> UnixSeconds {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The inverse of [`to_unix`]; a number too large for the platform becomes the epoch.
pub(crate) fn from_unix(seconds: UnixSeconds) -> SystemTime {
    UNIX_EPOCH
        .checked_add(std::time::Duration::from_secs(seconds))
        .unwrap_or(UNIX_EPOCH)
}

/// A clock that a test moves by hand, given to [`CasConfigBuilder::clock`].
///
/// It starts at the system's time and stands still until it is moved; clones show the same time.
///
/// [`CasConfigBuilder::clock`]: crate::CasConfigBuilder::clock
#[cfg(feature = "testing")]
#[derive(Clone, Debug)]
pub struct ManualClock(std::sync::Arc<std::sync::atomic::AtomicU64>);

#[cfg(feature = "testing")]
impl ManualClock {
    /// A clock that shows the system's time of now, for ever.
    #[must_use]
    pub fn new() -> Self {
        Self(std::sync::Arc::new(Clock::System.now().into()))
    }

    /// Moves the time on by `by`, in whole seconds.
    pub fn advance(&self, by: std::time::Duration) {
        self.0
            .fetch_add(by.as_secs(), std::sync::atomic::Ordering::SeqCst);
    }

    /// Moves the time back by `by`, in whole seconds, as a node with a slow clock would have it.
    pub fn rewind(&self, by: std::time::Duration) {
        self.0
            .fetch_sub(by.as_secs(), std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(feature = "testing")]
impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}
