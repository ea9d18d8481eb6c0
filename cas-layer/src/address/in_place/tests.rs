//! The service URL in place, there and back.

use super::*;
use crate::{
    CasClientBuilder, CasConfig, CasConfigBuilder, Key, Protocol,
    address::{LoginKind, mark::Mark},
    session::TripKind,
    user::Place,
};

fn builder() -> CasConfigBuilder {
    CasConfig::builder(
        "https://cas.example.org/cas",
        "https://app.example.org/portal",
    )
    .key(Key::generate())
    .sign_in(|sign_in| sign_in.landing_path("/home"))
}

fn config() -> CasConfig {
    builder().build().unwrap()
}

fn bare() -> CasConfig {
    builder()
        .sign_in(|sign_in| sign_in.bare_service_url(true))
        .build()
        .unwrap()
}

fn saml(client: CasClientBuilder) -> CasClientBuilder {
    client.protocol(Protocol::Saml1)
}

fn kind(bits: u8) -> LoginKind {
    LoginKind {
        tries: bits & 1,
        refusals: bits & 1,
        round: bits & 1,
        is_renewed: bits & 2 != 0,
        is_gateway: bits & 4 != 0,
        is_ungranted: false,
    }
}

/// The mark of a login in the browser with the secret 7.
fn mark(host: &Host, place: Place, next: &ReturnPath, kind: LoginKind) -> String {
    place.mark(host, &[7; 16], (Some(next), kind), [1, 2, 3], 1_700_000_000)
}

fn is_marked(host: &Host, secret: u8, query: &LoginQuery) -> bool {
    let mark = query.tag.as_deref().and_then(Mark::parse);
    mark.is_some_and(|mark| Place::Page.is_marked(host, &[secret; 16], query, &mark))
}

fn page_of(config: &CasConfig, path_and_query: &str) -> Option<String> {
    let uri: Uri = format!("/portal{path_and_query}").parse().unwrap();
    page(config.first_host(), &uri).map(|page| page.as_str().to_owned())
}

/// The service URL for a page, behind the app URL.
fn service_of(config: &CasConfig, next: &str) -> String {
    let next = ReturnPath::parse(next);
    let url = Place::Page
        .service_url(config.first_host(), next.as_ref(), kind(0), "tag")
        .unwrap();
    let app_url = config.app_url();
    url.as_str().strip_prefix(&app_url).unwrap().to_owned()
}

