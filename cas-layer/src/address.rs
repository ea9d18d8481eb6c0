//! The addresses of an app: service URLs, which come back from the CAS server, and links that lead to a sign-in or out.

mod endpoint;
pub(crate) mod in_place;
mod place;

pub(crate) use endpoint::{
    ARTIFACT, LoginKind, LoginQuery, NoTicket, TICKET, is_worth_naming, retry_link, trip,
};
