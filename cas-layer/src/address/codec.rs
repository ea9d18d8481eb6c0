//! The service URL. One codec writes it and reads it back, with a table of names for each place where tickets come
//! back.
//!
//! It is computed from the configuration and our own parameters, never from the request's host. Its
//! parameters are in alphabetical order and use characters that no server was seen to rewrite; what a
//! server rewrites nevertheless is undone by reading the decoded values and writing them again.

use std::borrow::Cow;

use form_urlencoded::{byte_serialize, parse};

use super::mark::{Mark, Salt};
use crate::{
    app::Host,
    client::{Demand, GrantWish},
    clock::UnixSeconds,
    language_tag::LanguageTag,
    paths::{ReturnPath, canonical},
    protocol::{InvalidServiceUrl, LoginMode, LoginPage, Protocol, ServiceTicket, ServiceUrl},
    session::{LoginValue, Trip, TripKind},
    user::Place,
};

/// The names of our parameters.
struct Names {
    gateway: &'static str,
    tag: &'static str,
    /// Where to go after sign-in, as it is. In place that is the path of the URL.
    next: Option<&'static str>,
    /// The same as base64url.
    next_encoded: &'static str,
    renew: &'static str,
    refusals: &'static str,
    round: &'static str,
    tries: &'static str,
    ungranted: &'static str,
    /// Never part of a service URL: a user asks to sign in with their credentials.
    wants_renewal: Option<&'static str>,
    /// Nor are these: what a link asks of the CAS server's login page. Another site can write the link, so they count
    /// only if the app lets links say that.
    locale: Option<&'static str>,
    remembers: Option<&'static str>,
}

const AT_ENDPOINT: Names = Names {
    gateway: "g",
    tag: "b",
    next: Some("next"),
    next_encoded: "next64",
    renew: "r",
    refusals: "again",
    round: "round",
    tries: "try",
    ungranted: "nopgt",
    wants_renewal: Some("renew"),
    locale: Some(LoginPage::LOCALE),
    remembers: Some(LoginPage::REMEMBER_ME),
};

/// They stand among the app's own parameters, and must not be mistaken for those.
const IN_PLACE: Names = Names {
    gateway: "cas_gateway",
    tag: "cas_login",
    next: None,
    next_encoded: "cas_next",
    renew: "cas_renew",
    refusals: "cas_again",
    round: "cas_round",
    tries: "cas_try",
    ungranted: "cas_nopgt",
    wants_renewal: None,
    locale: None,
    remembers: None,
};

pub(crate) const TICKET: &str = "ticket";
/// The name of a ticket with SAML 1.1, on servers that were sent a `TARGET`.
pub(crate) const ARTIFACT: &str = "SAMLart";

/// The longest return path that a login cookie holds, in bytes: with a bare service URL it holds up to five.
const MAX_KEPT: usize = 256;

/// A plain path of more bytes is encoded if it has many slashes.
const MANY_SLASHES: usize = 900;

/// The kind of login that a service URL belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoginKind {
    /// How often it has begun again because its ticket did not come with the cookie of the login.
    pub(crate) tries: u8,
    /// How often it has begun again because the CAS server refused its ticket.
    pub(crate) refusals: u8,
    /// The number of the round, if something went wrong in an earlier one, or now; else 0.
    pub(crate) round: u8,
    /// The user has to give their credentials.
    pub(crate) is_renewed: bool,
    /// The user is asked for nothing, and may come back without a ticket.
    pub(crate) is_gateway: bool,
    /// No proxy-granting ticket is asked for: the CAS server has just refused a ticket because of the proxy callback.
    pub(crate) is_ungranted: bool,
}

impl LoginKind {
    /// A login for which the user has to give their credentials.
    pub(crate) const RENEWED: Self = Self {
        tries: 0,
        refusals: 0,
        round: 0,
        is_renewed: true,
        is_gateway: false,
        is_ungranted: false,
    };

    /// Whether a login has begun again by itself, and goes on although the visitor is signed in: they have to give their
    /// credentials in any case, and at the page they would begin another login, and another count.
    pub(crate) fn insists(self) -> bool {
        self.is_renewed && self.is_again()
    }

    /// Whether it has begun again because of what the CAS server said of its ticket.
    pub(crate) fn is_again(self) -> bool {
        self.refusals > 0 || self.is_ungranted
    }

