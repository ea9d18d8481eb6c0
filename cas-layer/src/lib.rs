//! CAS single sign-on for every Rust web service, as one tower layer.

mod attributes;
mod client;
mod error;
mod protocol;
#[cfg(feature = "testing")]
pub mod testing;

pub use attributes::Attributes;
pub use client::{CasClient, CasClientBuilder, ValidationError, ValidationErrorKind};
pub use error::ConfigError;
pub use protocol::{
    Authentication, InvalidServiceUrl, InvalidTicket, LogoutParameter, Protocol, ServiceTicket,
    ServiceUrl, UnknownProtocol,
};
