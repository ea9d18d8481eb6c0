//! The answer to a form that somebody sends after their session has ended. What a browser makes of it is tested there.

use std::time::Duration;

use cas_layer::{Access, Paths};
use reqwest::Method;

use crate::{
    browser::{Answer, Browser, parameter},
    support::App,
};

type Fields<'f> = &'f [(&'f str, &'f str)];

/// A form that a browser sends to `path`.
async fn send(app: &App, browser: &mut Browser, path: &str, fields: Fields<'_>) -> Answer {
    let mut request = browser
        .request(Method::POST, &app.at(path))
        .header("accept", "text/html,*/*;q=0.8")
        .body("a=b");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.set_cookies().is_empty());
    answer
}

/// Where the link of the page leads, and whether it opens a tab.
fn link(answer: &Answer) -> (String, bool) {
    let (_, rest) = answer.body.split_once("<a href=\"").unwrap();
    let (href, rest) = rest.split_once('"').unwrap();
    let opens = rest.starts_with(" target=\"_blank\" rel=\"noopener\">");
    assert_eq!(answer.body.contains("Nothing has been saved yet"), opens);
    (href.replace("&amp;", "&"), opens)
}

const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");
const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");

#[tokio::test]
async fn the_link_opens_a_tab_and_leads_back_to_the_form() {
    let app = App::start().await;
    let form = app.at("/write?draft=7");
    let with_ticket = app.at("/write?ticket=ST-1-stray&draft=7");
    for fields in [
        &[SAME_ORIGIN, NAVIGATE, ("referer", &*form)][..],
        &[SAME_ORIGIN, NAVIGATE, ("referer", &with_ticket)],
        &[("origin", &app.url), ("referer", &form)],
        &[("referer", &form)],
    ] {
        let mut browser = Browser::new();
        let answer = send(&app, &mut browser, "/save", fields).await;
        let (href, opens_tab) = link(&answer);
        assert!(opens_tab, "{fields:?}");
        assert_eq!(href, "/login?next=%2Fwrite%3Fdraft%3D7", "{fields:?}");
        let service = app.begin(&mut browser, &href).await;
        let back = browser.open(&app.callback(&service)).await;
        assert_eq!(back.location(), "/write?draft=7");
        let again = browser.form(&app.at("/profile"), "a=b".to_owned());
        assert_eq!(browser.send(again).await.body, "a=b");
    }
}

#[tokio::test]
async fn a_form_of_this_app_that_names_no_page_of_it_leads_to_the_landing_page() {
    let app = App::start().await;
    let own = app.at("/write");
    let login = app.at("/login?next=/write&ticket=ST-1");
    for fields in [
        &[SAME_ORIGIN, NAVIGATE][..],
        &[
            SAME_ORIGIN,
            NAVIGATE,
            ("referer", "https://evil.example/write"),
        ],
        &[SAME_ORIGIN, NAVIGATE, ("referer", &login)],
        &[SAME_ORIGIN, NAVIGATE, ("referer", &app.url)],
        &[SAME_ORIGIN, ("referer", &own), ("referer", &own), NAVIGATE],
        &[("origin", &app.url)],
    ] {
        let answer = send(&app, &mut Browser::new(), "/save", fields).await;
        assert_eq!(link(&answer), ("/login".to_owned(), true), "{fields:?}");
    }
}

/// Somebody else's form is not to be sent again on our advice.
#[tokio::test]
async fn a_form_of_another_site_gets_the_plain_page() {
    let app = App::start().await;
    let own = app.at("/write");
    let alike = format!("{}.evil.example/write", app.url);
    for fields in [
        &[][..],
        &[
            ("sec-fetch-site", "cross-site"),
            NAVIGATE,
            ("referer", &*own),
        ],
        &[("sec-fetch-site", "same-site"), NAVIGATE, ("referer", &own)],
        &[("origin", "https://evil.example"), ("referer", &own)],
        &[("origin", "null"), ("referer", &own)],
        &[("referer", &alike)],
        &[("referer", "https://evil.example/")],
    ] {
        let answer = send(&app, &mut Browser::new(), "/save", fields).await;
        assert_eq!(link(&answer), ("/login".to_owned(), false), "{fields:?}");
    }
}

#[tokio::test]
async fn a_form_that_needs_fresh_credentials_is_kept_too() {
    let app = App::with(|config| {
        let lately = Access::required().fresh(Duration::from_secs(60));
        config.rule(Paths::exact("/lately"), lately)
    })
    .await;
    let form = app.at("/write");
    let fields = [SAME_ORIGIN, NAVIGATE, ("referer", &*form)];
    let answer = send(&app, &mut Browser::new(), "/lately", &fields).await;
    let (href, opens_tab) = link(&answer);
    assert!(opens_tab);
    assert_eq!(parameter(&app.at(&href), "next").as_deref(), Some("/write"));
    assert_eq!(parameter(&app.at(&href), "renew").as_deref(), Some("true"));
}

#[tokio::test]
async fn in_place_the_link_is_the_page_of_the_form_if_it_requires_a_user() {
    let app = App::in_place().await;
    for (page, href) in [
        ("/write?draft=7", "/write?draft=7"),
        ("/public/write", "/home"),
    ] {
        let form = app.at(page);
        let fields = [SAME_ORIGIN, NAVIGATE, ("referer", &*form)];
        let answer = send(&app, &mut Browser::new(), "/save", &fields).await;
        assert_eq!(link(&answer), (href.to_owned(), true), "{page}");
    }
}

#[tokio::test]
async fn a_page_of_the_apps_own_is_told_that_it_keeps_a_form() {
    let app = App::with(|config| {
        config.pages(|pages| {
            pages.rendered_by(|page, _| {
                let said = format!("{} {}", page.keeps_form(), page.link());
                Some(http::Response::new(bytes::Bytes::from(said)))
            })
        })
    })
    .await;
    let mut browser = Browser::new();
    let own = browser
        .form(&app.at("/save"), "a=b".to_owned())
        .header("sec-fetch-site", "same-origin");
    let own = browser.send(own.header("sec-fetch-mode", "navigate")).await;
    assert_eq!(own.body, "true /login");
    let other = browser.form(&app.at("/save"), "a=b".to_owned());
    assert_eq!(browser.send(other).await.body, "false /login");
}