    /// What the validation of its ticket asks for.
    pub(crate) fn demand(self) -> Demand {
        Demand {
            is_renewed: self.is_renewed,
            grant: if self.is_ungranted {
                GrantWish::GivenUp
            } else {
                GrantWish::Asked
            },
        }
    }

    /// Whether other tabs of the browser seem to be in the way of this login, so that it waits for its turn.
    pub(crate) fn goes_alone(self) -> bool {
        self.refusals > 1
    }

    pub(crate) fn mode(self) -> LoginMode {
        if self.is_renewed {
            LoginMode::Renew
        } else if self.is_gateway {
            LoginMode::Gateway
        } else {
            LoginMode::Normal
        }
    }

    /// For the hash in a mark.
    fn bytes(self) -> [u8; 4] {
        let flags = u8::from(self.is_renewed) << 1
            | u8::from(self.is_gateway) << 2
            | u8::from(self.is_ungranted) << 3;
        [flags, self.tries, self.round, self.refusals]
    }

    /// For the tag of an older release, which knew no more than one retry.
    fn bits(self) -> [u8; 1] {
        let [flags, ..] = self.bytes();
        [u8::from(self.tries > 0) | flags]
    }
}

/// What a query says about a login.
#[derive(Debug, Default)]
pub(crate) struct LoginQuery {
    /// Where to go after sign-in; `None` stands for the landing path.
    pub(crate) next: Option<ReturnPath>,
    /// The mark of the login, as text. With a URL of an older release, a keyed hash alone.
    pub(crate) tag: Option<String>,
    pub(crate) kind: LoginKind,
    /// Whether a user asks to sign in with their credentials, signed in or not.
    pub(crate) wants_renewal: bool,
    /// What a link asks of the CAS server's login page, as far as the app lets links do so.
    pub(crate) page: LoginPage,
    /// The last one applies: a server may have put its own behind an earlier one.
    pub(super) ticket: Option<String>,
    /// With SAML 1.1 only. The last one applies.
    pub(super) artifact: Option<String>,
}

/// The text that came back as a ticket cannot be one.
#[derive(Debug)]
pub(crate) struct NoTicket;

impl Names {
    fn of(place: Place) -> &'static Self {
        match place {
            Place::Endpoint => &AT_ENDPOINT,
            Place::Page | Place::Request => &IN_PLACE,
        }
    }

    /// Without a parameter for it, the login leads to `next`.
    fn read(&self, query: &str, next: Option<ReturnPath>, host: &Host) -> LoginQuery {
        let mut read = LoginQuery {
            next,
            ..LoginQuery::default()
        };
        let links = host.app.login_page.links;
        for (name, value) in parse(query.as_bytes()) {
            let name = &*name;
            if name == TICKET {
                read.ticket = Some(value.into_owned());
            } else if name == ARTIFACT && is_saml(host) {
                read.artifact = Some(value.into_owned());
            } else if name == self.tag {
                read.tag = Some(value.into_owned());
            } else if Some(name) == self.next {
                read.next = ReturnPath::parse(&value);
            } else if name == self.next_encoded {
                read.next = ReturnPath::parse_encoded(&value);
            } else if name == self.tries {
                read.kind.tries = read_count(&value);
            } else if name == self.refusals {
                read.kind.refusals = read_count(&value);
            } else if name == self.round {
                read.kind.round = read_count(&value);
            } else if name == self.renew {
                read.kind.is_renewed = value == "1";
            } else if name == self.gateway {
                read.kind.is_gateway = value == "1";
            } else if name == self.ungranted {
                read.kind.is_ungranted = value == "1";
            } else if Some(name) == self.wants_renewal {
                read.wants_renewal = value == "true";
            } else if Some(name) == self.locale && links.choose_locale {
                read.page.locale = LanguageTag::parse(&value);
            } else if Some(name) == self.remembers && links.remember {
                read.page.remembers = value == "true";
            }
        }
        read
    }

    /// The query that is [read](Self::read) as this.
    fn write(&self, tag: &str, next: Option<&ReturnPath>, kind: LoginKind) -> String {
        // A tag that came back from the network may hold anything.
        let tag: String = byte_serialize(tag.as_bytes()).collect();
        let mut parameters = vec![(self.tag, Cow::Owned(tag))];
        parameters.extend(next.map(|next| match self.next {
            Some(name) if next.is_plain() && is_shorter_plain(next) => {
                (name, Cow::Borrowed(next.as_str()))
            }
            _ => (self.next_encoded, Cow::Owned(next.encoded())),
        }));
        let kinds = [
            (self.gateway, u8::from(kind.is_gateway)),
            (self.renew, u8::from(kind.is_renewed)),
            (self.refusals, kind.refusals),
            (self.round, kind.round),
            (self.tries, kind.tries),
            (self.ungranted, u8::from(kind.is_ungranted)),
        ];
        let set = kinds.into_iter().filter(|(_, value)| *value > 0);
        parameters.extend(set.map(|(name, value)| (name, Cow::Owned(value.to_string()))));
        parameters.sort_unstable();
        let written = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        written.collect::<Vec<_>>().join("&")
    }
}

