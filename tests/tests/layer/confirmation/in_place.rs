//! The same with callback in place, where there is no login path to send the answer to.

use axum::{
    Router,
    body::Body,
    extract::Request,
    routing::{get, post},
};
use cas_layer::{Access, CasInPlaceLayer, CasUser, Paths, Require};
use reqwest::Method;

use super::{CONTINUE, OTHER};
use crate::{
    browser::{Answer, Browser},
    site::Site,
};

/// The layer in place over one route of an app under a path, and a page that a layer below asks a user for.
async fn site() -> Site {
    Site::axum("/portal", |config| {
        let config = config.sign_in(|sign_in| sign_in.bare_service_url(true).landing_path("/page"));
        let config = config.rule(Paths::prefix("/open"), Access::optional());
        let config = config.rule(Paths::prefix("/public"), Access::public());
        let layer = CasInPlaceLayer::new(config.build().unwrap());
        let seen = async |user: Option<CasUser>| {
            user.map_or("nobody".to_owned(), |user| user.name().to_owned())
        };
        let sign_out = async |user: CasUser| user.sign_out().await.map(Body::from);
        let below = || get(seen).layer(Require::new(Access::required()).unwrap());
        Router::new()
            .route("/portal/page", get(seen))
            .route("/portal/open/page", below())
            .route("/portal/public/page", below())
            .route("/portal/sign-out", post(sign_out))
            .fallback(async |request: Request| request.uri().to_string())
            .layer(layer)
    })
    .await
}

async fn come_back_to(site: &Site, browser: &mut Browser, page: &str) -> Answer {
    let begun = browser.open(&site.at(page)).await;
    let service = begun.location_parameter("service").unwrap();
    let ticket = site.cas.issue_ticket("alice", &service);
    browser.open(&format!("{service}?ticket={ticket}")).await
}

#[tokio::test]
async fn in_place_the_page_itself_takes_the_answer() {
    let site = site().await;
    let host = site.url.strip_suffix("/portal").unwrap().to_owned();
    for (page, action) in [
        ("/page?a=%2f&b", "/portal/page?cas_confirmation"),
        ("/open/page?a", "/portal/open/page?cas_confirmation"),
        ("/public/page", "/portal/public/page?cas_confirmation"),
        // Some server would refuse this path, so the ticket comes back to the landing path.
        ("/a%27b?c", "/portal/page?cas_confirmation"),
    ] {
        let mut browser = Browser::new();
        let question = come_back_to(&site, &mut browser, page).await.question();
        assert_eq!(question.action, action);
        assert!(!browser.has_session());
        // From elsewhere it is none, and the app does not see it either.
        let url = format!("{host}{action}");
        let foreign = browser.form(&url, question.form(CONTINUE));
        let foreign = foreign.header("sec-fetch-site", "cross-site");
        assert_eq!(browser.clone().send(foreign).await.status, 403);
        let mut stranger = Browser::new();
        assert_eq!(
            stranger.answer(&host, &question, CONTINUE).await.status,
            403
        );
        let large = browser.form(&url, "x".repeat(70_000));
        assert_eq!(browser.clone().send(large).await.status, 413);

        let back = browser.answer(&host, &question, CONTINUE).await;
        assert_eq!(back.location(), format!("/portal{page}"));
        assert_eq!(browser.open(&site.at("/page")).await.body, "alice");
        // After a sign-out by the app's own handler the browser knows her still.
        let out = browser.request(Method::POST, &site.at("/sign-out"));
        assert_eq!(browser.send(out).await.status, 303);
        let back = come_back_to(&site, &mut browser, page).await;
        assert_eq!(back.location(), format!("/portal{page}"));
    }
}

#[tokio::test]
async fn in_place_who_is_somebody_else_is_asked_for_a_password() {
    let site = site().await;
    let host = site.url.strip_suffix("/portal").unwrap().to_owned();
    let mut browser = Browser::new();
    let question = come_back_to(&site, &mut browser, "/page?a")
        .await
        .question();
    let onward = browser.answer(&host, &question, OTHER).await;
    assert_eq!(onward.status, 303);
    assert_eq!(
        onward.location_parameter("service").unwrap(),
        site.at("/page")
    );
    assert_eq!(onward.location_parameter("renew").as_deref(), Some("true"));
    assert!(!browser.has_session());
    // And a form of the app's own is the app's own.
    let mut browser = Browser::new();
    let question = come_back_to(&site, &mut browser, "/page").await.question();
    browser.answer(&host, &question, CONTINUE).await;
    for own in [
        "/form?cas_confirmation=1",
        "/form?a&cas_confirmation",
        "/form",
    ] {
        let request = browser.form(&site.at(own), question.form(CONTINUE));
        assert_eq!(browser.send(request).await.body, format!("/portal{own}"));
    }
}
