//! The service URL: one function writes it, one reads it back.
//!
//! It is computed from the configuration and our own parameters, never from the request's host. Its
//! parameters are in alphabetical order and use characters that no server was seen to rewrite; what a
//! server rewrites nevertheless is undone by reading the decoded values and writing them again.

use form_urlencoded::parse;

use crate::{
    app::Shared,
    paths::{ReturnPath, Travelling},
    protocol::{InvalidServiceUrl, LoginMode, Protocol, ServiceTicket, ServiceUrl},
    session::{LoginValue, Trip},
};

const TAG: &str = "b";
const NEXT: &str = "next";
const NEXT_ENCODED: &str = "next64";
const GATEWAY: &str = "g";
const RENEW: &str = "r";
const RETRY: &str = "try";
pub(crate) const TICKET: &str = "ticket";
/// The name of a ticket with SAML 1.1, on servers that were sent a `TARGET`.
pub(crate) const ARTIFACT: &str = "SAMLart";

/// What kind of login a service URL is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoginKind {
    /// The only retry of a login whose ticket came to another browser.
    pub(crate) is_retry: bool,
    /// The user has to give their credentials.
    pub(crate) is_renewed: bool,
    /// The user is asked for nothing, and may come back without a ticket.
    pub(crate) is_gateway: bool,
}

impl LoginKind {
    /// A login for which the user has to give their credentials.
    pub(crate) const RENEWED: Self = Self {
        is_retry: false,
        is_renewed: true,
        is_gateway: false,
    };

    pub(crate) fn mode(self) -> LoginMode {
        if self.is_renewed {
            LoginMode::Renew
        } else if self.is_gateway {
            LoginMode::Gateway
        } else {
            LoginMode::Normal
        }
    }

    /// For the tag.
    pub(super) fn bits(self) -> [u8; 1] {
        [
            u8::from(self.is_retry)
                | u8::from(self.is_renewed) << 1
                | u8::from(self.is_gateway) << 2,
        ]
    }
}

/// What the query of the login endpoint says.
#[derive(Debug, Default)]
pub(crate) struct LoginQuery {
    /// Where to go after sign-in; `None` stands for the landing path.
    pub(crate) next: Option<ReturnPath>,
    /// The keyed hash that ties the login to its browser.
    pub(crate) tag: Option<String>,
    pub(crate) kind: LoginKind,
    /// Whether somebody asks to sign in with their credentials, signed in or not.
    pub(crate) wants_renewal: bool,
    /// The last one counts: a server may have put its own behind one that was there.
    pub(super) ticket: Option<String>,
    /// With SAML 1.1 alone. The last one counts.
    pub(super) artifact: Option<String>,
}

/// What came back as a ticket is none.
#[derive(Debug)]
pub(crate) struct NoTicket;

impl LoginQuery {
    pub(crate) fn parse(query: Option<&str>, shared: &Shared) -> Self {
        let mut read = Self::default();
        let saml = shared.client.protocol() == Protocol::Saml1;
        for (name, value) in parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                TAG => read.tag = Some(value.into_owned()),
                NEXT => read.next = ReturnPath::parse(&value),
                NEXT_ENCODED => read.next = ReturnPath::parse_encoded(&value),
                // Whatever is not a first attempt is a last one.
                RETRY => read.kind.is_retry = value != "0",
                RENEW => read.kind.is_renewed = value == "1",
                GATEWAY => read.kind.is_gateway = value == "1",
                "renew" => read.wants_renewal = value == "true",
                TICKET => read.ticket = Some(value.into_owned()),
                ARTIFACT if saml => read.artifact = Some(value.into_owned()),
                _ => {}
            }
        }
        read.next = read.next.filter(|next| is_worth_naming(next, shared));
        read
    }

    /// The same with the ticket of a form, which has been compared with those in the query.
    pub(crate) fn with_posted(self, ticket: String) -> Self {
        Self {
            ticket: Some(ticket),
            artifact: None,
            ..self
        }
    }

    /// The ticket, if the visitor came back with one. Two different ones under two names are none: which of
    /// them is the server's own cannot be told.
    pub(crate) fn ticket(&self, protocol: Protocol) -> Option<Result<ServiceTicket, NoTicket>> {
        let text = match (&self.ticket, &self.artifact) {
            (None, None) => return None,
            (Some(ticket), Some(artifact)) if ticket != artifact => return Some(Err(NoTicket)),
            (Some(text), _) | (None, Some(text)) => text,
        };
        let ticket = match protocol {
            Protocol::Saml1 => ServiceTicket::parse_artifact(text),
            Protocol::Cas1 | Protocol::Cas2 | Protocol::Cas3 => ServiceTicket::parse(text),
        };
        Some(ticket.map_err(|_| NoTicket))
    }
}

