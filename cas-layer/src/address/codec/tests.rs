//! The service URL of the login endpoint, there and back.

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
    .sign_in(|sign_in| sign_in.landing_path("/home"))
    .build()
    .unwrap()
}

fn kind(bits: u8) -> LoginKind {
    let kind = LoginKind {
        tries: bits & 1,
        refusals: bits & 1,
        round: bits & 1,
        is_renewed: bits & 2 != 0,
        is_gateway: bits & 4 != 0,
        is_ungranted: false,
    };
    assert_eq!(kind.bits(), [bits]);
    kind
}

const NOW: UnixSeconds = 1_700_000_000;

/// The mark of a login in the browser with the secret 7.
fn mark(host: &Host, next: Option<&ReturnPath>, kind: LoginKind) -> String {
    Place::Endpoint.mark(host, &[7; 16], (next, kind), [1, 2, 3], NOW)
}

fn is_marked(host: &Host, secret: u8, query: &LoginQuery) -> bool {
    let mark = query.tag.as_deref().and_then(Mark::parse);
    mark.is_some_and(|mark| Place::Endpoint.is_marked(host, &[secret; 16], query, &mark))
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
    let host = config.first_host();
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
            let tag = mark(host, next.as_ref(), kind);
            let url = Place::Endpoint
                .service_url(host, next.as_ref(), kind, &tag)
                .unwrap();
            for query in rewritten(&query_of(&url), "ST-1") {
                let read = LoginQuery::parse(Some(&query), host);
                assert_eq!(read.ticket.as_deref(), Some("ST-1"), "{query}");
                assert!(is_marked(host, 7, &read), "{query}");
                assert!(!is_marked(host, 8, &read), "{query}");
                let again = Place::Endpoint.service_url(
                    host,
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
    let url = Place::Endpoint
        .service_url(config.first_host(), Some(&next), kind(7), "tag")
        .unwrap();
    assert!(
        url.as_str()
            .starts_with("https://app.example.org/portal/login?again=1&b=tag&g=1&next64=")
    );
    let plain = |b: u8| b.is_ascii_alphanumeric() || b":/?&=-._~".contains(&b);
    assert!(url.as_str().bytes().all(plain), "{}", url.as_str());
}

#[test]
fn the_mark_covers_secret_return_path_kind_and_time() {
    let config = config();
    let host = config.first_host();
    let next = ReturnPath::parse("/a").unwrap();
    let tag = mark(host, Some(&next), kind(0));
    let mut changed = Mark::parse(&tag).unwrap();
    changed.begun_at += 1;
    let later = changed.text();
    changed.begun_at -= 1;
    changed.salt[0] += 1;
    let salted = changed.text();
    for query in [
        format!("b={tag}&next=/b"),
        format!("b={tag}"),
        format!("b={tag}&next=/a&try=1"),
        format!("b={tag}&next=/a&r=1"),
        format!("b={tag}&next=/a&g=1"),
        format!("b={tag}&next=/a&round=1"),
        format!("b={tag}&next=/a&again=1"),
        format!("b={tag}&next=/a&nopgt=1"),
        format!("b={later}&next=/a"),
        format!("b={salted}&next=/a"),
        "next=/a".to_owned(),
        "b=&next=/a".to_owned(),
    ] {
        let read = LoginQuery::parse(Some(&query), host);
        assert!(!is_marked(host, 7, &read), "{query}");
    }
    let read = LoginQuery::parse(Some(&format!("b={tag}&next=/a")), host);
    assert!(is_marked(host, 7, &read));
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
        let ticket = LoginQuery::parse(Some(query), config.first_host()).ticket()?;
        Some(ticket.ok().map(|ticket| ticket.expose_secret().to_owned()))
    };
    let none = Some(None);
    let some = |text: &str| Some(Some(text.to_owned()));
    for (query, saml, cas) in [
        ("b=1&TARGET=x&service=y", None, None),
        ("ticket=ST-1", some("ST-1"), some("ST-1")),
        ("SAMLart=ST-1", some("ST-1"), None),
        ("SAMLart=AAE%2Bx%2Fy%3D", some("AAE+x/y="), None),
        ("ticket=AAE%2Bx%2Fy%3D", some("AAE+x/y="), some("AAE+x/y=")),
        // Decoded once.
        (
            "ticket=ST-1%3A8443%2540a",
            some("ST-1:8443%40a"),
            some("ST-1:8443%40a"),
        ),
        ("ticket=ST-1%20", none.clone(), none.clone()),
        ("ticket=ST-1%00", none.clone(), none.clone()),
        ("ticket=ST-1%22", none.clone(), none.clone()),
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

#[test]
fn a_login_of_an_older_release_is_recognised() {
    let config = config();
    let host = config.first_host();
    let value = [7; 16];
    let next = ReturnPath::parse("/a?b").unwrap();
    for (tries, query) in [(0, ""), (1, "&try=1"), (0, "&try=0")] {
        // As that release computed it.
        let tag = host
            .service_tag
            .tag(&[&value, next.as_str().as_bytes(), &[tries]]);
        let query = format!("b={tag}&next64={}{query}", next.encoded());
        let read = LoginQuery::parse(Some(&query), host);
        assert!(Place::Endpoint.tag_matches(host, &value, &read), "{query}");
        assert!(!Place::Endpoint.tag_matches(host, &[8; 16], &read));
        assert!(!Place::Page.tag_matches(host, &value, &read));
    }
}

#[test]
fn a_long_path_of_many_slashes_travels_encoded() {
    let config = config();
    let written = |next: &str| {
        let next = ReturnPath::parse(next).unwrap();
        let url = Place::Endpoint.service_url(config.first_host(), Some(&next), kind(0), "tag");
        let url = url.unwrap();
        let read = LoginQuery::parse(Some(&query_of(&url)), config.first_host());
        assert_eq!(read.next, Some(next));
        url.as_str().contains("next64=")
    };
    assert!(!written(&"/a".repeat(440)));
    assert!(written(&"/a".repeat(1_000)));
    assert!(!written(&format!("/{}", "a".repeat(2_000))));
}
