//! Return paths and service URLs: what is read and written again stays the same, and leads to the app.

use std::sync::{Arc, LazyLock};

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    CasConfig, Key, ServiceUrl,
    address::{LoginKind, LoginQuery, is_worth_naming, shown_page},
    app::Host,
    paths::{AppUrl, ReturnPath},
    user::Place,
};

const APP: &str = "https://app.example.org/portal";

static HOST: LazyLock<Arc<Host>> = LazyLock::new(|| {
    let config = CasConfig::builder("https://cas.example.org/cas", APP)
        .key(Key::from((0..64).collect::<Vec<u8>>()))
        .sign_in(|sign_in| sign_in.landing_path("/home"))
        .build();
    Arc::clone(config.unwrap().first_host())
});

/// The text as a return path, plain and encoded, and as the URL of a page that a browser shows.
pub fn return_path(text: &str) {
    for path in [ReturnPath::parse(text), ReturnPath::parse_encoded(text)] {
        let Some(path) = path else {
            continue;
        };
        stays(&path);
        leads_to_the_app(&path);
    }
    for place in [Place::Endpoint, Place::Page] {
        if let Some(page) = shown_page(&HOST, place, text) {
            stays(&page);
            leads_to_the_app(&page);
        }
    }
}

fn stays(path: &ReturnPath) {
    assert_eq!(ReturnPath::parse(path.as_str()).as_ref(), Some(path));
    assert_eq!(
        ReturnPath::parse_encoded(&path.encoded()).as_ref(),
        Some(path)
    );
    assert!(path.as_str().starts_with(path.path()));
    let bare = path.without_query();
    assert_eq!(ReturnPath::parse(bare.as_str()).as_ref(), Some(&bare));
}

fn leads_to_the_app(path: &ReturnPath) {
    let location = HOST.url.public_path(path.as_str());
    assert!(HeaderValue::from_str(&location).is_ok());
    let base = Url::parse(APP).unwrap();
    // By a `Location`, and with a proxy before us that removes the prefix.
    for (location, prefix) in [(location.as_str(), "/portal/"), (path.as_str(), "/")] {
        let arrived = base.join(location).unwrap();
        assert_eq!(arrived.origin(), base.origin());
        assert!(arrived.path().starts_with(prefix), "{arrived}");
        assert!(!arrived.path().starts_with("//"), "{arrived}");
    }
    // The same for a program that decodes the path before it reads it.
    let mut decoded = path.path().to_owned();
    while let Ok(once_more) = percent_decode_str(&decoded).decode_utf8() {
        if once_more == decoded {
            break;
        }
        decoded = once_more.into_owned();
        let arrived = base.join(&format!("/portal{decoded}")).unwrap();
        assert_eq!(arrived.origin(), base.origin());
        assert!(arrived.path().starts_with("/portal/"), "{arrived}");
        let arrived = base.join(&decoded).unwrap();
        assert_eq!(arrived.origin(), base.origin());
    }
}

/// The text as a service URL, as the app's URL, as the query of a login, and as what a login leads to.
pub fn service_url(text: &str) {
    if let Ok(url) = ServiceUrl::parse(text) {
        assert_eq!(url.as_str(), text);
        let read = Url::parse(text).unwrap();
        assert!(read.has_host() && read.username().is_empty() && read.fragment().is_none());
        // What the CAS server adds to the query is all that it finds there.
        let mut returned = read.clone();
        returned.query_pairs_mut().append_pair("ticket", "ST-1");
        let tickets = returned.query_pairs().filter(|(name, _)| name == "ticket");
        assert_eq!(tickets.count(), 1);
    }
    if let Ok(url) = AppUrl::parse(text, true) {
        let again = AppUrl::parse(&url.as_string(), true).unwrap();
        assert_eq!(again.as_string(), url.as_string());
        assert_eq!(url.app_path(&url.public_path("/a")), Some("/a"));
        assert!(Url::parse(&url.join("/a")).unwrap().path().ends_with("/a"));
    }
    let query = LoginQuery::parse(Some(text), &HOST);
    comes_back(Place::Endpoint, &query);
    if let Some((path, query)) = text.split_once('?')
        && let Some(query) = LoginQuery::in_place(Some(path), Some(query), &HOST)
    {
        comes_back(Place::Page, &query);
    }
}

/// Whatever a query says of a login, the service URL for it says the same.
fn comes_back(place: Place, query: &LoginQuery) {
    let next = query.next.as_ref();
    let tag = query.tag.as_deref().unwrap_or_default();
    let written = place.service_url(&HOST, next, query.kind, tag).unwrap();
    let url = Url::parse(written.as_str()).unwrap();
    assert_eq!(url.origin(), Url::parse(APP).unwrap().origin());
    assert!(written.as_str().starts_with(APP), "{written:?}");
    let read = match place {
        Place::Endpoint => LoginQuery::parse(url.query(), &HOST),
        Place::Page | Place::Request => {
            let path = HOST.url.app_path(path_of(&written)).unwrap();
            LoginQuery::in_place(Some(path), url.query(), &HOST).unwrap()
        }
    };
    assert_eq!(read.tag.as_deref().unwrap_or_default(), tag);
    assert_eq!(kind(read.kind), kind(query.kind));
    let landing = &HOST.app.landing;
    let next = next.unwrap_or(landing);
    let is_page = place == Place::Page || is_worth_naming(next, &HOST);
    if is_page {
        assert_eq!(read.next.as_ref().unwrap_or(landing), next);
    }
    let again = place.service_url(&HOST, read.next.as_ref(), read.kind, tag);
    assert_eq!(again.as_ref(), Ok(&written), "{written:?}");
}

/// As it was written, with its dot segments.
fn path_of(url: &ServiceUrl) -> &str {
    let rest = url.as_str().strip_prefix(HOST.url.origin()).unwrap();
    rest.split('?').next().unwrap()
}

fn kind(kind: LoginKind) -> String {
    format!("{kind:?}")
}
