//! What paths ask is the same in place.

use std::time::Duration;

use axum::{Router, routing::get};
use cas_layer::{Access, CasInPlaceLayer, Paths, Require, Veto, testing::ManualClock};
use reqwest::Method;

use super::{begin, callback, seen, sign_in, whole};
use crate::{browser::Browser, site::Site};

#[tokio::test]
async fn a_script_gets_401_with_the_page_to_sign_in_at() {
    let site = whole(|config| config).await;
    let browser = Browser::new();
    for (method, path, login_url) in [
        (Method::GET, "/page?a=b&ticket=ST-1", "/page?a=b"),
        (Method::POST, "/page?a=b", "/home"),
    ] {
        let request = browser.request(method.clone(), &site.at(path));
        let request = request.header("accept", "application/json");
        let answer = browser.clone().send(request).await;
        assert_eq!(answer.status, 401, "{method}");
        assert_eq!(answer.header("www-authenticate"), "CAS");
        assert_eq!(answer.header("set-cookie"), "");
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["login_url"], site.at(login_url), "{method}");
    }
    let form = browser.request(Method::POST, &site.at("/page"));
    let form = form.header("accept", "text/html");
    let answer = browser.clone().send(form).await;
    assert!(answer.body.contains("href=\"/home\""), "{}", answer.body);
}

#[tokio::test]
async fn an_optional_page_is_for_everybody_and_a_layer_below_asks_for_a_user_in_place() {
    let site = Site::axum("", |config| {
        let config = config.rule(Paths::prefix("/"), Access::optional());
        Router::new()
            .route(
                "/profile",
                get(seen).layer(Require::new(Access::required()).unwrap()),
            )
            .fallback(seen)
            .layer(CasInPlaceLayer::new(config.build().unwrap()))
    })
    .await;
    let mut browser = Browser::new();
    let open = browser.open(&site.at("/open?ticket=ST-1")).await;
    assert_eq!(open.body, "nobody at /open?ticket=ST-1");
    let back = sign_in(&site, &mut browser, "/profile?a=b").await;
    assert_eq!(back.location(), "/profile?a=b");
    let profile = browser.open(&site.at("/profile?a=b")).await;
    assert_eq!(profile.body, "alice at /profile?a=b");
    let open = browser.open(&site.at("/open")).await;
    assert_eq!(open.body, "alice at /open");
}

#[tokio::test]
async fn with_a_bare_service_url_who_keeps_no_cookies_is_told_so_by_a_layer_below_too() {
    let site = Site::axum("", |config| {
        let config = config.rule(Paths::prefix("/"), Access::optional());
        Router::new()
            .route(
                "/profile",
                get(seen).layer(Require::new(Access::required()).unwrap()),
            )
            .fallback(seen)
            .layer(CasInPlaceLayer::new(
                config
                    .sign_in(|sign_in| sign_in.bare_service_url(true))
                    .build()
                    .unwrap(),
            ))
    })
    .await;
    let mut browser = Browser::new();
    browser.refuses = vec!["cas-"];
    let page = sign_in(&site, &mut browser, "/profile?a=b").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Cookies needed"), "{}", page.body);
    assert!(page.body.contains("href=\"/profile\""), "{}", page.body);
    // What is the app's own, or asked by a program, is as ever.
    for own in ["ticket=4711", "ticket=ST-1&a=b"] {
        begin(&site, &mut browser, &format!("/profile?{own}")).await;
    }
    let script = browser.request(Method::GET, &site.at("/profile?ticket=ST-1"));
    let script = script.header("accept", "application/json");
    assert_eq!(browser.send(script).await.status, 401);
    assert_eq!(site.cas.validations(), 0);
    // And with cookies everybody gets in.
    browser.refuses.clear();
    let question = sign_in(&site, &mut browser, "/profile?a=b")
        .await
        .question();
    let back = browser.answer(&site.url, &question, "continue").await;
    assert_eq!(back.location(), "/profile?a=b");
    let profile = browser.open(&site.at("/profile?ticket=ST-1")).await;
    assert_eq!(profile.body, "alice at /profile?ticket=ST-1");
}

#[tokio::test]
async fn a_gateway_page_comes_back_without_a_ticket_once_and_without_our_parameters() {
    let site = whole(|c| c.rule(Paths::prefix("/gate"), Access::gateway())).await;
    let mut browser = Browser::new();
    browser.open(&site.at("/gate?a=%2f")).await;
    let service = begin(&site, &mut browser, "/gate?a=%2f").await;
    assert!(
        service.contains("/gate?cas_gateway=1&cas_login="),
        "{service}"
    );
    assert_eq!(browser.open(&service).await.location(), "/gate?a=%2f");
    let page = browser.open(&site.at("/gate?a=%2f")).await;
    assert_eq!(page.body, "nobody at /gate?a=%2f");
    // And with one, signed in.
    let mut browser = Browser::new();
    browser.open(&site.at("/gate")).await;
    assert_eq!(
        sign_in(&site, &mut browser, "/gate?b").await.location(),
        "/gate?b"
    );
    assert_eq!(browser.open(&site.at("/gate")).await.body, "alice at /gate");
}

#[tokio::test]
async fn fresh_credentials_are_asked_for_at_the_page_itself() {
    let minute = Duration::from_secs(60);
    let clock = ManualClock::new();
    let site = whole(|config| {
        let rule = Access::required().fresh(minute);
        config
            .rule(Paths::exact("/admin"), rule)
            .clock(clock.clone())
    })
    .await;
    let mut browser = Browser::new();
    sign_in(&site, &mut browser, "/page").await;
    clock.advance(minute);
    let to_cas = browser.open(&site.at("/admin?a=b")).await;
    assert_eq!(to_cas.location_parameter("renew").as_deref(), Some("true"));
    let service = to_cas.location_parameter("service").unwrap();
    assert!(service.ends_with("&cas_renew=1"), "{service}");
    let post = browser.request(Method::POST, &site.at("/admin"));
    let answer = browser.send(post).await;
    assert_eq!(answer.status, 401);
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["login_url"], site.at("/admin"));
}

#[tokio::test]
async fn who_is_not_admitted_gets_a_link_to_the_cas_servers_logout() {
    let site = whole(|c| c.session(|session| session.map(|_| Err(Veto::new("staff alone"))))).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page").await;
    let answer = browser.open(&callback(&site, &service)).await;
    assert_eq!(answer.status, 403);
    let link = format!("href=\"{}/logout?service=", site.cas.url());
    assert!(answer.body.contains(&link), "{}", answer.body);
    assert!(!browser.has_session());
}
