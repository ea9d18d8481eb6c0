//! The addresses of an app: service URLs, which come back from the CAS server, and links that lead to a sign-in or out.

mod codec;
pub(crate) mod in_place;
mod links;
mod mark;
mod shown;
mod tickets;

pub(crate) use codec::{ARTIFACT, LoginKind, LoginQuery, NoTicket, TICKET, is_worth_naming, trip};
pub(crate) use links::{Unclaimed, kin, retry_link};
pub(crate) use mark::Salt;
pub(crate) use shown::shown_page;
pub(crate) use tickets::{clean, without_tickets};