/// What servers were seen to do to the query on the way back.
fn rewritten(query: &str, ticket: &str) -> Vec<String> {
    let pairs: Vec<(String, String)> = parse(query.as_bytes()).into_owned().collect();
    let print = |pairs: &[(String, String)]| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    let mut sorted = pairs;
    sorted.push(("ticket".into(), ticket.into()));
    sorted.push(("locale".into(), "fr".into()));
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
fn the_service_url_and_the_page_are_the_same_again_however_the_server_rewrote_the_query() {
    let config = config();
    let host = config.first_host();
    for asked in [
        "/",
        "/home",
        "/a/b",
        "/a?",
        "/a?b=c",
        "/a?a=%2f&b=+&c=%20&&d",
        "/a?ticket=abc&ticket=def",
        "/a?q='\"`<>é",
        "/caf%C3%A9/x%20y/@me+1?z",
        "/it's?a=b",
        "/%22/%2f;x?a",
    ] {
        for bits in 0..8 {
            let kind = kind(bits);
            let next = ReturnPath::parse(asked).unwrap();
            let tag = mark(host, Place::Page, &next, kind);
            let url = Place::Page
                .service_url(host, Some(&next), kind, &tag)
                .unwrap();
            let (path, query) = url.as_str().split_once('?').unwrap();
            let path = path.strip_prefix(&config.app_url()).unwrap();
            for query in rewritten(query, "ST-1") {
                let back = LoginQuery::in_place(Some(path), Some(&query), host).unwrap();
                assert_eq!(back.ticket.as_deref(), Some("ST-1"), "{query}");
                assert_eq!(back.next.as_ref(), Some(&next), "{query}");
                assert!(is_marked(host, 7, &back), "{query}");
                assert!(!is_marked(host, 8, &back), "{query}");
                let again = Place::Page.service_url(
                    host,
                    back.next.as_ref(),
                    back.kind,
                    back.tag.as_deref().unwrap(),
                );
                assert_eq!(again.unwrap(), url, "{query}");
            }
        }
    }
}

#[test]
fn the_service_url_is_at_the_page_unless_a_server_could_refuse_or_rewrite_its_path() {
    let config = config();
    for (next, path) in [
        ("/a/b", "/a/b"),
        ("/a/b?q=\"'<>", "/a/b"),
        ("/a/", "/a/"),
        ("/a%20b", "/a%20b"),
        ("/caf%c3%a9", "/caf%c3%a9"),
        ("/@me:1+2,3=4!$&(5)*", "/@me:1+2,3=4!$&(5)*"),
        ("/it's", "/home"),
        ("/it%27s", "/home"),
        ("/%22a%22", "/home"),
        ("/%3Cscript%3E", "/home"),
        ("/a`", "/home"),
        ("/{a}", "/home"),
        ("/a|b", "/home"),
        ("/a^b", "/home"),
        ("/a//b", "/home"),
        ("/a/../b", "/home"),
        ("/a/%2e%2e/b", "/home"),
        ("/a%2fb", "/home"),
        ("/a;jsessionid=1", "/home"),
        ("/a\\b", "/home"),
        ("/%61", "/home"),
    ] {
        let service = service_of(&config, next);
        assert_eq!(service.split('?').next(), Some(path), "{next}");
    }
    // A landing path that is no better.
    let config = builder()
        .sign_in(|sign_in| sign_in.landing_path("/it's"))
        .build()
        .unwrap();
    assert!(service_of(&config, "/a'b").starts_with("/?cas_login="));
    assert!(service_of(&config, "nowhere").starts_with("/?cas_login="));
}

#[test]
fn the_service_url_holds_nothing_but_the_configuration_and_plain_characters() {
    let config = config();
    let next = ReturnPath::parse("/a?q='\"<>#x y").unwrap();
    let url = Place::Page
        .service_url(config.first_host(), Some(&next), kind(7), "tag")
        .unwrap();
    let beginning =
        "https://app.example.org/portal/a?cas_again=1&cas_gateway=1&cas_login=tag&cas_next=";
    assert!(url.as_str().starts_with(beginning), "{}", url.as_str());
    assert!(url.as_str().ends_with("&cas_renew=1&cas_round=1&cas_try=1"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b":/?&=-._~".contains(&b);
    assert!(url.as_str().bytes().all(plain), "{}", url.as_str());
    assert_eq!(service_of(&config, "/a/b"), "/a/b?cas_login=tag");
}

#[test]
fn the_tag_covers_value_page_kind_and_place() {
    let config = config();
    let host = config.first_host();
    let next = ReturnPath::parse("/a").unwrap();
    let tag = mark(host, Place::Page, &next, kind(0));
    let other = ReturnPath::parse("/b").unwrap().encoded();
    let matches = |path: &str, query: &str| {
        let read = LoginQuery::in_place(Some(path), Some(query), host).unwrap();
        is_marked(host, 7, &read)
    };
    assert!(matches("/a", &format!("cas_login={tag}")));
    for (path, query) in [
        ("/b", format!("cas_login={tag}")),
        ("/a", format!("cas_login={tag}&cas_next={other}")),
        ("/a", format!("cas_login={tag}&cas_next=")),
        ("/a", format!("cas_login={tag}&cas_try=1")),
        ("/a", format!("cas_login={tag}&cas_renew=1")),
        ("/a", format!("cas_login={tag}&cas_gateway=1")),
        ("/a", format!("cas_login={tag}&cas_again=1")),
        ("/a", format!("cas_login={tag}&cas_nopgt=1")),
        ("/a", "cas_login=".to_owned()),
    ] {
        assert!(!matches(path, &query), "{path} {query}");
    }
    let at_the_endpoint = mark(host, Place::Endpoint, &next, kind(0));
    assert!(!matches("/a", &format!("cas_login={at_the_endpoint}")));
}

#[test]
fn a_page_keeps_its_query_but_for_what_a_sign_in_left_in_it() {
    let config = config();
    let callback = service_of(&config, "/a?x=%2f&&y");
    for (asked, page) in [
        ("/a", Some("/a")),
        ("/a?", Some("/a?")),
        ("/a?a=%2f&b=+&c=%20&&d", Some("/a?a=%2f&b=+&c=%20&&d")),
        (
            "/a?ticket=abc&ticket=ST-1%26",
            Some("/a?ticket=abc&ticket=ST-1%26"),
        ),
        (
            "/a?ticket=TT-17&tickets=ST-1",
            Some("/a?ticket=TT-17&tickets=ST-1"),
        ),
        ("/a?ticket=ST-1", Some("/a")),
        ("/a?x=1&ticket=ST-1&&y=2", Some("/a?x=1&&y=2")),
        ("/a?ticket=PT-1&x&ticket=ST-2", Some("/a?x")),
        ("/a?%74icket=ST-1&x", Some("/a?x")),
        (callback.as_str(), Some("/a?x=%2f&&y")),
        (
            &format!("{callback}&ticket=ST-1&lang=fr"),
            Some("/a?x=%2f&&y"),
        ),
        ("/a?cas_login=x&cas_next=*&y=1", Some("/a")),
        ("/a?cas_login=x&cas_next=Ly9ldmlsLmV4YW1wbGU", Some("/a")),
        ("//evil.example", None),
        ("/%2fevil.example?a", None),
    ] {
        assert_eq!(page_of(&config, asked).as_deref(), page, "{asked}");
    }
    // A name that only a sign-in by SAML 1.1 has a use for.
    let saml = builder().client(saml).build().unwrap();
    for (asked, in_cas, in_saml) in [
        ("/a?SAMLart=ST-1", "/a?SAMLart=ST-1", "/a"),
        (
            "/a?x&SAMLart=AA%2B%3D&y",
            "/a?x&SAMLart=AA%2B%3D&y",
            "/a?x&y",
        ),
        ("/a?SAMLart=%3C&x", "/a?SAMLart=%3C&x", "/a?SAMLart=%3C&x"),
        ("/a?ticket=ST-A%2B&x", "/a?x", "/a?x"),
    ] {
        assert_eq!(page_of(&config, asked).as_deref(), Some(in_cas), "{asked}");
        assert_eq!(page_of(&saml, asked).as_deref(), Some(in_saml), "{asked}");
    }
    let outside: Uri = "/elsewhere".parse().unwrap();
    assert_eq!(super::page(config.first_host(), &outside), None);
}

#[test]
fn a_query_that_is_too_long_to_come_back_is_left_out() {
    for (config, limit) in [(config(), 2048), (bare(), 256)] {
        let fits = format!("/a?b={}", "x".repeat(limit - 5));
        assert_eq!(page_of(&config, &fits).as_deref(), Some(fits.as_str()));
        assert_eq!(page_of(&config, &format!("{fits}x")).as_deref(), Some("/a"));
        let path = format!("/{}", "x".repeat(limit));
        assert_eq!(page_of(&config, &path), None);
    }
}

#[test]
fn a_bare_service_url_is_the_path_and_comes_back_with_tickets_alone() {
    let config = bare();
    let host = config.first_host();
    assert_eq!(service_of(&config, "/a?b=c"), "/a");
    assert_eq!(service_of(&config, "/a'b?c"), "/home");
    let saml = builder()
        .sign_in(|sign_in| sign_in.bare_service_url(true))
        .client(saml)
        .build()
        .unwrap();
    for (query, in_cas, in_saml) in [
        ("ticket=ST-1", Some("ST-1"), Some("ST-1")),
        ("ticket=PT-1", Some("PT-1"), Some("PT-1")),
        ("ticket=ST-old&ticket=ST-1", Some("ST-1"), Some("ST-1")),
        ("ticket=4711", None, None),
        ("ticket=TT-1", None, None),
        ("ticket=4711&ticket=ST-1", None, None),
        ("ticket=ST-1&ticket=4711", None, None),
        ("ticket=ST-1&a=b", None, None),
        ("a=b", None, None),
        ("ticket=ST-1%26", None, None),
        ("ticket=", None, None),
        ("SAMLart=ST-1", None, Some("ST-1")),
        ("SAMLart=AA%2B%3D", None, Some("AA+=")),
        ("SAMLart=ST-1&ticket=ST-1", None, Some("ST-1")),
        ("SAMLart=ST-1&ticket=ST-2", None, None),
        ("SAMLart=%3C", None, None),
        ("", None, None),
    ] {
        for (config, ticket) in [(&config, in_cas), (&saml, in_saml)] {
            let host = config.first_host();
            let read = read_bare(Some("/a"), Some(query), host);
            let read = read.map(|read| read.ticket());
            let read = read.map(|read| read.unwrap().unwrap().expose_secret().to_owned());
            assert_eq!(read.as_deref(), ticket, "{query}");
        }
    }
    let trip = |next: Option<&str>| Trip {
        kind: TripKind::default(),
        next: next.map(str::to_owned),
    };
    for (next, path, is_it) in [
        (Some("/a?b"), "/a", true),
        (Some("/a"), "/b", false),
        (Some("/caf%C3%A9?x"), "/caf%c3%a9", true),
        (Some("/it's"), "/home", true),
        (Some("/it's"), "/it's", false),
        (None, "/home", true),
        (None, "/a//b", false),
    ] {
        assert_eq!(
            is_callback_of(host, &trip(next), path),
            is_it,
            "{next:?} {path}"
        );
    }
}

#[test]
fn a_query_without_a_login_of_ours_is_the_apps() {
    let config = config();
    for query in [
        "",
        "&&",
        "ticket=ST-1",
        "cas_next=L2E&cas_try=1&ticket=ST-1",
        "CAS_LOGIN=x",
        "xcas_login=x",
        "%ff=%zz",
    ] {
        assert!(
            LoginQuery::in_place(Some("/a"), Some(query), config.first_host()).is_none(),
            "{query}"
        );
    }
    assert!(LoginQuery::in_place(Some("/a"), None, config.first_host()).is_none());
}