/// Whether a path is plain at least about as short as encoded, where the service URL is a parameter itself: each slash
/// has three bytes there.
fn is_shorter_plain(next: &ReturnPath) -> bool {
    let slashes = next.as_str().bytes().filter(|byte| *byte == b'/').count();
    next.as_str().len() < MANY_SLASHES || 6 * slashes <= next.as_str().len()
}

/// A count that is none is one that ends whatever it counts.
fn read_count(text: &str) -> u8 {
    text.parse().unwrap_or(u8::MAX)
}

impl LoginQuery {
    /// What the query of the login endpoint says.
    pub(crate) fn parse(query: Option<&str>, host: &Host) -> Self {
        let mut read = AT_ENDPOINT.read(query.unwrap_or_default(), None, host);
        read.next = read.next.filter(|next| is_worth_naming(next, host));
        read
    }

    /// What the query of a page says. `None` if it has nothing of ours. `path` is the requested path.
    pub(crate) fn in_place(path: Option<&str>, query: Option<&str>, host: &Host) -> Option<Self> {
        let read = IN_PLACE.read(query?, path.and_then(ReturnPath::parse), host);
        read.tag.is_some().then_some(read)
    }

    /// The same with the ticket of a form, which has been compared with those in the query.
    pub(crate) fn with_posted(self, ticket: String) -> Self {
        Self {
            ticket: Some(ticket),
            artifact: None,
            ..self
        }
    }

    /// The ticket, if the visitor came back with one. Two different tickets under two names are an error: it is
    /// unknown which of them is the server's own.
    pub(crate) fn ticket(&self) -> Option<Result<ServiceTicket, NoTicket>> {
        let text = match (&self.ticket, &self.artifact) {
            (None, None) => return None,
            (Some(ticket), Some(artifact)) if ticket != artifact => return Some(Err(NoTicket)),
            (Some(text), _) | (None, Some(text)) => text,
        };
        Some(ServiceTicket::parse(text).map_err(|_| NoTicket))
    }

    /// Whether there is a mark. It need not be a good one.
    pub(crate) fn has_mark(&self) -> bool {
        self.tag.as_deref().and_then(Mark::parse).is_some()
    }

    /// The ticket that came with a bare service URL, and what the login cookie says about it. We made nothing else in
    /// the address.
    pub(super) fn of_trip(&mut self, trip: &Trip) {
        self.kind = LoginKind {
            is_renewed: trip.kind.is_renewed,
            is_ungranted: trip.kind.is_ungranted,
            refusals: trip.kind.refusals,
            ..LoginKind::default()
        };
        self.next = trip.next.as_deref().and_then(ReturnPath::parse);
    }
}

pub(super) fn is_saml(host: &Host) -> bool {
    host.client.protocol() == Protocol::Saml1
}

/// A sign-in never ends at one of our own endpoints. The landing path needs no name.
pub(crate) fn is_worth_naming(next: &ReturnPath, host: &Host) -> bool {
    !host.app.endpoints.contain(next) && *next != host.app.landing
}

/// What the login cookie has to hold because a bare service URL does not say it.
pub(crate) fn trip(host: &Host, next: Option<&ReturnPath>, kind: LoginKind) -> Option<Trip> {
    host.app.sign_in.is_bare.then(|| Trip {
        kind: TripKind {
            is_renewed: kind.is_renewed,
            is_ungranted: kind.is_ungranted,
            refusals: kind.refusals,
        },
        next: next
            .and_then(kept_part)
            .map(|next| next.as_str().to_owned()),
    })
}

/// As much of a return path as a login cookie holds.
pub(super) fn kept_part(next: &ReturnPath) -> Option<ReturnPath> {
    let is_short = |next: &ReturnPath| next.as_str().len() <= MAX_KEPT;
    let whole = Some(next).filter(|next| is_short(next)).cloned();
    whole.or_else(|| Some(next.without_query()).filter(is_short))
}

