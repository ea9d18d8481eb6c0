//! The session: what the cookie carries, how it is sealed, and how it is read back.
//!
//! The cookie *is* the session. Nothing about a signed-in visitor is kept on the server, save that
//! the [registry](crate::MemoryRegistry) remembers which sessions have ended.

mod binding;
mod cookie;
mod id;
mod key;
mod payload;
mod seal;

pub(crate) use binding::{Binding, BindingCookie, LoginValue};
pub(crate) use cookie::{CookieShape, MAX_COOKIE_BYTES, SessionCookie};
pub use id::SessionId;
pub use key::Key;
pub(crate) use payload::SessionData;
pub(crate) use seal::{Purpose, Sealer};
