//! The endpoint where a reverse proxy asks about requests to a backend, without the proxy.

use std::time::Duration;

use cas_layer::{
    Access, AuthRequestOptions, CasConfig, CasConfigBuilder, CasLayer, ConfigError, Paths,
    testing::{CasServer, User},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Method;

use crate::{
    browser::{Answer, Browser, parameter},
    support::{App, alice, key},
};

const URI: &str = "x-original-uri";
const METHOD: &str = "x-original-method";
const LOGIN_URL: &str = "cas-login-url";

fn told(auth: AuthRequestOptions) -> AuthRequestOptions {
    auth.path("/auth")
        .original_uri("X-Original-URI")
        .original_method("X-Original-Method")
        .identity(|it| {
            it.attribute("memberOf", "Remote-Groups")
                .attribute("mail", "Remote-Mail")
        })
}

async fn app() -> App {
    App::with(|config| {
        config
            .auth_request(told)
            .rule(Paths::prefix("/cats"), only("cats & hatters"))
            .rule(Paths::prefix("/admin"), only("admins"))
            .rule(
                Paths::prefix("/fresh"),
                Access::required().fresh(Duration::from_secs(60)),
            )
            .rule(Paths::prefix("/api"), Access::required().no_redirect())
            .rule(Paths::prefix("/optional"), Access::optional())
    })
    .await
}

fn only(group: &str) -> Access {
    Access::required().any_of("memberOf", [group])
}

/// What the proxy gets for a request of this browser, which opens a page.
async fn ask(app: &App, browser: &mut Browser, uri: &str) -> Answer {
    ask_as(
        app,
        browser,
        "GET",
        uri.as_bytes(),
        &[("accept", "text/html")],
    )
    .await
}

async fn ask_as(
    app: &App,
    browser: &mut Browser,
    method: &str,
    uri: &[u8],
    fields: &[(&'static str, &str)],
) -> Answer {
    let mut headers: HeaderMap = fields
        .iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        })
        .collect();
    headers.insert(URI, HeaderValue::from_bytes(uri).unwrap());
    headers.insert(METHOD, HeaderValue::from_str(method).unwrap());
    let request = browser.request(Method::GET, &app.at("/auth"));
    browser.send(request.headers(headers)).await
}

/// Where the sign-in leads that an answer names.
fn next_of(app: &App, answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(answer.header("www-authenticate"), "CAS");
    let url = answer.header(LOGIN_URL);
    assert!(url.starts_with(&app.at("/login")), "{url}");
    parameter(url, "next")
}

fn names_nobody(answer: &Answer) -> bool {
    !answer
        .headers
        .keys()
        .any(|name| name.as_str().starts_with("remote-"))
}

#[tokio::test]
async fn a_user_is_named_and_a_visitor_is_told_where_to_sign_in() {
    let app = app().await;
    let mut browser = Browser::new();
    let answer = ask(&app, &mut browser, "/profile?a=b%20c").await;
    assert_eq!(next_of(&app, &answer).as_deref(), Some("/profile?a=b%20c"));
    assert!(names_nobody(&answer) && answer.body.is_empty());
    assert_eq!(answer.header("cache-control"), "no-store");

    // That is where the sign-in begins and ends.
    let login = answer.header(LOGIN_URL).to_owned();
    let service = browser
        .open(&login)
        .await
        .location_parameter("service")
        .unwrap();
    let back = browser.open(&app.callback(&service)).await;
    assert_eq!(back.location(), "/profile?a=b%20c");

    let answer = ask(&app, &mut browser, "/profile?a=b%20c").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("remote-user"), "alice");
    assert_eq!(
        answer.header("remote-groups"),
        "rabbits,cats & hatters,%E7%8C%AB"
    );
    assert_eq!(answer.header("remote-mail"), "alice@wonderland.example");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(app.reached(), 0);
}

