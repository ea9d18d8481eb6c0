//! Links of an app, which depend on where the tickets of a layer come back.

use form_urlencoded::byte_serialize;
use http::{HeaderValue, Uri};

use super::{
    codec::{LoginKind, LoginQuery, is_worth_naming},
    in_place,
    mark::Mark,
};
use crate::{
    app::Host,
    clock::UnixSeconds,
    paths::ReturnPath,
    protocol::ServiceUrl,
    session::{Binding, LoginValue, MAX_AGE, Trip},
    user::Place,
};

/// Why a visitor comes back from no login of their browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclaimed {
    /// The browser's cookie knows nothing of it.
    Unknown,
    /// It began too long ago, or too far ahead.
    OutOfTime { begun_at: UnixSeconds },
}

impl Place {
    /// Whether the CAS server is asked to have tickets posted here. Then the login cookie has to come with a form of
    /// another site.
    pub(crate) fn takes_posts(self, host: &Host) -> bool {
        self == Self::Endpoint && host.app.sign_in.is_by_post
    }

    /// The `Set-Cookie` value for a browser's logins. Without logins, it removes the cookie.
    pub(crate) fn login_cookie(
        self,
        host: &Host,
        binding: &Binding,
        now: UnixSeconds,
    ) -> Option<HeaderValue> {
        let cookie = &host.binding_cookie;
        cookie.write(binding, self.takes_posts(host), now)
    }

    /// The same, but the cookie stays in any case.
    pub(crate) fn kept_login_cookie(
        self,
        host: &Host,
        binding: &Binding,
        now: UnixSeconds,
    ) -> Option<HeaderValue> {
        let cookie = &host.binding_cookie;
        cookie.keep(binding, self.takes_posts(host), now)
    }

    /// Finds the login that this visitor comes back from. What their browser's binding says of it is taken out. With
    /// a bare service URL, adds to `query` what the URL does not say.
    pub(crate) fn claim(
        self,
        host: &Host,
        uri: &Uri,
        (binding, query): (&mut Binding, &mut LoginQuery),
        now: UnixSeconds,
    ) -> Result<LoginValue, Unclaimed> {
        if host.app.sign_in.is_bare {
            let claimed = self.claim_trip(host, uri, binding, query);
            return claimed.ok_or(Unclaimed::Unknown);
        }
        let Some(mark) = query.tag.as_deref().and_then(Mark::parse) else {
            let begun_earlier = binding.take(|value| self.tag_matches(host, value, query));
            return begun_earlier.ok_or(Unclaimed::Unknown);
        };
        let mut secrets = binding.secrets_of(mark.begun_at);
        if !secrets.any(|secret| self.is_marked(host, secret, query, &mark)) {
            return Err(Unclaimed::Unknown);
        }
        if now.abs_diff(mark.begun_at) >= MAX_AGE {
            return Err(Unclaimed::OutOfTime {
                begun_at: mark.begun_at,
            });
        }
        Ok(mark.hash)
    }

    fn claim_trip(
        self,
        host: &Host,
        uri: &Uri,
        binding: &mut Binding,
        query: &mut LoginQuery,
    ) -> Option<LoginValue> {
        match self {
            Self::Endpoint => {
                let (value, trip) = binding.take_newest_trip(|_| true)?;
                query.of_trip(&trip);
                query.next = query.next.take().filter(|next| is_worth_naming(next, host));
                Some(value)
            }
            Self::Page | Self::Request => {
                let leads_here = |trip: &Trip| in_place::is_callback(host, trip, uri);
                let (value, trip) = binding.take_newest_trip(leads_here)?;
                query.of_trip(&trip);
                Some(value)
            }
        }
    }

    /// What the login says that comes back with this address, if it is one that we made and no ticket is expected
    /// here: a reverse proxy changes paths in a way that the app was not told of.
    pub(crate) fn misplaced(self, host: &Host, uri: &Uri) -> Option<LoginQuery> {
        let query = uri.query().filter(|_| self == Self::Endpoint)?;
        let read = LoginQuery::parse(Some(query), host);
        let is_ours = if host.app.sign_in.is_bare {
            let (path, login) = (uri.path(), &host.app.endpoints.login);
            path.ends_with(login) || host.url.public_path(login).ends_with(path)
        } else {
            read.tag.as_deref().and_then(Mark::parse).is_some()
        };
        let has_ticket = matches!(read.ticket(), Some(Ok(_)));
        (is_ours && has_ticket).then_some(read)
    }

