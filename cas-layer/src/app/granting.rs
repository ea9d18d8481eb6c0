//! How the app gets proxy-granting tickets, and where it keeps them.

use std::net::IpAddr;

use crate::admission::{Source, Sources};

#[derive(Debug)]
pub(crate) struct Granting {
    /// Without a list the callback may come from anywhere.
    sources: Option<Sources>,
    /// The CAS server brings tickets to the callback. Otherwise it releases them as attributes alone.
    pub(crate) by_callback: bool,
    /// In the registry rather than in the session cookie.
    pub(crate) in_registry: bool,
}

impl Granting {
    pub(crate) fn new(sources: Option<Sources>, by_callback: bool, in_registry: bool) -> Self {
        Self {
            sources,
            by_callback,
            in_registry,
        }
    }

    /// What the list says of a request from `address`.
    pub(crate) fn source(&self, address: Option<IpAddr>) -> Source {
        self.sources
            .as_ref()
            .map_or(Source::Listed, |list| list.look_up(address))
    }
}
