//! Who wants sessions to be ended by name.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::LazyLock,
};

/// Who named the sessions in a call of [`Registry::end_if_opened`](super::Registry::end_if_opened).
///
/// Anybody can send logout requests. A registry that does work for them, or has them wait, keeps room of its own for each of
/// three kinds of senders, and divides it fairly among the sources of a kind: so a flood takes nothing from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogoutSender {
    share: Share,
    source: Option<SourceId>,
}

impl LogoutSender {
    /// The app itself, which takes back what it has opened. Shares the room of those that are listed.
    #[must_use]
    pub fn app() -> Self {
        Self::listed(None)
    }

    /// A source that [`logout_sources`](crate::CasConfigBuilder::logout_sources) lists.
    #[must_use]
    pub fn listed(source: Option<SourceId>) -> Self {
        let share = Share::Trusted;
        Self { share, source }
    }

    /// Whoever posts a message, where no sources are listed.
    #[must_use]
    pub fn back_channel(source: Option<SourceId>) -> Self {
        let share = Share::Back;
        Self { share, source }
    }

    /// A browser.
    #[must_use]
    pub fn front_channel(source: Option<SourceId>) -> Self {
        let share = Share::Front;
        Self { share, source }
    }
}

#[cfg(any(feature = "file", feature = "redis"))]
impl LogoutSender {
    pub(crate) fn share(self) -> Share {
        self.share
    }

    /// `None` where it is not known. All of these are one source.
    pub(crate) fn source(self) -> Option<SourceId> {
        self.source
    }
}

/// Tells the sources of messages apart: a hash of their address, with a key of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u64);

impl SourceId {
    /// The source with this address, or whatever else it is known by.
    #[must_use]
    pub fn of(peer: &(impl Hash + ?Sized)) -> Self {
        // Nobody can choose addresses that meet in one number.
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(KEY.hash_one(peer))
    }

    /// One of `count` numbers, which some sources have in common.
    #[cfg(feature = "redis")]
    pub(crate) fn bucket(self, count: usize) -> usize {
        usize::try_from(self.0 % (count.max(1) as u64)).unwrap_or_default()
    }
}

/// The kinds of senders that have room of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Share {
    Trusted,
    Back,
    Front,
}

#[cfg(any(feature = "file", feature = "redis"))]
impl Share {
    pub(crate) const COUNT: usize = 3;

    /// Its place in a list of all.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Trusted => 0,
            Self::Back => 1,
            Self::Front => 2,
        }
    }
}
