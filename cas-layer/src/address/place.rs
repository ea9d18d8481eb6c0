//! Where the tickets of a layer come back, and what follows for its URLs.

use http::{HeaderValue, Uri};

use super::{
    endpoint::{self, LoginKind, LoginQuery},
    in_place,
};
use crate::{
    app::Shared,
    paths::ReturnPath,
    protocol::{InvalidServiceUrl, ServiceUrl},
    session::{Binding, LoginValue, Trip},
    user::Place,
};

impl Place {
    /// Whether the CAS server is asked to have tickets posted here: then the login cookie has to come with a form of
    /// another site.
    pub(crate) fn takes_posts(self, shared: &Shared) -> bool {
        self == Self::Endpoint && shared.sign_in.is_by_post
    }

    /// The `Set-Cookie` value for a browser's logins; with none left the cookie goes.
    pub(crate) fn login_cookie(self, shared: &Shared, binding: &Binding) -> Option<HeaderValue> {
        let cookie = &shared.binding_cookie;
        cookie.write(binding, self.takes_posts(shared))
    }

    /// The same, but the cookie stays in any case.
    pub(crate) fn kept_login_cookie(
        self,
        shared: &Shared,
        binding: &Binding,
    ) -> Option<HeaderValue> {
        let cookie = &shared.binding_cookie;
        cookie.keep(binding, self.takes_posts(shared))
    }

    /// The tag of a login: a keyed hash over its value, its return path and its kind.
    pub(crate) fn tag(
        self,
        shared: &Shared,
        value: &LoginValue,
        next: Option<&ReturnPath>,
        kind: LoginKind,
    ) -> String {
        match self {
            Self::Endpoint => endpoint::tag(shared, value, next, kind),
            Self::Page | Self::Request => in_place::tag(shared, value, next, kind),
        }
    }

    /// Whether the tag of `query` belongs to the login of this value.
    pub(crate) fn tag_matches(
        self,
        shared: &Shared,
        value: &LoginValue,
        query: &LoginQuery,
    ) -> bool {
        match self {
            Self::Endpoint => endpoint::tag_matches(shared, value, query),
            Self::Page | Self::Request => in_place::tag_matches(shared, value, query),
        }
    }

    /// The service URL of a login, the same byte for byte whenever it is computed.
    pub(crate) fn service_url(
        self,
        shared: &Shared,
        next: Option<&ReturnPath>,
        kind: LoginKind,
        tag: &str,
    ) -> Result<ServiceUrl, InvalidServiceUrl> {
        match self {
            Self::Endpoint => endpoint::service_url(shared, next, kind, tag),
            Self::Page | Self::Request => in_place::service_url(shared, next, kind, tag),
        }
    }

    /// Takes the login that this visitor comes back from out of their browser's binding, and says which it
    /// was, if there was one. With a bare service URL, `query` gets from it what the URL does not say.
    pub(crate) fn claim(
        self,
        shared: &Shared,
        uri: &Uri,
        binding: &mut Binding,
        query: &mut LoginQuery,
    ) -> Option<LoginValue> {
        if !shared.sign_in.is_bare {
            return binding.take(|value| self.tag_matches(shared, value, query));
        }
        match self {
            Self::Endpoint => {
                let (value, trip) = binding.take_newest_trip(|_| true)?;
                query.of_trip(trip, shared);
                Some(value)
            }
            Self::Page | Self::Request => {
                let leads_here = |trip: &Trip| in_place::is_callback(shared, trip, uri);
                let (value, trip) = binding.take_newest_trip(leads_here)?;
                in_place::of_trip(query, &trip);
                Some(value)
            }
        }
    }

    /// The public path where a visitor signs in, for a link.
    pub(crate) fn login_link(self, shared: &Shared, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => endpoint::login_link(shared, next),
            Self::Page | Self::Request => shared.destination(next),
        }
    }

    /// The same for a visitor who has to give their credentials, signed in or not.
    pub(crate) fn renewal_link(self, shared: &Shared, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => endpoint::renewal_link(shared, next),
            Self::Page | Self::Request => shared.destination(next),
        }
    }

    /// The public path where the answer goes of a visitor who is asked whether a sign-in that leads to `next` is theirs.
    pub(crate) fn confirmation_path(self, shared: &Shared, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => shared.app.public_path(&shared.endpoints.login),
            Self::Page | Self::Request => in_place::confirmation_path(shared, next),
        }
    }

    /// The URL where a visitor signs in, for a program to show, if there is any.
    pub(crate) fn login_url(
        self,
        shared: &Shared,
        next: Option<&ReturnPath>,
        is_renewal: bool,
    ) -> Option<String> {
        match self {
            Self::Endpoint => {
                let mut url = shared.app.join(&shared.endpoints.login);
                if is_renewal {
                    url.push_str("?renew=true");
                }
                Some(url)
            }
            Self::Page => Some(shared.app.join(next.unwrap_or(&shared.landing).as_str())),
            Self::Request => None,
        }
    }

    /// Where a visitor signs out whom this app does not admit.
    pub(crate) fn logout_link(self, shared: &Shared) -> String {
        match self {
            Self::Endpoint => shared.app.public_path(&shared.endpoints.logout),
            Self::Page | Self::Request => at_the_cas_server(shared),
        }
    }

    /// Where a visitor goes whose session has ended here.
    pub(crate) fn after_sign_out(self, shared: &Shared) -> String {
        match (self, shared.sign_out.is_local) {
            (Self::Endpoint, true) => shared.app.public_path(&shared.endpoints.logout_callback),
            (Self::Endpoint, false) => shared.client.logout_url(Some(&shared.logged_out_url)),
            (Self::Page | Self::Request, true) => {
                shared.app.public_path(signed_out_page(shared).as_str())
            }
            (Self::Page | Self::Request, false) => at_the_cas_server(shared),
        }
    }
}

fn signed_out_page(shared: &Shared) -> &ReturnPath {
    shared.after_logout.as_ref().unwrap_or(&shared.landing)
}

/// The CAS server's logout, which sends the visitor on to a page of this app, unless no CAS server would take
/// its URL.
fn at_the_cas_server(shared: &Shared) -> String {
    let page = shared.app.join(signed_out_page(shared).as_str());
    let page = ServiceUrl::parse(page).ok();
    shared.client.logout_url(page.as_ref())
}
