//! Who is redirected, and who gets a 401.

use std::time::Duration;

use axum::{Router, routing::get};
use cas_layer::{Access, CasLayer, Paths, Require, testing::CasServer};
use reqwest::Method;

use crate::{
    browser::{Answer, Browser},
    support::{App, alice},
};

/// What programs say, and old browsers about what is not a page.
const PROGRAMS: &[&[(&str, &str)]] = &[
    &[],
    &[("accept", "*/*")],
    &[("accept", "text/*")],
    &[("accept", "image/png,image/*;q=0.8,*/*;q=0.5")],
    &[("accept", "application/json, text/plain, */*")],
    &[(
        "accept",
        "application/openmetrics-text;version=1.0.0,*/*;q=0.1",
    )],
    &[("accept", "text/html;q=0, */*")],
    &[("accept", "text/html"), ("authorization", "Bearer x")],
    &[
        ("accept", "text/html"),
        ("x-requested-with", "XMLHttpRequest"),
    ],
];

async fn ask(browser: &mut Browser, url: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = browser.request(Method::GET, url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    browser.send(request).await
}

#[tokio::test]
async fn no_program_is_redirected() {
    let app = App::start().await;
    let in_place = App::in_place().await;
    for app in [app, in_place] {
        for program in PROGRAMS {
            let answer = ask(&mut Browser::new(), &app.at("/profile"), program).await;
            assert_eq!(answer.status, 401, "{program:?}");
            let kind = answer.header("content-type");
            assert_eq!(kind, "application/problem+json", "{program:?}");
            assert!(answer.set_cookies().is_empty(), "{program:?}");
        }
        for accept in ["text/html", "*/*;q=0.1, application/xhtml+xml;q=0.2"] {
            let page = ask(
                &mut Browser::new(),
                &app.at("/profile"),
                &[("accept", accept)],
            )
            .await;
            assert!(page.location().starts_with(app.cas.url()), "{accept}");
        }
        assert_eq!(app.reached(), 0);
    }
}

#[tokio::test]
async fn whoever_opens_an_endpoint_is_redirected() {
    let app = App::start().await;
    for program in PROGRAMS {
        for path in ["/login", "/login?next=/profile", "/logout"] {
            let answer = ask(&mut Browser::new(), &app.at(path), program).await;
            assert!(
                answer.location().starts_with(app.cas.url()),
                "{program:?} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_path_without_redirects_gives_a_browser_a_page_that_leads_back() {
    let app = App::with(|config| {
        let programs = Access::required().no_redirect();
        let lately = Access::required()
            .fresh(Duration::from_secs(60))
            .no_redirect();
        config
            .rule(Paths::prefix("/api"), programs)
            .rule(Paths::exact("/lately"), lately)
    })
    .await;
    let mut browser = Browser::new();
    for path in ["/api/a?b=c", "/api"] {
        let answer = browser.open(&app.at(path)).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert!(
            answer.body.contains("href=\"/login?next="),
            "{}",
            answer.body
        );
        assert!(answer.set_cookies().is_empty());
    }
    let script = ask(&mut browser, &app.at("/api/a"), &[("accept", "*/*")]).await;
    assert_eq!(script.status, 401);
    let page = browser.open(&app.at("/lately")).await;
    assert_eq!(page.status, 401);
    assert!(page.body.contains("renew=true"), "{}", page.body);
    assert!(browser.open(&app.at("/apis")).await.status.is_redirection());
    app.sign_in(&mut browser, "/profile").await;
    assert_eq!(browser.open(&app.at("/api/a")).await.status, 200);
}

#[tokio::test]
async fn a_single_route_without_redirects() {
    let api = Require::new(Access::required().no_redirect()).unwrap();
    let page = Require::new(Access::required()).unwrap();
    let app = App::under(
        CasServer::builder().user(alice()),
        |config| config.rule(Paths::prefix("/"), Access::optional()),
        |_, config| {
            Router::new()
                .route("/api", get(async || "api").layer(api))
                .route("/page", get(async || "page").layer(page))
                .layer(CasLayer::new(config))
        },
    )
    .await;
    let mut browser = Browser::new();
    assert_eq!(browser.open(&app.at("/api")).await.status, 401);
    assert!(browser.open(&app.at("/page")).await.status.is_redirection());
    app.sign_in(&mut browser, "/page").await;
    assert_eq!(browser.open(&app.at("/api")).await.body, "api");
}

#[tokio::test]
async fn a_script_gets_a_401_that_says_where_to_sign_in_and_no_cookie() {
    let app = App::start().await;
    let mut browser = Browser::new();
    for fetch in [
        browser
            .request(Method::GET, &app.at("/profile"))
            .header("sec-fetch-mode", "cors"),
        browser
            .request(Method::POST, &app.at("/profile"))
            .body("lost?"),
        browser
            .request(Method::GET, &app.at("/profile"))
            .header("upgrade", "websocket")
            .header("connection", "upgrade"),
        browser
            .request(Method::GET, &app.at("/profile"))
            .header("accept", "application/json"),
    ] {
        let answer = browser.send(fetch).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), "CAS");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.set_cookies().is_empty());
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["login_url"], app.at("/login"));
        assert_eq!(problem["status"], 401);
    }
    assert_eq!(app.reached(), 0);
}

