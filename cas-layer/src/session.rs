//! The session: what the cookie carries, how it is sealed, and how it is read back.
//!
//! The cookie *is* the session. The [registry](crate::MemoryRegistry) remembers which sessions have ended, and keeps
//! the attributes that do not fit into a cookie.

mod admit;
mod attributes;
mod binding;
mod confirmation;
mod content;
mod cookie;
mod encryption;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod id;
mod key;
mod lifetimes;
mod looked_up;
#[cfg(feature = "testing")]
mod made_up;
mod new_session;
mod packing;
mod payload;
mod place;
mod rejected;
mod rounds;
mod seal;
mod secrets;
mod subkey;
mod too_large;
mod trip;
mod verified;
mod wire;

pub(crate) use admit::Admit;
pub use admit::NotAdmitted;
pub(crate) use attributes::kept::parse as parse_kept_attributes;
#[cfg(fuzzing)]
pub(crate) use binding::fuzzing as binding_fuzzing;
pub(crate) use binding::{Binding, BindingCookie, MAX_AGE, Remembered, Shown};
pub(crate) use confirmation::{Confirmations, Unconfirmed, WAIT};
pub(crate) use content::Content;
pub use content::UserName;
pub(crate) use cookie::{
    COOKIE_BUDGET, CookieShape, MAX_COOKIE_BYTES, NoCookie, SessionCookie, remove_cookies,
};
pub(crate) use encryption::Encrypter;
pub(crate) use id::LoginValue;
pub use id::SessionId;
pub use key::Key;
pub(crate) use lifetimes::Lifetimes;
pub(crate) use looked_up::LookedUp;
pub use new_session::{NewSession, Veto};
pub(crate) use packing::MAX_UNPACKED as MAX_ATTRIBUTES;
pub(crate) use payload::{Identity, SessionData};
pub use place::SessionPlace;
pub(crate) use rejected::Rejected;
pub(crate) use rounds::RoundsCookie;
pub(crate) use seal::Sealer;
pub(crate) use subkey::Purpose;
pub(crate) use too_large::TooLarge;
pub(crate) use trip::{Trip, TripKind};
pub(crate) use verified::{DEFAULT_BYTES as VERIFIED_BYTES, VerifiedCookies, VerifiedHere};
pub(crate) use wire::{encoded, whole};

#[cfg(test)]
pub(crate) use payload::tests::{identity as sample_identity, session as sample_session};
