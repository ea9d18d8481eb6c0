//! The public hosts of an app.

use std::sync::Arc;

use super::Host;
use crate::paths::Authority;

/// What the layer works with, for each public host. With one host, cloning it is as cheap as cloning an [`Arc`].
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    first: Arc<Host>,
    /// All of them, the first included, if there are several.
    several: Option<Arc<[Arc<Host>]>>,
}

impl Hosts {
    /// Tells each host the names of the cookies of all.
    pub(crate) fn new(mut first: Host, mut others: Vec<Host>) -> Self {
        let all = std::iter::once(&first).chain(&others);
        let names = all.flat_map(|host| {
            let rounds = host.rounds_cookie.name();
            [
                host.session_cookie.name(),
                host.binding_cookie.name(),
                rounds,
            ]
        });
        let names: Arc<[String]> = names.map(str::to_owned).collect();
        for host in std::iter::once(&mut first).chain(&mut others) {
            host.own_cookies = Arc::clone(&names);
        }
        let first = Arc::new(first);
        let several = (!others.is_empty()).then(|| {
            std::iter::once(Arc::clone(&first))
                .chain(others.into_iter().map(Arc::new))
                .collect()
        });
        Self { first, several }
    }

    /// The host that the builder was begun with.
    pub(crate) fn first(&self) -> &Arc<Host> {
        &self.first
    }

    /// The host, if there is only one.
    pub(crate) fn only(&self) -> Option<&Arc<Host>> {
        self.several.is_none().then_some(&self.first)
    }

    /// The host that a request for `authority` is for.
    pub(crate) fn at(&self, authority: &Authority<'_>) -> Option<&Arc<Host>> {
        self.iter().find(|host| host.url.is_at(authority))
    }

    /// A host whose visitors sign in at this CAS server; its URL is normalised.
    pub(crate) fn with_cas_server(&self, cas_url: &str) -> Option<&Arc<Host>> {
        self.iter().find(|host| host.client.url() == cas_url)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<Host>> {
        match &self.several {
            Some(several) => several.iter(),
            None => std::slice::from_ref(&self.first).iter(),
        }
    }
}