/// A sign-in never ends at one of our own endpoints, and the landing path needs no name.
pub(crate) fn is_worth_naming(next: &ReturnPath, shared: &Shared) -> bool {
    !shared.endpoints.contain(next) && *next != shared.landing
}

/// The tag of a login: a keyed hash over its value, its return path and its kind.
pub(crate) fn tag(
    shared: &Shared,
    value: &LoginValue,
    next: Option<&ReturnPath>,
    kind: LoginKind,
) -> String {
    shared
        .service_tag
        .tag(&tag_parts(value, next, &kind.bits()))
}

/// Whether `tag` belongs to this login.
pub(crate) fn tag_matches(shared: &Shared, value: &LoginValue, query: &LoginQuery) -> bool {
    query.tag.as_deref().is_some_and(|tag| {
        let kind = query.kind.bits();
        shared
            .service_tag
            .verify_tag(&tag_parts(value, query.next.as_ref(), &kind), tag)
    })
}

fn tag_parts<'p>(
    value: &'p LoginValue,
    next: Option<&'p ReturnPath>,
    kind: &'p [u8; 1],
) -> [&'p [u8]; 3] {
    [value, next.map_or("", ReturnPath::as_str).as_bytes(), kind]
}

/// The service URL of a login, the same byte for byte whenever it is computed.
pub(crate) fn service_url(
    shared: &Shared,
    next: Option<&ReturnPath>,
    kind: LoginKind,
    tag: &str,
) -> Result<ServiceUrl, InvalidServiceUrl> {
    let mut url = shared.app.join(&shared.endpoints.login);
    if shared.sign_in.is_bare {
        return ServiceUrl::parse(url);
    }
    url.push('?');
    url.push_str(TAG);
    url.push('=');
    // A tag that came back from the network may hold anything.
    url.extend(form_urlencoded::byte_serialize(tag.as_bytes()));
    if kind.is_gateway {
        url.push_str("&g=1");
    }
    match next.map(ReturnPath::travelling) {
        None => {}
        Some(Travelling::Plain(path)) => {
            url.push_str("&next=");
            url.push_str(path);
        }
        Some(Travelling::Encoded(path)) => {
            url.push_str("&next64=");
            url.push_str(&path);
        }
    }
    if kind.is_renewed {
        url.push_str("&r=1");
    }
    if kind.is_retry {
        url.push_str("&try=1");
    }
    ServiceUrl::parse(url)
}

/// The longest return path that a login cookie holds, in bytes: with a bare service URL it holds up to five.
pub(super) const MAX_KEPT: usize = 256;

/// What the login cookie has to hold because a bare service URL does not say it.
pub(crate) fn trip(shared: &Shared, next: Option<&ReturnPath>, kind: LoginKind) -> Option<Trip> {
    shared.sign_in.is_bare.then(|| Trip {
        is_renewed: kind.is_renewed,
        next: next
            .map(|next| next.as_str().to_owned())
            .filter(|next| next.len() <= MAX_KEPT),
    })
}

impl LoginQuery {
    /// What came with a bare service URL, and what the login cookie says about it. What else the address says is not
    /// of our making.
    pub(crate) fn of_trip(&mut self, trip: Trip, shared: &Shared) {
        self.kind = LoginKind {
            is_renewed: trip.is_renewed,
            ..LoginKind::default()
        };
        self.next = trip
            .next
            .and_then(|next| ReturnPath::parse(&next))
            .filter(|next| is_worth_naming(next, shared));
    }
}

