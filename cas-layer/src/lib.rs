//! CAS single sign-on for every Rust web service, as one tower layer.

mod attributes;
mod client;
mod error;
mod protocol;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::ConfigError;
