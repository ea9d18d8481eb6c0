//! An app that pages of other sites may frame.

use cas_layer::{
    Access, CasApiLayer, CasConfig, CasConfigBuilder, CasInPlaceLayer, CasLayer, ConfigError, Key,
    Paths, Require, testing::CasServer,
};
use cookie::SameSite;
use http::{HeaderValue, StatusCode, header};
use reqwest::Method;
use serde_json::Value;

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

const PORTAL: &str = "https://portal.example";
const POLICY: &str = "frame-ancestors 'self' https://portal.example http://localhost:8080";

/// Puts a layer over an app.
type Under = fn(axum::Router, CasConfig) -> axum::Router;

type Fields<'f> = &'f [(&'static str, &'f str)];

const PAGES: (&str, &str) = ("accept", "text/html,*/*;q=0.8");
const ELSEWHERE: (&str, &str) = ("sec-fetch-site", "cross-site");
const HERE: (&str, &str) = ("sec-fetch-site", "same-origin");
const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
const FRAME: (&str, &str) = ("sec-fetch-dest", "iframe");
const TAB: (&str, &str) = ("sec-fetch-dest", "document");
const IMAGE: Fields<'_> = &[
    ELSEWHERE,
    ("sec-fetch-mode", "no-cors"),
    ("sec-fetch-dest", "image"),
    ("accept", "image/avif,*/*;q=0.8"),
];

fn framed(config: CasConfigBuilder) -> CasConfigBuilder {
    config.session(|session| session.framed_by([PORTAL, "http://localhost:8080"]))
}

async fn send(browser: &mut Browser, method: Method, url: &str, fields: Fields<'_>) -> Answer {
    let request = fields
        .iter()
        .fold(browser.request(method, url), |request, (name, value)| {
            request.header(*name, *value)
        });
    browser.send(request).await
}

/// Who signs in in a frame of the portal, with all redirects.
async fn sign_in_framed(app: &App, browser: &mut Browser) {
    let fields = [ELSEWHERE, NAVIGATE, FRAME, PAGES];
    let begun = send(browser, Method::GET, &app.at("/profile"), &fields).await;
    let service = begun.location_parameter("service").unwrap();
    let back = send(browser, Method::GET, &app.callback(&service), &fields).await;
    assert_eq!(back.location(), "/profile");
    let page = send(browser, Method::GET, &app.at("/profile"), &fields).await;
    let page: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!(page["user"], "alice");
}

