//! What the fuzz targets call where the public items do not reach. Only cargo-fuzz builds it, as it sets `cfg(fuzzing)`.
//!
//! There is one function for each target, and a few that a target compares something with. Each takes what strangers
//! send, and panics if the crate breaks a promise about it. What needs private items is beside them.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is what a fuzz target reports"
)]

mod addresses;
mod logout_request;
mod proxy_chain;

pub use addresses::{return_path, service_url};
pub use logout_request::logout_request;
pub use proxy_chain::proxy_chain;

#[cfg(feature = "file")]
pub use crate::registry::file::fuzzing::registry_file;
#[cfg(feature = "redis")]
pub use crate::registry::redis::fuzzing::redis_answers;
pub use crate::{
    protocol::response_fuzzing::{saml_response, service_response},
    session::{
        binding_fuzzing::login_cookie,
        fuzzing::{cookie_fields, session_cookie},
    },
};

/// The decoded path, if a rule can be about it.
#[must_use]
pub fn canonical_path(path: &str) -> Option<String> {
    crate::paths::canonical(path).map(Into::into)
}
