//! Sessions of one browser, which end together.

use std::fmt;

#[cfg(doc)]
use super::Registry;
use super::{Opened, RegistryFuture};
use crate::{clock::UnixSeconds, session::SessionId};

/// Knows which open sessions are of one family.
///
/// Tabs of one browser that sign in at the same time each open a session. The browser keeps the cookie of one, and a
/// CAS server may send its single logout for another one. So these sessions are a family, and end together.
///
/// A family has a name like that of a session, and ends by [`Registry::end`] as a session does. Each session's cookie
/// names its family. But a single-logout message names only a ticket, so the registry has to know the family of
/// each open session.
///
/// [`Registry::families`] leads here. The registries of this crate have it.
///
/// # Contract
///
/// - [`Registry::end_if_opened`] ends the family of each open session that it ends, in the same step. It does not
///   return the family. The family's end is remembered for as long as the longest session could last that is open.
/// - [`Registry::end`] of a session ends the session alone. What is known of its family goes with its entry.
/// - Neither a family nor its end is needed to open a session: a session opens even if its family has ended.
pub trait SessionFamilies: fmt::Debug + Send + Sync {
    /// The same as [`Registry::open`], for a session of a family. If the session is open already, it is of this
    /// family from now on.
    ///
    /// # Errors
    /// As those of [`Registry::open`].
    fn open_in(
        &self,
        family: SessionId,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened>;
}
