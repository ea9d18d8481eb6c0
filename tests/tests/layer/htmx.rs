//! What htmx is told when its user has to sign in. Its own side is tested in a browser.

use std::time::Duration;

use cas_layer::{
    Access, CasInPlaceLayer, Paths,
    testing::{CasServer, ManualClock},
};
use reqwest::Method;

use crate::{
    browser::{Answer, Browser, parameter},
    support::{App, alice},
};

/// A click on something of htmx's on a page at `shown`.
async fn click(app: &App, browser: &mut Browser, method: Method, shown: &[&str]) -> Answer {
    let mut request = browser
        .request(method, &app.at("/part?a=b"))
        .header("accept", "text/html")
        .header("hx-request", "true");
    for shown in shown {
        request = request.header("hx-current-url", *shown);
    }
    browser.send(request).await
}

/// Where the answer leads.
fn redirect(answer: &Answer) -> &str {
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.set_cookies().is_empty());
    answer.header("hx-redirect")
}

#[tokio::test]
async fn htmx_is_led_to_the_sign_in_and_back_to_the_page_it_is_on() {
    let app = App::start().await;
    let page = app.at("/list?page=2#end");
    for (method, shown) in [
        (Method::GET, &page),
        (Method::POST, &page),
        (Method::DELETE, &page),
        (Method::GET, &app.at("/list?ticket=ST-1-stray&page=2")),
    ] {
        let mut browser = Browser::new();
        let answer = click(&app, &mut browser, method, &[shown]).await;
        let way = redirect(&answer).to_owned();
        assert_eq!(way, "/login?next=%2Flist%3Fpage%3D2", "{shown}");
        let service = app.begin(&mut browser, &way).await;
        let back = browser.open(&app.callback(&service)).await;
        assert_eq!(back.location(), "/list?page=2");
        let again = click(&app, &mut browser, Method::GET, &[shown]).await;
        assert_eq!((again.status.as_u16(), &*again.body), (200, "/part?a=b"));
        assert_eq!(again.header("hx-redirect"), "");
    }
}

#[tokio::test]
async fn a_boosted_link_leads_to_the_page_that_it_names() {
    let app = App::start().await;
    let mut browser = Browser::new();
    for (method, next) in [(Method::GET, "/part?a=b"), (Method::POST, "/list")] {
        let request = browser
            .request(method, &app.at("/part?a=b"))
            .header("hx-request", "true")
            .header("hx-boosted", "true")
            .header("hx-current-url", app.at("/list"));
        let answer = browser.send(request).await;
        let way = app.at(redirect(&answer));
        assert_eq!(parameter(&way, "next").as_deref(), Some(next));
    }
}

#[tokio::test]
async fn what_is_no_page_of_this_app_is_the_landing_page() {
    let app = App::start().await;
    let own = app.at("/list");
    let with_port = format!("{}0/list", app.url);
    let with_user = format!("{}@evil.example/list", app.url);
    let with_suffix = format!("{}.evil.example/list", app.url);
    let login = app.at("/login?next=/list&ticket=ST-1-stray");
    for shown in [
        &[][..],
        &["https://evil.example/list"],
        &["//evil.example/list"],
        &["/list"],
        &["javascript:alert(1)"],
        &[&with_port],
        &[&with_user],
        &[&with_suffix],
        &[&login],
        &[&own, &own],
        &[&own, "https://evil.example/"],
    ] {
        let answer = click(&app, &mut Browser::new(), Method::GET, shown).await;
        assert_eq!(redirect(&answer), "/login", "{shown:?}");
    }
    assert_eq!(app.reached(), 0);
}

#[tokio::test]
async fn fresh_credentials_are_asked_for_and_a_refusal_stays_one() {
    let app = App::with(|config| {
        let nobody = Access::required().user_if(|_| false);
        let lately = Access::required().fresh(Duration::from_secs(1));
        config
            .rule(Paths::exact("/nobody"), nobody)
            .rule(Paths::exact("/lately"), lately)
    })
    .await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let shown = app.at("/list");
    let mut stranger = Browser::new();
    for (is_user, path, status, way) in [
        (false, "/lately", 401, "/login?next=%2Flist&renew=true"),
        (true, "/nobody", 403, ""),
        (true, "/login?ticket=%00", 400, ""),
    ] {
        let browser = if is_user { &mut browser } else { &mut stranger };
        let request = browser
            .request(Method::GET, &app.at(path))
            .header("hx-request", "true")
            .header("hx-current-url", &shown);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("hx-redirect"), way, "{path}");
    }
}

#[tokio::test]
async fn in_place_htmx_is_led_to_the_page_itself() {
    let app = App::in_place().await;
    let mut browser = Browser::new();
    for (page, way) in [("/list?page=2", "/list?page=2"), ("/public/list", "/home")] {
        let shown = app.at(page);
        let answer = click(&app, &mut browser, Method::POST, &[&shown]).await;
        assert_eq!(redirect(&answer), way, "{page}");
    }
}

#[tokio::test]
async fn nobody_else_gets_the_header() {
    let app = App::start().await;
    let mut browser = Browser::new();
    for name in [
        "turbo-frame",
        "x-turbo-request-id",
        "x-up-version",
        "accept",
    ] {
        let request = browser
            .request(Method::GET, &app.at("/part"))
            .header("accept", "text/html, application/xhtml+xml")
            .header("sec-fetch-mode", "cors")
            .header(name, "1");
        assert_eq!(redirect(&browser.send(request).await), "", "{name}");
    }
}

/// A script on such a page would lead to it again, for ever.
#[tokio::test]
async fn in_place_htmx_is_not_led_to_a_page_that_asks_for_no_user() {
    let app = App::under(
        CasServer::builder().user(alice()),
        |config| config.public("/home"),
        |app, config| app.layer(CasInPlaceLayer::new(config)),
    );
    let app = app.await;
    let mut browser = Browser::new();
    let shown = app.at("/home");
    let answer = click(&app, &mut browser, Method::GET, &[&shown]).await;
    assert_eq!(redirect(&answer), "");
}

#[tokio::test]
async fn htmx_is_not_led_away_from_a_path_that_never_redirects() {
    let clock = ManualClock::new();
    let lately = || Access::required().fresh(Duration::from_secs(60));
    let app = App::with(|config| {
        config
            .clock(clock.clone())
            .rule(Paths::exact("/part"), Access::required().no_redirect())
            .rule(Paths::exact("/fresh"), lately())
            .rule(Paths::exact("/fresh/part"), lately().no_redirect())
    })
    .await;
    let (mut stranger, mut user) = (Browser::new(), Browser::new());
    let shown = app.at("/list");
    let answer = click(&app, &mut stranger, Method::GET, &[&shown]).await;
    assert_eq!(redirect(&answer), "");
    app.sign_in(&mut user, "/profile").await;
    clock.advance(Duration::from_secs(120));
    for (path, way) in [
        ("/fresh", "/login?next=%2Flist&renew=true"),
        ("/fresh/part", ""),
    ] {
        let request = user
            .request(Method::GET, &app.at(path))
            .header("hx-request", "true")
            .header("hx-current-url", &shown);
        let answer = user.send(request).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.header("hx-redirect"), way, "{path}");
    }
}