#[tokio::test]
async fn nothing_that_the_question_says_of_a_user_comes_back() {
    let app = app().await;
    let forged = [
        ("accept", "text/html"),
        ("remote-user", "root"),
        ("remote-groups", "admins"),
        ("cas-login-url", "https://evil.example/"),
    ];
    let mut browser = Browser::new();
    let answer = ask_as(&app, &mut browser, "GET", b"/optional", &forged).await;
    assert!(answer.status == 204 && names_nobody(&answer));
    let answer = ask_as(&app, &mut browser, "GET", b"/a", &forged).await;
    assert_eq!(next_of(&app, &answer).as_deref(), Some("/a"));
    app.sign_in(&mut browser, "/profile").await;
    let answer = ask_as(&app, &mut browser, "GET", b"/a", &forged).await;
    let names: Vec<_> = answer.headers.get_all("remote-user").iter().collect();
    assert_eq!(names, ["alice"]);
    let answer = ask_as(&app, &mut browser, "GET", b"/admin", &forged).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn rules_decide_about_the_path_that_the_browser_asked_for() {
    let app = app().await;
    let (mut visitor, mut user) = (Browser::new(), Browser::new());
    app.sign_in(&mut user, "/profile").await;
    for (uri, of_visitor, of_user) in [
        ("/", 204, 204),
        ("/public/a?b", 204, 204),
        ("/optional", 204, 204),
        ("/a", 401, 204),
        ("/cats", 401, 204),
        ("/admin", 401, 403),
        ("/admin/users?x=/public", 401, 403),
        ("/api", 401, 204),
        // The layer's own paths are nobody's.
        ("/login", 403, 403),
        ("/logout?a", 403, 403),
        ("/auth", 403, 403),
        // Other spellings are never public, and may be another path to the backend.
        ("//public", 403, 403),
        ("/public/../admin", 403, 403),
        ("/public/..%2fadmin", 403, 403),
        ("/public/%2e%2e/admin", 403, 403),
        ("/public/%252e%252e/admin", 403, 403),
        ("/%61dmin", 403, 403),
        ("/public;/admin", 403, 403),
        ("/public\\..\\admin", 403, 403),
        ("/public%00", 403, 403),
        // No paths.
        ("", 403, 403),
        ("*", 403, 403),
        ("public", 403, 403),
        ("https://evil.example/public", 403, 403),
        ("//evil.example/public", 403, 403),
        ("\\\\evil.example", 403, 403),
        ("/public#/admin", 403, 403),
        ("/public /admin", 403, 403),
    ] {
        let answer = ask(&app, &mut visitor, uri).await;
        assert_eq!(answer.status, of_visitor, "a visitor: {uri}");
        assert!(names_nobody(&answer), "{uri}");
        let answer = ask(&app, &mut user, uri).await;
        assert_eq!(answer.status, of_user, "a user: {uri}");
        assert_eq!(names_nobody(&answer), of_user != 204, "{uri}");
    }
    let not_ascii = ask_as(&app, &mut user, "GET", "/café".as_bytes(), &[]).await;
    assert_eq!(not_ascii.status, 403);
    assert_eq!(app.reached(), 0);
}

#[tokio::test]
async fn a_sign_in_leads_nowhere_but_to_this_app() {
    // Without a rule that asks for more, other spellings just require a user.
    let app = App::with(|config| config.auth_request(told)).await;
    let mut browser = Browser::new();
    for (uri, next) in [
        ("/a?b=//evil.example", Some("/a?b=//evil.example")),
        ("/home", None),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("/%2fevil.example", None),
        ("/%5cevil.example", None),
        ("/a/../..//evil.example", None),
        ("/a?ticket=ST-1-x&c", Some("/a?c")),
        ("/a?b%0d%0aSet-Cookie:x=y", Some("/a?b%0d%0aSet-Cookie:x=y")),
    ] {
        let answer = ask(&app, &mut browser, uri).await;
        assert_eq!(next_of(&app, &answer).as_deref(), next, "{uri}");
    }
    // As much as there is room for.
    let long = |path: usize, query: usize| format!("/{}?{}", "p".repeat(path), "%20".repeat(query));
    for (uri, kept) in [
        (long(10, 100), Some(long(10, 100))),
        (long(10, 600), Some(format!("/{}", "p".repeat(10)))),
        (long(3_000, 1), None),
    ] {
        let answer = ask(&app, &mut browser, &uri).await;
        assert_eq!(next_of(&app, &answer), kept);
        assert!(answer.header(LOGIN_URL).len() < 2_900);
    }
}

#[tokio::test]
async fn only_a_page_that_is_opened_leads_to_the_sign_in() {
    let app = app().await;
    let mut browser = Browser::new();
    let page = [("accept", "text/html")];
    let script = [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
    let socket = [("sec-fetch-mode", "websocket")];
    let ahead = [("accept", "text/html"), ("sec-purpose", "prefetch")];
    for (method, uri, fields, leads) in [
        ("GET", "/a", &page[..], true),
        ("HEAD", "/a", &page, true),
        ("POST", "/a", &page, false),
        ("DELETE", "/a", &page, false),
        ("get", "/a", &page, false),
        ("GET", "/a", &script, false),
        ("GET", "/a", &socket, false),
        ("GET", "/a", &ahead, false),
        ("GET", "/a", &[], false),
        ("GET", "/api", &page, false),
    ] {
        let answer = ask_as(&app, &mut browser, method, uri.as_bytes(), fields).await;
        assert_eq!(answer.status, 401);
        let has_url = answer.headers.contains_key(LOGIN_URL);
        assert_eq!(has_url, leads, "{method} {uri} {fields:?}");
    }
}

#[tokio::test]
async fn credentials_that_are_not_fresh_are_asked_for_again() {
    let clock = cas_layer::testing::ManualClock::default();
    let app = App::with(|config| {
        config.clock(clock.clone()).auth_request(told).rule(
            Paths::prefix("/fresh"),
            Access::required().fresh(Duration::from_secs(60)),
        )
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/fresh").await;
    assert_eq!(ask(&app, &mut browser, "/fresh").await.status, 204);
    clock.advance(Duration::from_secs(120));
    let answer = ask(&app, &mut browser, "/fresh").await;
    assert_eq!(next_of(&app, &answer).as_deref(), Some("/fresh"));
    let renew = parameter(answer.header(LOGIN_URL), "renew");
    assert_eq!(renew.as_deref(), Some("true"));
    assert_eq!(ask(&app, &mut browser, "/a").await.status, 204);
}

#[tokio::test]
async fn a_session_that_has_ended_counts_at_once() {
    let app = app().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    assert_eq!(ask(&app, &mut browser, "/a").await.status, 204);
    let report = app.cas.log_out("alice").await;
    assert_eq!(report.accepted, 1);
    let answer = ask(&app, &mut browser, "/a").await;
    assert_eq!(next_of(&app, &answer).as_deref(), Some("/a"));
    assert!(names_nobody(&answer));
}

#[tokio::test]
async fn groups_that_are_in_the_registry_are_named_too() {
    let groups: Vec<String> = (0..120).map(|n| format!("group-number-{n}")).collect();
    let user = User::new("alice", "rabbit-hole").attribute("memberOf", &groups);
    let under = |routes: axum::Router, config| routes.layer(CasLayer::new(config));
    let app = App::under(
        CasServer::builder().user(user),
        |config| {
            let place = cas_layer::SessionPlace::Registry;
            let config = config.session(|session| session.place(place));
            config
                .auth_request(told)
                .rule(Paths::prefix("/last"), only("group-number-119"))
        },
        under,
    )
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let answer = ask(&app, &mut browser, "/last").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("remote-groups"), groups.join(","));
}

#[tokio::test]
async fn a_proxy_that_does_not_say_which_request_it_asks_about_gets_nothing() {
    let app = app().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let (uri, method) = ((URI, "/public"), (METHOD, "GET"));
    for fields in [
        &[][..],
        &[uri],
        &[method],
        &[uri, method, uri],
        &[uri, method, method],
        &[uri, (METHOD, "G T")],
    ] {
        let mut request = browser.request(Method::GET, &app.at("/auth"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 400, "{fields:?}");
        assert!(names_nobody(&answer));
    }
    // The question itself is a `GET`.
    for asked in [Method::POST, Method::DELETE] {
        let request = browser.request(asked, &app.at("/auth"));
        let request = request.header(URI, "/public").header(METHOD, "GET");
        assert_eq!(browser.send(request).await.status, 405);
    }
}

#[tokio::test]
async fn without_the_fields_every_request_requires_a_user_and_no_field_is_read() {
    let app = App::with(|config| config.auth_request(|auth| auth.path("/auth"))).await;
    let mut browser = Browser::new();
    let answer = ask(&app, &mut browser, "/public").await;
    assert_eq!(next_of(&app, &answer), None);
    app.sign_in(&mut browser, "/profile").await;
    let answer = ask(&app, &mut browser, "/public").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("remote-user"), "alice");
    assert!(!answer.headers.contains_key("remote-groups"));
}

#[tokio::test]
async fn there_is_no_endpoint_by_default() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let answer = ask(&app, &mut browser, "/public").await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, "/auth"));
    assert!(names_nobody(&answer));
}

