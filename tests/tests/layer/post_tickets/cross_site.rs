//! Other sites can have the browser send the login cookie, and so do nothing by it.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body};
use cas_layer::{Access, CasConfig, CasInPlaceLayer, Paths, SignOutCause};
use cookie::SameSite;
use reqwest::Method;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{APP, Site, assert_sent_on, without_lax_cookies};
use crate::{
    browser::{Answer, Browser},
    single_logout::{form, message},
    support::key,
};

type Fields = &'static [(&'static str, &'static str)];

const IMAGES: &str = "image/avif,image/webp,*/*;q=0.8";
const PAGES: &str = "text/html,*/*;q=0.8";

const IMAGE: Fields = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "no-cors"),
    ("sec-fetch-dest", "image"),
    ("accept", IMAGES),
];
const FRAME: Fields = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "iframe"),
    ("accept", PAGES),
];
const SCRIPT: Fields = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "no-cors"),
    ("sec-fetch-dest", "empty"),
    ("accept", PAGES),
];
/// An image in a browser that does not say what for it asks.
const OLD_IMAGE: Fields = &[("accept", IMAGES)];

const KINDS: [Fields; 4] = [IMAGE, FRAME, SCRIPT, OLD_IMAGE];

/// A page of another site has the browser ask, and its user sees nothing of it.
async fn hidden(
    site: &Site,
    browser: &mut Browser,
    method: Method,
    path: &str,
    fields: Fields,
) -> Answer {
    let mut elsewhere = without_lax_cookies(browser);
    let request = elsewhere.request(method, &site.at(path));
    let request = fields.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let answer = elsewhere.send(request).await;
    // Nor does a browser keep a `Lax` one that comes this way (RFC 6265bis, section 5.7).
    for cookie in answer.set_cookies() {
        if cookie.same_site() == Some(SameSite::None) {
            browser.keep(cookie);
        }
    }
    answer
}

async fn site() -> Site {
    Site::with(|c| {
        c.sign_in(|sign_in| sign_in.tickets_by_post(true))
            .rule(Paths::exact("/gateway"), Access::gateway())
    })
    .await
}

