//! CAS without I/O: tickets, service URLs, the URLs of a CAS server, and what its answers say.
//!
//! Pure functions over strings and bytes. No HTTP, no clock.

mod authentication;
mod document;
#[cfg(feature = "jwt")]
mod jwt;
mod login_page;
mod logout_request;
mod name;
mod proxy;
mod released;
mod response;
mod rest;
mod saml_request;
mod server_url;
mod service_url;
mod ticket;
mod version;

pub use authentication::Authentication;
#[cfg(feature = "jwt")]
pub(crate) use jwt::{Claims, Expected, Fault, TokenKeys};
#[cfg(feature = "jwt")]
pub use jwt::{JwtContentKey, JwtKey};
pub(crate) use login_page::LoginPage;
pub(crate) use logout_request::{InvalidLogoutRequest, LogoutRequest, is_form};
pub(crate) use name::check_user_name;
pub(crate) use proxy::proxy_callback_url;
pub use proxy::{
    InvalidProxyCallback, ProxyCallback, ProxyChain, ProxyGrantingTicket, ProxyGrantingTicketIou,
    ProxyTicket,
};
pub(crate) use released::Unreadable;
#[cfg(feature = "released-secrets")]
pub(crate) use released::{
    CREDENTIAL, GRANTING_TICKET, IOU, Released, credential as released_credential,
    granting_ticket as released_granting_ticket,
};
#[cfg(fuzzing)]
pub(crate) use response::fuzzing as response_fuzzing;
pub(crate) use response::{
    Received, Refusal, ResponseError, SamlExpectation, Unmet, parse_proxy_response,
    parse_saml_response, parse_service_response, parse_text_response,
};
pub use rest::{Password, TicketGrantingTicket};
pub(crate) use rest::{form, names_a_user, service_ticket_in};
pub(crate) use saml_request::SamlRequest;
pub use server_url::{LoginMode, LogoutParameter};
pub(crate) use server_url::{ServerPaths, ServerUrl, Validation};
pub use service_url::{InvalidServiceUrl, ServiceUrl};
pub use ticket::{InvalidTicket, ServiceTicket};
pub use version::{Protocol, ResponseFormat, UnknownProtocol};
