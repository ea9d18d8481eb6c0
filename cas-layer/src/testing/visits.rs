//! Where a browser goes once it is signed out, and what it visits before.

use std::collections::VecDeque;

use axum::response::Response;
use url::Url;

use super::{pages, params::Params, quirks::Quirks, random::NoRandomness, service};

/// Where a browser goes once it is signed out.
pub(super) enum Onward {
    Service(String),
    /// Nowhere: a page, with a link to this URL rather than a redirect, as CAS 2 has it (2.3.1).
    Page(Option<String>),
}

impl Onward {
    pub(super) fn of(params: &Params, quirks: &Quirks) -> Self {
        let service = params
            .get("service")
            .filter(|service| service::acceptable(service, quirks));
        let url = params.get("url").filter(|url| service::is_http_url(url));
        match service {
            Some(service) => Self::Service(service.to_owned()),
            None => Self::Page(url.map(str::to_owned)),
        }
    }

    pub(super) fn answer(&self) -> Result<Response, NoRandomness> {
        match self {
            Self::Service(service) => Ok(pages::redirect(service)),
            Self::Page(url) => pages::signed_out(url.as_deref(), None),
        }
    }
}

/// The services that a browser still has to visit with a logout request, and where it goes then.
pub(super) struct Visits {
    pub(super) left: VecDeque<Url>,
    pub(super) onward: Onward,
}
