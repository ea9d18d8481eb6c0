//! Who asks for sessions to be ended by name.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::LazyLock,
};

/// Who named the sessions in a call of [`Registry::end_if_opened`](super::Registry::end_if_opened).
///
/// Anybody can send logout requests. A registry that works for them, or lets them wait, keeps separate room for each
/// [share](Self::share), and divides it fairly among the [sources](Self::source) of a share. So a flood takes nothing
/// from others. A registry that answers at once, from memory, need not look at this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogoutSender {
    share: LogoutShare,
    source: Option<SourceId>,
}

impl LogoutSender {
    /// The app itself, which takes back what it has opened. It shares the room of listed sources.
    #[must_use]
    pub fn app() -> Self {
        Self::listed(None)
    }

    /// A source that [`logout_sources`](crate::SignOutOptions::logout_sources) lists.
    #[must_use]
    pub fn listed(source: Option<SourceId>) -> Self {
        let share = LogoutShare::Trusted;
        Self { share, source }
    }

    /// Any sender that posts a message, if no sources are listed.
    #[must_use]
    pub fn back_channel(source: Option<SourceId>) -> Self {
        let share = LogoutShare::Back;
        Self { share, source }
    }

    /// A browser.
    #[must_use]
    pub fn front_channel(source: Option<SourceId>) -> Self {
        let share = LogoutShare::Front;
        Self { share, source }
    }

    /// Whose room the message takes.
    #[must_use]
    pub fn share(self) -> LogoutShare {
        self.share
    }

    /// Where it comes from within that share. `None` if that is not known: all such messages are one source.
    #[must_use]
    pub fn source(self) -> Option<SourceId> {
        self.source
    }
}

/// Tells the sources of messages apart: a hash of their address, with a key of this process. It means nothing to
/// another process, or after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u64);

impl SourceId {
    /// The source with this address, or with another mark that it is known by.
    #[must_use]
    pub fn of(peer: &(impl Hash + ?Sized)) -> Self {
        // Nobody can choose addresses that get the same number.
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
#[non_exhaustive]
pub enum LogoutShare {
    /// The app itself, and the sources that are listed.
    Trusted,
    /// Any sender that posts messages, if no sources are listed.
    Back,
    /// Browsers.
    Front,
}

#[cfg(any(feature = "file", feature = "postgres", feature = "redis"))]
impl LogoutShare {
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