#[tokio::test]
async fn a_prefetch_begins_no_login() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let prefetch = browser
        .request(Method::GET, &app.at("/profile"))
        .header("sec-fetch-mode", "navigate")
        .header("sec-purpose", "prefetch");
    let answer = browser.send(prefetch).await;
    assert_eq!(answer.status, 401);
    assert!(answer.set_cookies().is_empty());
}

#[tokio::test]
async fn a_form_post_gets_a_page_with_a_sign_in_link() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let post = browser
        .request(Method::POST, &app.at("/profile"))
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "document")
        .body("a=b");
    let answer = browser.send(post).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.body.contains("href=\"/login\""), "{}", answer.body);
    assert!(answer.set_cookies().is_empty());
}

#[tokio::test]
async fn a_signed_in_users_requests_reach_the_app_with_their_bodies() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let body = "logoutRequest=x&ticket=ST-1";
    let post = browser
        .request(Method::POST, &app.at("/profile"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    assert_eq!(browser.send(post).await.body, body);
}

#[tokio::test]
async fn a_ticket_parameter_of_the_apps_own_passes_through() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let uri = "/public/echo?ticket=concert-7&next=//x";
    assert_eq!(browser.open(&app.at(uri)).await.body, uri);
    assert_eq!(
        app.sign_in(&mut browser, "/x?ticket=concert-7")
            .await
            .location(),
        "/x?ticket=concert-7"
    );
    assert_eq!(
        browser.open(&app.at("/x?ticket=ST-1")).await.body,
        "/x?ticket=ST-1"
    );
    assert_eq!(app.cas.validations(), 1);
}

#[tokio::test]
async fn head_and_prefetch_have_no_effect_on_an_endpoint() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    for (url, method, prefetch) in [
        (callback.as_str(), Method::HEAD, false),
        (callback.as_str(), Method::GET, true),
        (&app.at("/login"), Method::HEAD, false),
        (&app.at("/login"), Method::GET, true),
    ] {
        let mut request = browser.request(method, url);
        if prefetch {
            request = request.header("sec-purpose", "prefetch;prerender");
        }
        let answer = browser.send(request).await;
        assert!(answer.set_cookies().is_empty(), "{url}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.status.is_redirection());
    }
    assert_eq!(app.cas.validations(), 0);
    // The real thing still works.
    assert_eq!(browser.open(&callback).await.location(), "/profile");
    for (method, prefetch) in [(Method::HEAD, "none"), (Method::GET, "prefetch")] {
        let out = browser
            .request(method, &app.at("/logout"))
            .header("sec-purpose", prefetch);
        browser.send(out).await;
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
}

#[tokio::test]
async fn other_methods_on_an_endpoint_are_405() {
    let app = App::start().await;
    let mut browser = Browser::new();
    for (path, method, allow) in [
        ("/login", Method::PUT, "GET, HEAD, POST"),
        ("/login", Method::OPTIONS, "GET, HEAD, POST"),
        ("/logout", Method::DELETE, "GET, HEAD, POST"),
        ("/logout_callback", Method::POST, "GET, HEAD"),
    ] {
        let answer = browser.send(browser.request(method, &app.at(path))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, allow),
            "{path}"
        );
    }
    assert_eq!(app.reached(), 0);
}