fn policies(answer: &Answer) -> Vec<&str> {
    answer
        .headers
        .get_all("content-security-policy")
        .iter()
        .map(|policy| policy.to_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_cookie_is_partitioned_and_has_a_name_of_its_own() {
    let app = App::with(framed).await;
    let mut browser = Browser::new();
    sign_in_framed(&app, &mut browser).await;
    assert_eq!(browser.cookies.len(), 2);
    for cookie in &browser.cookies {
        assert!(cookie.name().contains("-framed-"), "{cookie}");
        assert_eq!(cookie.same_site(), Some(SameSite::None), "{cookie}");
        assert_eq!(cookie.partitioned(), Some(true), "{cookie}");
        assert_eq!(cookie.secure(), Some(true), "{cookie}");
        assert_eq!(cookie.http_only(), Some(true), "{cookie}");
        assert_eq!(cookie.path(), Some("/"), "{cookie}");
    }
    // A browser takes a cookie away only if it is told of the same one.
    let out = browser.open(&app.at("/logout")).await;
    let cleared = out.set_cookies();
    let session = cleared
        .iter()
        .find(|cookie| cookie.name().ends_with("-session"))
        .unwrap();
    assert!(session.value().is_empty());
    assert_eq!(session.partitioned(), Some(true));
    assert!(!browser.has_session());

    let plain = App::start().await;
    let mut browser = Browser::new();
    plain.sign_in(&mut browser, "/profile").await;
    for cookie in &browser.cookies {
        assert!(!cookie.name().contains("framed"), "{cookie}");
        assert_eq!(cookie.same_site(), Some(SameSite::Lax), "{cookie}");
        assert_eq!(cookie.partitioned(), None, "{cookie}");
    }
}

#[tokio::test]
async fn every_answer_says_once_who_may_frame_it() {
    let app = App::with(framed).await;
    let mut browser = Browser::new();
    for path in [
        "/public/whoami",
        "/profile",
        "/login",
        "/login?ticket=ST-1",
        "/logout",
        "/logout_callback",
    ] {
        let answer = browser.open(&app.at(path)).await;
        let ours: Vec<_> = policies(&answer);
        let ours: Vec<_> = ours.iter().filter(|it| it.contains("frame-anc")).collect();
        assert_eq!(ours, [&POLICY], "{path}");
        assert_eq!(answer.header("x-frame-options"), "", "{path}");
    }
    app.sign_in(&mut browser, "/profile").await;
    assert_eq!(policies(&browser.open(&app.at("/profile")).await), [POLICY]);

    let plain = App::start().await;
    let page = browser.open(&plain.at("/public/whoami")).await;
    assert!(policies(&page).is_empty());
    let page = browser.open(&plain.at("/logout_callback")).await;
    assert!(policies(&page)[0].ends_with("; frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_policy_of_the_app_stays_beside_ours_below_every_layer() {
    let own = "frame-ancestors 'none'";
    let marked = |app: axum::Router| {
        let mark = move |mut response: axum::response::Response| async move {
            let headers = response.headers_mut();
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(own),
            );
            response
        };
        app.layer(axum::middleware::map_response(mark))
    };
    let layers: [Under; 3] = [
        |app, config| app.layer(CasLayer::new(config)),
        |app, config| app.layer(CasInPlaceLayer::new(config)),
        |app, config| app.layer(CasApiLayer::new(config)),
    ];
    for layer in layers {
        let cas = CasServer::builder().user(alice());
        let app = App::under(cas, framed, |app, config| layer(marked(app), config)).await;
        let mut browser = Browser::new();
        let page = browser.open(&app.at("/public/whoami")).await;
        assert_eq!(policies(&page), [own, POLICY]);
    }
}

#[tokio::test]
async fn a_rule_of_a_single_route_adds_no_second_policy() {
    let cas = CasServer::builder().user(alice());
    let under = |app: axum::Router, config| {
        let require = Require::new(Access::required()).unwrap();
        app.layer(require).layer(CasLayer::new(config))
    };
    let optional = |config| framed(config).rule(Paths::prefix("/"), Access::optional());
    let app = App::under(cas, optional, under).await;
    let mut browser = Browser::new();
    let refused = browser.open(&app.at("/profile")).await;
    assert!(refused.location().starts_with(app.cas.url()));
    assert_eq!(policies(&refused), [POLICY]);
    app.sign_in(&mut browser, "/profile").await;
    let page = browser.open(&app.at("/profile")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(policies(&page), [POLICY]);
}

#[tokio::test]
async fn a_session_does_not_count_for_what_another_site_may_have_forged() {
    let app = App::with(framed).await;
    let mut browser = Browser::new();
    sign_in_framed(&app, &mut browser).await;
    let own_origin = app.url.clone();
    let origin = |origin| ("origin", origin);
    let reached = app.reached();
    let forged: [(Method, Fields<'_>); 8] = [
        (Method::POST, &[ELSEWHERE, NAVIGATE, TAB, PAGES]),
        (Method::POST, &[ELSEWHERE, NAVIGATE, FRAME, PAGES]),
        (Method::POST, &[("sec-fetch-site", "same-site"), NAVIGATE]),
        (Method::DELETE, &[ELSEWHERE, ("sec-fetch-mode", "cors")]),
        (Method::POST, &[origin("https://evil.example"), PAGES]),
        (Method::POST, &[origin("null"), PAGES]),
        (Method::GET, IMAGE),
        (Method::GET, &[origin(PORTAL), ("upgrade", "websocket")]),
    ];
    for (method, fields) in forged {
        let answer = send(&mut browser, method.clone(), &app.at("/profile"), fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{method} {fields:?}"
        );
        assert!(answer.set_cookies().is_empty(), "{method} {fields:?}");
    }
    assert_eq!(app.reached(), reached);
    // On a page for everybody they are nobody.
    let answer = send(&mut browser, Method::GET, &app.at("/public/whoami"), IMAGE).await;
    assert_eq!(answer.body, r#"{"attributes":null,"user":null}"#);

    let genuine: [(Method, Fields<'_>); 6] = [
        (Method::POST, &[HERE, NAVIGATE, FRAME, PAGES]),
        (Method::POST, &[HERE, ("sec-fetch-mode", "cors")]),
        (Method::POST, &[origin(&own_origin)]),
        (Method::POST, &[]),
        (Method::GET, &[HERE, ("sec-fetch-mode", "cors")]),
        (Method::GET, &[ELSEWHERE, NAVIGATE, TAB, PAGES]),
    ];
    for (method, fields) in genuine {
        let answer = send(&mut browser, method.clone(), &app.at("/profile"), fields).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {fields:?}");
    }
}

#[tokio::test]
async fn in_place_too_a_forged_form_has_no_session() {
    let cas = CasServer::builder().user(alice());
    let under = |app: axum::Router, config| app.layer(CasInPlaceLayer::new(config));
    let app = App::under(cas, framed, under).await;
    let mut browser = Browser::new();
    sign_in_framed_in_place(&app, &mut browser).await;
    for (site, status) in [(ELSEWHERE, 401), (HERE, 200)] {
        for kind in ["application/x-www-form-urlencoded", "text/plain"] {
            let request = browser
                .request(Method::POST, &app.at("/profile"))
                .header("content-type", kind)
                .header(site.0, site.1)
                .header(NAVIGATE.0, NAVIGATE.1)
                .body("a=b");
            assert_eq!(browser.send(request).await.status, status, "{site:?}");
        }
    }
}

async fn sign_in_framed_in_place(app: &App, browser: &mut Browser) {
    let fields = [ELSEWHERE, NAVIGATE, FRAME, PAGES];
    let begun = send(browser, Method::GET, &app.at("/profile"), &fields).await;
    let service = begun.location_parameter("service").unwrap();
    let back = send(browser, Method::GET, &app.callback(&service), &fields).await;
    assert_eq!(back.status, StatusCode::FOUND);
    assert!(browser.has_session());
}

#[tokio::test]
async fn only_the_app_itself_signs_out_in_a_frame() {
    let app = App::with(framed).await;
    let mut browser = Browser::new();
    sign_in_framed(&app, &mut browser).await;
    let tab = ("sec-fetch-dest", "document");
    let foreign: [(Method, Fields<'_>); 6] = [
        (Method::GET, IMAGE),
        (Method::GET, &[ELSEWHERE, NAVIGATE, FRAME, PAGES]),
        (Method::POST, &[ELSEWHERE, NAVIGATE, FRAME, PAGES]),
        // A form in a tab, of another site and of a sibling domain, and in a browser that names an origin only.
        (Method::POST, &[ELSEWHERE, NAVIGATE, tab, PAGES]),
        (
            Method::POST,
            &[("sec-fetch-site", "same-site"), NAVIGATE, tab, PAGES],
        ),
        (Method::POST, &[("origin", "https://evil.example"), PAGES]),
    ];
    for (method, fields) in foreign {
        let answer = send(&mut browser, method, &app.at("/logout"), fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(app.whoami(&mut browser).await, "alice");
    let fields = [HERE, NAVIGATE, FRAME, PAGES];
    let out = send(&mut browser, Method::GET, &app.at("/logout"), &fields).await;
    assert!(out.location().starts_with(app.cas.url()));
    assert_eq!(app.whoami(&mut browser).await, Value::Null);
}

#[tokio::test]
async fn an_image_of_another_site_begins_no_login_and_a_frame_does() {
    let app = App::with(framed).await;
    let mut browser = Browser::new();
    for path in ["/login", "/profile"] {
        let answer = send(&mut browser, Method::GET, &app.at(path), IMAGE).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.set_cookies().is_empty(), "{path}");
        let fields = [ELSEWHERE, NAVIGATE, FRAME, PAGES];
        let answer = send(&mut browser, Method::GET, &app.at(path), &fields).await;
        assert!(answer.location().starts_with(app.cas.url()), "{path}");
    }
}

#[tokio::test]
async fn the_question_is_framed_by_the_same_and_answered_in_a_frame() {
    let app =
        App::with(|config| framed(config).sign_in(|sign_in| sign_in.bare_service_url(true))).await;
    let mut browser = Browser::new();
    let fields = [ELSEWHERE, NAVIGATE, FRAME, PAGES];
    let begun = send(&mut browser, Method::GET, &app.at("/profile"), &fields).await;
    let service = begun.location_parameter("service").unwrap();
    let ticket = app.cas.issue_ticket("alice", &service);
    let callback = format!("{service}?ticket={ticket}");
    let page = send(&mut browser, Method::GET, &callback, &fields).await;
    let [own, ours] = policies(&page)[..] else {
        panic!("{:?}", policies(&page))
    };
    assert!(!own.contains("frame-ancestors"), "{own}");
    assert_eq!(ours, POLICY);
    let question = page.question();
    let answer = |browser: &Browser, site: (&'static str, &'static str)| {
        let url = app.at(&question.action);
        let form = browser.form(&url, question.form("continue"));
        [site, NAVIGATE, FRAME]
            .iter()
            .fold(form, |form, (name, value)| form.header(*name, *value))
    };
    let foreign = answer(&browser, ELSEWHERE);
    // Nor does a script of the page answer.
    let scripted = browser
        .form(&app.at(&question.action), question.form("continue"))
        .header("sec-fetch-site", "same-origin")
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-dest", "empty");
    for other in [foreign, scripted] {
        let refused = browser.send(other).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let own = answer(&browser, HERE);
    let confirmed = browser.send(own).await;
    assert_eq!(confirmed.location(), "/profile");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[test]
fn what_browsers_would_not_keep_or_obey_is_refused() {
    let built = |app: &str, origin: &str| {
        CasConfig::builder("https://cas.example.org/cas", app)
            .key(Key::generate())
            .allow_insecure_http(true)
            .session(|session| session.framed_by([origin]))
            .build()
    };
    for app in [
        "https://app.example.org",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://app.localhost:1",
    ] {
        assert!(built(app, PORTAL).is_ok(), "{app}");
    }
    let error = built("http://app.example.org", PORTAL).unwrap_err();
    assert!(
        matches!(&error, ConfigError::FramesWithoutHttps { url } if url == "http://app.example.org"),
        "{error}"
    );
    for origin in [
        "https://*.example.org",
        "https://portal.example.org/lms",
        "http://portal.example.org",
        "portal.example.org",
        "*",
    ] {
        let error = built("https://app.example.org", origin).unwrap_err();
        assert!(
            matches!(&error, ConfigError::InvalidFrameAncestor { origin: given, .. } if given == origin),
            "{error}"
        );
    }
    let further = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .host("http://app.example.com")
        .key(Key::generate())
        .allow_insecure_http(true)
        .session(|session| session.framed_by([PORTAL]));
    assert!(matches!(
        further.build(),
        Err(ConfigError::FramesWithoutHttps { .. })
    ));
    let nobody = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(Key::generate())
        .session(|session| session.framed_by([""; 0]))
        .build()
        .unwrap();
    assert!(!nobody.cookie_name().contains("framed"));
}
