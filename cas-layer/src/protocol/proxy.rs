//! Proxy authentication: one app calls another app in its user's name (CAS protocol 2.5.4, 2.6, 2.7, 3.2 to 3.4).

mod callback;
mod callback_url;
mod chain;
mod tickets;

pub use callback::{InvalidProxyCallback, ProxyCallback};
pub(crate) use callback_url::proxy_callback_url;
pub use chain::ProxyChain;
pub use tickets::{ProxyGrantingTicket, ProxyGrantingTicketIou, ProxyTicket};
