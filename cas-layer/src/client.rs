//! The CAS protocol over HTTPS.

mod builder;
mod cas_client;
mod connections;
mod dns;
mod error;
mod fetch;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "jwt")]
mod jwt_ticket;
mod node_post;
mod nodes;
mod proxies;
mod proxy_error;
mod proxy_ticket;
mod rest;
mod rest_error;
#[cfg(feature = "released-secrets")]
mod service_keys;
mod sources;
mod validate;

#[cfg(test)]
mod tests;

pub use builder::CasClientBuilder;
pub use cas_client::CasClient;
pub use error::{ValidationError, ValidationErrorKind};
#[cfg(feature = "jwt")]
pub use jwt::JwtTickets;
#[cfg(feature = "jwt")]
pub(crate) use jwt_ticket::TicketInside;
pub(crate) use nodes::NodeChange;
pub use proxy_error::{ProxyTicketError, ProxyTicketErrorKind};
pub use rest_error::{RestError, RestErrorKind};
pub(crate) use sources::sources_of;
pub(crate) use validate::{Demand, GrantWish};

impl CasClient {
    /// A client of the CAS server whose login page is at `cas_url` + `/login`.
    pub fn builder(cas_url: impl Into<String>) -> CasClientBuilder {
        CasClientBuilder::new(cas_url.into())
    }
}
