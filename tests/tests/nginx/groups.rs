//! Users with many groups, behind an nginx that takes 4 KiB for the head of an answer.

use std::time::Duration;

use cas_layer::testing::ManualClock;
use cas_layer_tests::{
    flow::USER,
    groups::{Names, numbered, random},
    visitor::{Answer, Visitor},
};
use serde_json::json;

use crate::support::{Site, member, sign_in};

/// More than the tenth of the default idle time, so that the cookie is renewed.
const STEP: Duration = Duration::from_secs(721);

pub(crate) fn shows(page: &Answer, groups: &[String]) {
    let start: String = page.body.chars().take(300).collect();
    assert_eq!(page.status, 200, "{}: {start}", page.url.path());
    let shown = page.json();
    assert_eq!(shown["user"], USER);
    assert!(
        shown["groups"] == json!(groups),
        "{} groups: {start}",
        groups.len()
    );
}

/// Signs in on the way to each of the paths, and renews the cookie.
async fn passes(count: usize, names: Names) {
    let groups = names(count);
    assert!(groups.iter().all(|group| group.len() == 60));
    let clock = ManualClock::new();
    let site = Site::start(member(&groups), |config| config.clock(clock.clone())).await;
    for length in [0, 1_000, 2_040] {
        let path = format!("/page?q={}", "a".repeat(length));
        let visitor = Visitor::new();
        let page = sign_in(&visitor, &site.nginx.url(&path)).await;
        shows(&page, &groups);
        assert_eq!(page.json()["uri"], path);

        clock.advance(STEP);
        let renewed = visitor.get(&site.nginx.url(&path)).await;
        assert!(renewed.headers.contains_key("set-cookie"), "it is renewed");
        shows(&renewed, &groups);
        shows(&visitor.get(&site.nginx.url("/page")).await, &groups);
    }
}

pub(crate) async fn ten_groups_pass_the_default_buffers() {
    passes(10, numbered).await;
    passes(10, random).await;
}

pub(crate) async fn forty_five_groups_pass_the_default_buffers() {
    passes(45, numbered).await;
    passes(45, random).await;
}

/// About as many as a cookie of 4 KiB can carry, so a whole head cannot.
pub(crate) async fn what_nearly_fills_a_cookie_passes_the_default_buffers() {
    for count in [41, 50, 55, 60, 65, 70] {
        passes(count, random).await;
    }
}

pub(crate) async fn four_hundred_groups_pass_the_default_buffers() {
    passes(400, numbered).await;
    passes(400, random).await;
}

pub(crate) async fn ten_thousand_groups_pass_the_default_buffers() {
    passes(10_000, numbered).await;
    passes(10_000, random).await;
}

/// With a bare service URL, the paths of logins under way are in a cookie. Here it has as many as it takes, and the
/// cookie of the session is as large as it becomes.
pub(crate) async fn a_bare_service_url_passes_the_default_buffers() {
    for count in 8..=15 {
        let groups = random(count);
        let site = Site::start(member(&groups), |config| {
            config.sign_in(|sign_in| sign_in.bare_service_url(true))
        })
        .await;
        let visitor = Visitor::new();
        let url = |n: usize| site.nginx.url(&format!("/page?q={n}{}", "a".repeat(245)));
        for n in 0..5 {
            assert!(visitor.open(&url(n)).await.asks_for_password());
        }
        let question = sign_in(&visitor, &url(5)).await;
        let continued = [("cas_answer", "continue")];
        let sent = visitor.send_form(&question, &continued).await;
        let page = visitor.follow(sent).await;
        shows(&page, &groups);
        assert_eq!(page.url.as_str(), url(5));
    }
}
