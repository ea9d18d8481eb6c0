//! What comes of opening a session.

#[cfg(doc)]
use super::Registry;

/// The outcome of opening a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// The session is open.
    Live {
        /// A number that only grows from session to session, for [`Registry::end_all`]. It is kept in the
        /// cookie.
        number: u64,
    },
    /// A logout came first: nobody is signed in.
    Ended,
}