#[test]
fn what_cannot_be_or_would_let_too_much_through_is_refused() {
    let base =
        || CasConfig::builder("https://cas.example.org/cas", "https://app.example.org").key(key(1));
    let refused = |config: CasConfigBuilder, words: &str| {
        let error = config.build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidAuthRequest { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(words), "{error}");
    };
    let admins = |config: CasConfigBuilder| config.rule(Paths::prefix("/admin"), only("admins"));
    let path_alone = |config: CasConfigBuilder| config.auth_request(|auth| auth.path("/auth"));
    refused(admins(path_alone(base())), "more than a user");
    assert!(admins(base().auth_request(told)).build().is_ok());
    assert!(path_alone(base()).build().is_ok());
    refused(
        base().auth_request(|auth| auth.identity(|it| it.user("X-User"))),
        "no path",
    );
    refused(
        base().auth_request(|auth| auth.path("/auth").original_uri("X-Original-URI")),
        "belong together",
    );
    refused(
        base()
            .auth_request(told)
            .session(|it| it.framed_by(["https://portal.example.org"])),
        "frame",
    );
    for name in ["Host", "Cookie", "Remote-User", "REMOTE_USER", "a b", ""] {
        let config = base().auth_request(|auth| told(auth).original_uri(name));
        assert!(
            matches!(config.build(), Err(ConfigError::InvalidHeaderName { .. })),
            "{name}"
        );
    }
    for path in ["auth", "/login", "/", "/a/"] {
        let config = base().auth_request(|auth| told(auth).path(path));
        assert!(config.build().is_err(), "{path}");
    }
    // Nobody is sent there after a sign-in.
    let config = base()
        .auth_request(told)
        .sign_in(|it| it.landing_path("/auth"));
    assert!(config.build().is_err());
}

