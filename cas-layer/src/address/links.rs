//! Links of an app, which depend on where the tickets of a layer come back.

use form_urlencoded::byte_serialize;
use http::{HeaderValue, Uri};

use super::{
    codec::{LoginKind, LoginQuery, is_worth_naming},
    in_place,
    mark::{Mark, Salt},
    tickets::has_ticket,
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

/// A login that a visitor comes back from.
pub(crate) struct Claimed {
    pub(crate) login: LoginValue,
    /// When it began, if its service URL is good for more than one ticket.
    pub(crate) begun_at: Option<UnixSeconds>,
    /// What all logins have in common that share a secret of their browser. It does not reveal the secret.
    pub(crate) kin: Option<LoginValue>,
}

impl Claimed {
    fn once(login: LoginValue) -> Self {
        Self {
            login,
            begun_at: None,
            kin: None,
        }
    }
}

/// In seconds.
const DAY: UnixSeconds = 24 * 3600;

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
    ) -> Result<Claimed, Unclaimed> {
        if host.app.sign_in.is_bare {
            let claimed = self.claim_trip(host, uri, binding, query);
            return claimed.map(Claimed::once).ok_or(Unclaimed::Unknown);
        }
        let Some(mark) = query.tag.as_deref().and_then(Mark::parse) else {
            let begun_earlier = binding.take(|value| self.tag_matches(host, value, query));
            return begun_earlier.map(Claimed::once).ok_or(Unclaimed::Unknown);
        };
        let secret = self.secret_behind(host, binding, query, &mark);
        let secret = secret.ok_or(Unclaimed::Unknown)?;
        if now.abs_diff(mark.begun_at) >= MAX_AGE {
            return Err(Unclaimed::OutOfTime {
                begun_at: mark.begun_at,
            });
        }
        Ok(Claimed {
            login: mark.hash,
            begun_at: Some(mark.begun_at),
            kin: Some(kin(host, secret)),
        })
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
    pub(crate) fn misplaced(self, host: &Host, uri: &Uri, now: UnixSeconds) -> Option<LoginQuery> {
        let query = uri.query().filter(|_| self == Self::Endpoint)?;
        let read = LoginQuery::parse(Some(query), host);
        let is_ours = if host.app.sign_in.is_bare {
            let (path, login) = (uri.path(), &host.app.endpoints.login);
            path.ends_with(login) || host.url.public_path(login).ends_with(path)
        } else {
            let mark = read.tag.as_deref().and_then(Mark::parse);
            // Other texts of this length have other times.
            mark.is_some_and(|mark| now.abs_diff(mark.begun_at) < DAY)
        };
        let has_ticket = has_ticket(host, query);
        (is_ours && has_ticket).then_some(read)
    }

    /// The public path where a visitor signs in, for a link.
    pub(crate) fn login_link(self, host: &Host, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => login_link(host, next),
            Self::Page | Self::Request => host.destination(next),
        }
    }

    /// Where a login of this kind begins again, by `GET`. If the visitor is signed in by then, it does so only if it
    /// [insists](LoginKind::insists). Where it matters who wrote the link, it has a mark for the browser with this binding,
    /// so that it is [this app's](Self::is_own). `None` if there is no room for the kind in a link, or no mark.
    pub(crate) fn again(
        self,
        host: &Host,
        binding: &mut Binding,
        (next, kind): (Option<&ReturnPath>, LoginKind),
        now: UnixSeconds,
    ) -> Option<String> {
        let mut mark = None;
        if kind.is_ungranted || kind.goes_alone() {
            let (mut value, mut salt) = (LoginValue::default(), Salt::default());
            getrandom::fill(&mut value).ok()?;
            getrandom::fill(&mut salt).ok()?;
            let secret = binding.secret(value, now);
            mark = Some(self.mark(host, secret, (next, kind), salt, now));
        }
        match (self, mark.as_deref()) {
            (Self::Endpoint, None) => Some(retry_link(host, next, kind)),
            (Self::Endpoint, Some(mark)) => {
                let link = retry_link(host, next, kind);
                Some(with_parameter(link, &format!("b={mark}")))
            }
            (Self::Page | Self::Request, _) if host.app.sign_in.is_bare => None,
            // What is no mark belongs to no login, but tells this address from one of the app's own.
            (Self::Page | Self::Request, mark) => {
                let mark = mark.unwrap_or("again");
                let url = self.service_url(host, next, kind, mark).ok()?;
                Some(url.as_str().to_owned())
            }
        }
    }

    /// Whether this app wrote a link to a login like this, for the browser with this binding, within the time of a login.
    pub(crate) fn is_own(
        self,
        host: &Host,
        binding: &Binding,
        query: &LoginQuery,
        now: UnixSeconds,
    ) -> bool {
        let mark = query.tag.as_deref().and_then(Mark::parse);
        mark.is_some_and(|mark| {
            now.abs_diff(mark.begun_at) < MAX_AGE
                && self.secret_behind(host, binding, query, &mark).is_some()
        })
    }

    /// The secret of the browser with this binding that the mark of `query` was made with.
    fn secret_behind<'b>(
        self,
        host: &Host,
        binding: &'b Binding,
        query: &LoginQuery,
        mark: &Mark,
    ) -> Option<&'b LoginValue> {
        let mut secrets = binding.secrets_of(mark.begun_at);
        secrets.find(|secret| self.is_marked(host, secret, query, mark))
    }

    /// The same as [`login_link`](Self::login_link) for a visitor who has to give their credentials, signed in or not.
    pub(crate) fn renewal_link(self, host: &Host, next: Option<&ReturnPath>) -> String {
        match self {
            Self::Endpoint => with_parameter(login_link(host, next), "renew=true"),
            Self::Page | Self::Request => host.destination(next),
        }
    }

    /// Where somebody else than this visitor signs in: the CAS server asks for credentials, although they are signed in here
    /// or there. `None` if there is no room for that in a link.
    pub(crate) fn link_for_somebody_else(
        self,
        host: &Host,
        next: Option<&ReturnPath>,
    ) -> Option<String> {
        match self {
            Self::Endpoint => Some(self.renewal_link(host, next)),
            Self::Page => {
                // Only a login that begins again goes on although the visitor is signed in.
                let kind = LoginKind {
                    refusals: 1,
                    ..LoginKind::RENEWED
                };
                self.again(host, &mut Binding::default(), (next, kind), 0)
            }
            Self::Request => None,
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

/// What the logins with this secret have in common. No other tag has these two words.
pub(crate) fn kin(host: &Host, secret: &LoginValue) -> LoginValue {
    host.service_tag.hash(&[secret, b"browser", b"kin"])
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
    if kind.is_ungranted {
        link = with_parameter(link, "nopgt=1");
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