#[tokio::test]
async fn no_image_frame_or_script_of_another_site_brings_a_cookie_back() {
    let site = site().await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    site.begin(&mut browser, "/login?renew=true").await;
    for fields in KINDS {
        for (method, path, status) in [
            (Method::GET, "/login", 401),
            (Method::GET, "/login?next=/profile", 401),
            (Method::GET, "/login?renew=true", 401),
            (Method::GET, "/login?g=1&next=/home", 401),
            (Method::GET, "/login?ticket=ST-1", 401),
            (Method::GET, "/logout", 403),
            (Method::POST, "/logout", 403),
            (Method::GET, "/profile", 401),
            (Method::GET, "/logout_callback?seen", 204),
        ] {
            for browser in [&mut browser, &mut Browser::new()] {
                let answer = hidden(&site, browser, method.clone(), path, fields).await;
                assert_eq!(answer.status, status, "{method} {path} {fields:?}");
                assert!(
                    answer.set_cookies().is_empty(),
                    "{method} {path} {fields:?}"
                );
            }
        }
        let page = hidden(&site, &mut browser, Method::GET, "/gateway", fields).await;
        assert!(!page.status.is_redirection(), "{fields:?}");
        assert!(page.set_cookies().is_empty(), "{fields:?}");
    }
    assert_eq!(site.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn logins_under_way_are_not_pushed_out_by_another_site() {
    let site = site().await;
    for fields in KINDS {
        let mut browser = Browser::new();
        let service = site.begin(&mut browser, "/profile").await;
        for _ in 0..5 {
            for path in ["/login", "/home/other"] {
                hidden(&site, &mut browser, Method::GET, path, fields).await;
            }
        }
        let answer = site.post_ticket(&mut browser, &service).await;
        assert_sent_on(&answer, "/profile");
    }
}

#[tokio::test]
async fn the_session_that_a_sign_in_replaces_is_not_forgotten_for_another_site() {
    let site = site().await;
    for fields in KINDS {
        for (method, path) in [
            (Method::GET, "/login"),
            (Method::GET, "/profile"),
            (Method::GET, "/logout"),
            (Method::POST, "/logout"),
        ] {
            let mut browser = Browser::new();
            site.sign_in(&mut browser, "/profile").await;
            let mut copy = browser.clone();
            let service = site.begin(&mut browser, "/login?renew=true").await;
            hidden(&site, &mut browser, method.clone(), path, fields).await;
            assert_eq!(site.whoami(&mut copy).await, "alice", "{method} {path}");
            site.post_ticket(&mut browser, &service).await;
            let left = site.whoami(&mut copy).await;
            assert_eq!(left, Value::Null, "{method} {path} {fields:?}");
        }
    }
}

#[tokio::test]
async fn a_frame_within_a_frame_of_another_site_forgets_no_session_either() {
    let site = site().await;
    let within: Fields = &[
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
        ("accept", PAGES),
    ];
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/profile").await;
    let mut copy = browser.clone();
    let service = site.begin(&mut browser, "/login?renew=true").await;
    let begun = hidden(&site, &mut browser, Method::GET, "/login", within).await;
    assert!(begun.location().starts_with(site.cas.url()));
    site.post_ticket(&mut browser, &service).await;
    assert_eq!(site.whoami(&mut copy).await, Value::Null);
}

#[tokio::test]
async fn a_link_or_a_form_of_another_site_signs_out_in_the_open() {
    let site = site().await;
    for method in [Method::GET, Method::POST] {
        let mut browser = Browser::new();
        site.sign_in(&mut browser, "/profile").await;
        let mut copy = browser.clone();
        if method == Method::GET {
            let link = browser
                .request(method, &site.at("/logout"))
                .header("accept", PAGES)
                .header("sec-fetch-site", "cross-site")
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document");
            assert_eq!(browser.send(link).await.status, 302);
        } else {
            // It comes without the session cookie.
            let answer = site.post(&mut browser, "/logout", "").await;
            assert_eq!(answer.status, 303);
        }
        assert_eq!(site.whoami(&mut browser).await, Value::Null);
        assert_eq!(site.whoami(&mut copy).await, Value::Null);
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_not_told_to_have_ended_once_more() {
    let causes = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&causes);
    let site = Site::with(|c| {
        c.sign_in(|sign_in| sign_in.tickets_by_post(true))
            .on_sign_out(move |who| noted.lock().unwrap().push(who.cause()))
    })
    .await;
    let mut browser = Browser::new();
    let service = site.begin(&mut browser, "/profile").await;
    let ticket = site.cas.issue_ticket("alice", &service);
    site.post(&mut browser, &service, &format!("ticket={ticket}"))
        .await;
    let logout = form(&message(&[&ticket]));
    site.post(&mut Browser::new(), &service, &logout).await;
    site.post(&mut browser, "/logout", "").await;
    assert_eq!(*causes.lock().unwrap(), [SignOutCause::BackChannel]);
}

#[tokio::test]
async fn the_apps_own_pages_and_links_elsewhere_begin_logins_as_ever() {
    let site = site().await;
    let own: Fields = &[
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("accept", "*/*"),
    ];
    let sibling: Fields = &[("sec-fetch-site", "same-site"), ("accept", "*/*")];
    let link: Fields = &[
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("accept", PAGES),
    ];
    let typed: Fields = &[
        ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("accept", PAGES),
    ];
    for fields in [own, sibling, link, typed, &[("accept", PAGES)]] {
        let answer = hidden(&site, &mut Browser::new(), Method::GET, "/login", fields).await;
        assert!(answer.location().starts_with(site.cas.url()), "{fields:?}");
        assert_eq!(answer.set_cookies().len(), 1, "{fields:?}");
    }
}

#[tokio::test]
async fn in_place_no_ticket_is_posted_and_the_login_cookie_stays_lax() {
    let cas = "https://cas.example.org";
    let config = CasConfig::builder(cas, APP)
        .key(key(1))
        .sign_in(|sign_in| sign_in.tickets_by_post(true));
    let app = Router::new().layer(CasInPlaceLayer::new(config.build().unwrap()));
    let request = http::Request::builder()
        .uri("/page")
        .header("accept", PAGES)
        .body(Body::empty())
        .unwrap();
    let answer = app.oneshot(request).await.unwrap();
    let field = |name| answer.headers()[name].to_str().unwrap();
    assert!(field("location").starts_with(cas), "{}", field("location"));
    assert!(!field("location").contains("method="));
    assert!(field("set-cookie").contains("SameSite=Lax"));
}

#[tokio::test]
async fn a_bare_service_url_and_tickets_by_post_do_not_go_together() {
    let config = CasConfig::builder("https://cas.example.org", APP)
        .key(key(1))
        .sign_in(|sign_in| sign_in.bare_service_url(true).tickets_by_post(true));
    let error = config.build().unwrap_err().to_string();
    assert!(error.contains("tickets by POST"), "{error}");
}

#[tokio::test]
async fn a_frame_begins_a_login_only_where_the_app_may_be_framed_and_the_posted_ticket_comes_back()
{
    let site = Site::with(|c| {
        c.sign_in(|sign_in| sign_in.tickets_by_post(true))
            .session(|session| session.framed_by(["https://portal.example"]))
    })
    .await;
    let mut browser = Browser::new();
    let begun = hidden(&site, &mut browser, Method::GET, "/profile", FRAME).await;
    let service = begun.location_parameter("service").unwrap();
    let back = site.post_ticket(&mut browser, &service).await;
    assert_sent_on(&back, "/profile");
    assert_eq!(site.whoami(&mut browser).await, "alice");
    // Another ticket by another form of the same site: the first session does not show, and the second takes its place.
    let service = site.begin(&mut browser, "/login?renew=true").await;
    let back = site.post_ticket(&mut browser, &service).await;
    assert_sent_on(&back, "/home");
    for kind in [IMAGE, SCRIPT] {
        let answer = hidden(&site, &mut browser, Method::GET, "/login", kind).await;
        assert_eq!(answer.status, 401);
        assert!(answer.set_cookies().is_empty());
    }
}
