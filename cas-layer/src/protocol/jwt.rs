//! Service tickets that are JSON web tokens: who is named in them, if a key says that the CAS server made them (RFC 7515,
//! 7516, 7518, 7519).
//!
//! Apereo CAS wraps in one of two orders: it encrypts, and signs what comes out of that (its default), or it signs, and
//! encrypts the signed token. Both are read. Which algorithms count is said by the keys, and never by a token.

mod claims;
mod content;
mod header;
mod keys;
mod token;

#[cfg(test)]
mod tests;

pub use self::keys::{JwtContentKey, JwtKey};
pub(crate) use self::{
    claims::{Claims, Expected},
    token::TokenKeys,
};

/// Why a token does not count. It has no part of the token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) &'static str);

/// How far the clocks of this machine and of the CAS server may differ, in seconds.
const LEEWAY: u64 = 30;
/// How long after its issue a token counts at most, in seconds. Apereo CAS lets it expire only with the session there,
/// after hours, and a ticket is needed for moments.
const MAX_AGE: u64 = 10 * 60;