#[tokio::test]
async fn the_path_of_an_app_is_part_of_the_uri_whether_or_not_the_proxy_removes_it() {
    use tower::{Layer as _, ServiceExt as _};

    for stripped in [false, true] {
        let cas = CasServer::builder().user(alice()).start().await.unwrap();
        let config = CasConfig::builder(cas.url(), "http://127.0.0.1:8080/portal")
            .key(key(1))
            .endpoints(|it| it.prefix_stripped_by_proxy(stripped))
            .public_prefix("/public")
            .auth_request(told);
        let nobody = tower::service_fn(async |_: http::Request<String>| {
            Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()))
        });
        let service = CasLayer::new(config.build().unwrap()).layer(nobody);
        let endpoint = if stripped { "/auth" } else { "/portal/auth" };
        for (uri, status, next) in [
            ("/portal/public/a", 204, None),
            ("/portal/a?b", 401, Some("/a?b")),
            ("/portal/login", 403, None),
            ("/login", 401, None),
            ("/public/a", 401, None),
            ("/a", 401, None),
        ] {
            let request = http::Request::get(endpoint)
                .header("accept", "text/html")
                .header(URI, uri)
                .header(METHOD, "GET")
                .body(String::new());
            let answer = service.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{stripped} {uri}");
            let url = answer.headers().get(LOGIN_URL);
            let url = url.map_or("", |url| url.to_str().unwrap());
            if status == 401 {
                assert!(url.starts_with("http://127.0.0.1:8080/portal/login"));
                assert_eq!(parameter(url, "next").as_deref(), next, "{stripped} {uri}");
            }
        }
    }
}