    /// The public path where a visitor signs in, for a link.
    pub(crate) fn login_link(self, host: &Host, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => login_link(host, next),
            Self::Page | Self::Request => host.destination(next),
        }
    }

    /// Where a login of this kind begins again, by `GET`, unless the visitor is signed in by then.
    pub(crate) fn again(
        self,
        host: &Host,
        next: Option<&ReturnPath>,
        kind: LoginKind,
    ) -> Option<String> {
        match self {
            Self::Endpoint => Some(retry_link(host, next, kind)),
            // What is no mark belongs to no login, but tells this address from one of the app's own.
            Self::Page | Self::Request => {
                let url = self.service_url(host, next, kind, "again").ok()?;
                Some(url.as_str().to_owned())
            }
        }
    }

    /// The same for a visitor who has to give their credentials, signed in or not.
    pub(crate) fn renewal_link(self, host: &Host, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => with_parameter(login_link(host, next), "renew=true"),
            Self::Page | Self::Request => host.destination(next),
        }
    }

    /// The public path for a visitor's answer to the question whether a sign-in that leads to `next` is theirs.
    pub(crate) fn confirmation_path(self, host: &Host, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => host.url.public_path(&host.app.endpoints.login),
            Self::Page | Self::Request => in_place::confirmation_path(host, next),
        }
    }

    /// The URL where a visitor signs in, for a program to show, if there is any.
    pub(crate) fn login_url(
        self,
        host: &Host,
        next: Option<&ReturnPath>,
        is_renewal: bool,
    ) -> Option<String> {
        match self {
            Self::Endpoint => {
                let mut url = host.url.join(&host.app.endpoints.login);
                if is_renewal {
                    url.push_str("?renew=true");
                }
                Some(url)
            }
            Self::Page => Some(host.url.join(next.unwrap_or(&host.app.landing).as_str())),
            Self::Request => None,
        }
    }

    /// Where a visitor signs out if this app does not admit them.
    pub(crate) fn logout_link(self, host: &Host) -> String {
        match self {
            Self::Endpoint => host.url.public_path(&host.app.endpoints.logout),
            Self::Page | Self::Request => at_the_cas_server(host),
        }
    }

    /// Where a visitor goes after their session has ended here.
    pub(crate) fn after_sign_out(self, host: &Host) -> String {
        match (self, host.app.sign_out.is_local) {
            (Self::Endpoint, true) => host.url.public_path(&host.app.endpoints.logout_callback),
            (Self::Endpoint, false) => host.client.logout_url(Some(&host.logged_out_url)),
            (Self::Page | Self::Request, true) => {
                host.url.public_path(signed_out_page(host).as_str())
            }
            (Self::Page | Self::Request, false) => at_the_cas_server(host),
        }
    }
}

/// The login endpoint's public path with a return path in it, for a link.
fn login_link(host: &Host, next: Option<&ReturnPath>) -> String {
    let link = host.url.public_path(&host.app.endpoints.login);
    match next {
        None => link,
        Some(next) => {
            let next: String = byte_serialize(next.as_str().as_bytes()).collect();
            with_parameter(link, &format!("next={next}"))
        }
    }
}

/// Where a login of this kind begins again, by `GET`.
pub(crate) fn retry_link(host: &Host, next: Option<&ReturnPath>, kind: LoginKind) -> String {
    let mut link = login_link(host, next);
    if kind.is_renewed {
        link = with_parameter(link, "r=1");
    }
    if kind.round > 0 {
        link = with_parameter(link, &format!("round={}", kind.round));
    }
    if kind.refusals > 0 {
        link = with_parameter(link, &format!("again={}", kind.refusals));
    }
    with_parameter(link, &format!("try={}", kind.tries))
}

fn with_parameter(mut link: String, parameter: &str) -> String {
    link.push(if link.contains('?') { '&' } else { '?' });
    link.push_str(parameter);
    link
}

fn signed_out_page(host: &Host) -> &ReturnPath {
    host.app.after_logout.as_ref().unwrap_or(&host.app.landing)
}

/// The CAS server's logout. It sends the visitor on to a page of this app, unless CAS servers would not accept that
/// page's URL.
fn at_the_cas_server(host: &Host) -> String {
    let page = host.url.join(signed_out_page(host).as_str());
    let page = ServiceUrl::parse(page).ok();
    host.client.logout_url(page.as_ref())
}