/// Where a ticket for a page comes back: at the page, if every server takes its path; else at the landing path.
pub(super) fn callback_path<'p>(host: &'p Host, next: &'p ReturnPath) -> &'p str {
    [next.path(), host.app.landing.path()]
        .into_iter()
        .find(|path| is_fit(path))
        .unwrap_or("/")
}

/// Whether a path can be read in only one way, and has nothing that servers refuse, even encoded.
fn is_fit(path: &str) -> bool {
    canonical(path)
        .is_some_and(|decoded| !decoded.bytes().any(|byte| b"\"'<>^`{|}".contains(&byte)))
}

impl Place {
    /// The mark of a login that begins now in the browser with this secret, as text.
    pub(crate) fn mark(
        self,
        host: &Host,
        secret: &LoginValue,
        (next, kind): (Option<&ReturnPath>, LoginKind),
        salt: Salt,
        now: UnixSeconds,
    ) -> String {
        let mut mark = Mark {
            hash: LoginValue::default(),
            salt,
            begun_at: now,
        };
        mark.hash = self.with_parts(host, secret, next, kind, &mark, |parts| {
            host.service_tag.hash(parts)
        });
        mark.text()
    }

    /// Whether the mark of `query` was made for the browser with this secret.
    pub(super) fn is_marked(
        self,
        host: &Host,
        secret: &LoginValue,
        query: &LoginQuery,
        mark: &Mark,
    ) -> bool {
        let (next, kind) = (query.next.as_ref(), query.kind);
        self.with_parts(host, secret, next, kind, mark, |parts| {
            host.service_tag.verify_hash(parts, &mark.hash)
        })
    }

    /// What the hash in a mark covers. No other tag ends with the word, so none is ever taken for another.
    fn with_parts<T>(
        self,
        host: &Host,
        secret: &LoginValue,
        next: Option<&ReturnPath>,
        kind: LoginKind,
        mark: &Mark,
        hash: impl FnOnce(&[&[u8]]) -> T,
    ) -> T {
        let (kind, time) = (kind.bytes(), mark.begun_at.to_be_bytes());
        // Without a refusal, the hash is the same as before refusals were counted: logins under way stay good.
        let kind = kind.strip_suffix(&[0]).unwrap_or(&kind);
        let (next, word) = self.tagged_next(host, next);
        hash(&[secret, next, kind, &time, &mark.salt, word, b"mark"])
    }

    /// Whether the tag of `query` belongs to the login of this value, which an older release began.
    pub(super) fn tag_matches(self, host: &Host, value: &LoginValue, query: &LoginQuery) -> bool {
        let kind = query.kind.bits();
        let (next, word) = self.tagged_next(host, query.next.as_ref());
        let mut parts = vec![&value[..], next, &kind];
        parts.extend((!word.is_empty()).then_some(word));
        let tag = query.tag.as_deref();
        tag.is_some_and(|tag| host.service_tag.verify_tag(&parts, tag))
    }

    /// The return path as tags cover it, with a word for the place: a tag in place never matches at the login
    /// endpoint.
    fn tagged_next<'p>(
        self,
        host: &'p Host,
        next: Option<&'p ReturnPath>,
    ) -> (&'p [u8], &'static [u8]) {
        match self {
            Self::Endpoint => (next.map_or("", ReturnPath::as_str).as_bytes(), b""),
            Self::Page | Self::Request => {
                let next = next.unwrap_or(&host.app.landing);
                (next.as_str().as_bytes(), b"in place")
            }
        }
    }

    /// The service URL of a login, the same byte for byte whenever it is computed.
    pub(crate) fn service_url(
        self,
        host: &Host,
        next: Option<&ReturnPath>,
        kind: LoginKind,
        tag: &str,
    ) -> Result<ServiceUrl, InvalidServiceUrl> {
        let (path, next) = match self {
            Self::Endpoint => (&*host.app.endpoints.login, next),
            Self::Page | Self::Request => {
                let next = next.unwrap_or(&host.app.landing);
                let path = callback_path(host, next);
                // Nothing can happen to a path of plain characters on the way.
                let is_said = next.is_plain() && next.as_str() == path;
                (path, (!is_said).then_some(next))
            }
        };
        let mut url = host.url.join(path);
        if !host.app.sign_in.is_bare {
            url.push('?');
            url.push_str(&Names::of(self).write(tag, next, kind));
        }
        ServiceUrl::parse(url)
    }
}

#[cfg(test)]
mod tests;