/// The same for a visitor who has to give their credentials, signed in or not.
pub(crate) fn renewal_link(shared: &Shared, next: Option<&ReturnPath>) -> String {
    let mut link = login_link(shared, next);
    link.push(if link.contains('?') { '&' } else { '?' });
    link.push_str("renew=true");
    link
}

/// Where a login starts afresh for the last time, by `GET`.
pub(crate) fn retry_link(shared: &Shared, next: Option<&ReturnPath>, kind: LoginKind) -> String {
    let mut link = login_link(shared, next);
    link.push_str(if link.contains('?') { "&" } else { "?" });
    if kind.is_renewed {
        link.push_str("r=1&");
    }
    link.push_str("try=1");
    link
}

/// The login endpoint's public path with a return path in it, for a link.
pub(crate) fn login_link(shared: &Shared, next: Option<&ReturnPath>) -> String {
    let mut link = shared.app.public_path(&shared.endpoints.login);
    if let Some(next) = next {
        link.push('?');
        link.push_str(NEXT);
        link.push('=');
        link.extend(form_urlencoded::byte_serialize(next.as_str().as_bytes()));
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CasConfig, Key};

    fn config() -> CasConfig {
        config_of(Protocol::Cas3)
    }

    fn config_of(protocol: Protocol) -> CasConfig {
        CasConfig::builder(
            "https://cas.example.org/cas",
            "https://app.example.org/portal",
        )
        .key(Key::generate())
        .client(|client| client.protocol(protocol))
        .landing_path("/home")
        .build()
        .unwrap()
    }

    fn kind(bits: u8) -> LoginKind {
        let kind = LoginKind {
            is_retry: bits & 1 != 0,
            is_renewed: bits & 2 != 0,
            is_gateway: bits & 4 != 0,
        };
        assert_eq!(kind.bits(), [bits]);
        kind
    }

    fn query_of(url: &ServiceUrl) -> String {
        url.as_str().split_once('?').unwrap().1.to_owned()
    }

    /// What servers were seen to do to the query on the way back.
    fn rewritten(query: &str, ticket: &str) -> Vec<String> {
        let pairs: Vec<(String, String)> = parse(query.as_bytes()).into_owned().collect();
        let print = |pairs: &[(String, String)]| {
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        };
        let mut sorted = pairs.clone();
        sorted.push(("ticket".into(), ticket.into()));
        sorted.sort();
        let mut reversed = sorted.clone();
        reversed.reverse();
        vec![
            format!("{query}&ticket={ticket}"),
            format!("ticket={ticket}&{query}"),
            format!("{query}&ticket=ST-old&ticket={ticket}"),
            print(&sorted),
            print(&reversed),
        ]
    }

    #[test]
    fn the_service_url_is_the_same_again_however_the_server_rewrote_its_query() {
        let config = config();
        let shared = config.first_host();
        for path in [
            None,
            Some("/a/b"),
            Some("/a?b=c d&e=%2F"),
            Some("/é'\"<>"),
            Some("/a+b?"),
        ] {
            for bits in 0..8 {
                let kind = kind(bits);
                let next = path.map(|path| ReturnPath::parse(path).unwrap());
                let tag = tag(shared, &[7; 16], next.as_ref(), kind);
                let url = service_url(shared, next.as_ref(), kind, &tag).unwrap();
                for query in rewritten(&query_of(&url), "ST-1") {
                    let read = LoginQuery::parse(Some(&query), shared);
                    assert_eq!(read.ticket.as_deref(), Some("ST-1"), "{query}");
                    assert!(tag_matches(shared, &[7; 16], &read), "{query}");
                    assert!(!tag_matches(shared, &[8; 16], &read), "{query}");
                    let again = service_url(
                        shared,
                        read.next.as_ref(),
                        read.kind,
                        read.tag.as_deref().unwrap(),
                    );
                    assert_eq!(again.unwrap(), url, "{query}");
                }
            }
        }
    }

    #[test]
    fn the_service_url_holds_nothing_but_the_configuration_and_plain_characters() {
        let config = config();
        let next = ReturnPath::parse("/a?q='\"<>#x y").unwrap();
        let url = service_url(config.first_host(), Some(&next), kind(7), "tag").unwrap();
        assert!(
            url.as_str()
                .starts_with("https://app.example.org/portal/login?b=tag&g=1&next64=")
        );
        let plain = |b: u8| b.is_ascii_alphanumeric() || b":/?&=-._~".contains(&b);
        assert!(url.as_str().bytes().all(plain), "{}", url.as_str());
    }

    #[test]
    fn the_tag_covers_value_return_path_and_kind() {
        let config = config();
        let shared = config.first_host();
        let next = ReturnPath::parse("/a").unwrap();
        let tag = tag(shared, &[7; 16], Some(&next), kind(0));
        for query in [
            format!("b={tag}&next=/b"),
            format!("b={tag}"),
            format!("b={tag}&next=/a&try=1"),
            format!("b={tag}&next=/a&r=1"),
            format!("b={tag}&next=/a&g=1"),
            "next=/a".to_owned(),
            "b=&next=/a".to_owned(),
        ] {
            let read = LoginQuery::parse(Some(&query), shared);
            assert!(!tag_matches(shared, &[7; 16], &read), "{query}");
        }
        let read = LoginQuery::parse(Some(&format!("b={tag}&next=/a")), shared);
        assert!(tag_matches(shared, &[7; 16], &read));
    }

    #[test]
    fn a_hostile_or_circular_next_is_the_landing_path() {
        let config = config();
        for next in [
            "//evil.example",
            "https://evil.example",
            "/%5cevil.example",
            "%2F%2Fevil.example",
            "/login",
            "/logout?x",
            "/logout_callback",
            "/home",
            "",
        ] {
            let read = LoginQuery::parse(Some(&format!("next={next}")), config.first_host());
            assert_eq!(read.next, None, "{next}");
        }
    }

    #[test]
    fn a_ticket_comes_under_one_name_or_with_saml_under_either() {
        let secret = |protocol, query: &str| {
            let config = config_of(protocol);
            let ticket = LoginQuery::parse(Some(query), config.first_host()).ticket(protocol)?;
            Some(ticket.ok().map(|ticket| ticket.expose_secret().to_owned()))
        };
        let none = Some(None);
        let some = |text: &str| Some(Some(text.to_owned()));
        for (query, saml, cas) in [
            ("b=1&TARGET=x&service=y", None, None),
            ("ticket=ST-1", some("ST-1"), some("ST-1")),
            ("SAMLart=ST-1", some("ST-1"), None),
            ("SAMLart=AAE%2Bx%2Fy%3D", some("AAE+x/y="), None),
            ("ticket=AAE%2Bx%2Fy%3D", some("AAE+x/y="), none.clone()),
            ("SAMLart=ST-1&SAMLart=ST-2", some("ST-2"), None),
            ("ticket=ST-1&SAMLart=ST-1", some("ST-1"), some("ST-1")),
            ("ticket=ST-1&SAMLart=ST-2", none.clone(), some("ST-1")),
            ("SAMLart=ST-2&ticket=ST-1", none.clone(), some("ST-1")),
            ("ticket=&SAMLart=ST-1", none.clone(), none.clone()),
            ("SAMLart=", none.clone(), None),
            ("SAMLart=ST-1%26x", none.clone(), None),
            ("samlart=ST-1&SAMLArt=ST-1", None, None),
        ] {
            assert_eq!(secret(Protocol::Saml1, query), saml, "{query}");
            for protocol in [Protocol::Cas1, Protocol::Cas2, Protocol::Cas3] {
                assert_eq!(secret(protocol, query), cas, "{protocol} {query}");
            }
        }
    }

    #[test]
    fn malformed_queries_are_read_without_complaint() {
        let config = config();
        for query in [
            "",
            "&&&",
            "=",
            "%",
            "%zz=%",
            "next=%ff",
            "ticket",
            "try=x&b=%00",
            "a;b",
        ] {
            let read = LoginQuery::parse(Some(query), config.first_host());
            assert_eq!(read.next, None, "{query}");
        }
        assert_eq!(
            LoginQuery::parse(Some("ticket"), config.first_host())
                .ticket
                .as_deref(),
            Some("")
        );
        assert!(
            LoginQuery::parse(None, config.first_host())
                .ticket
                .is_none()
        );
    }
}
