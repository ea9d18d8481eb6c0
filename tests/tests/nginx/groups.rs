//! Users with many groups, behind an nginx that takes 4 KiB for the head of an answer.

use std::time::Duration;

use cas_layer::testing::ManualClock;
use cas_layer_tests::{
    flow::USER,
    visitor::{Answer, Visitor},
};
use serde_json::json;

use crate::support::{Site, member, sign_in};

/// More than the tenth of the default idle time, so that the cookie is renewed.
const STEP: Duration = Duration::from_secs(721);

/// What makes the names of groups of 60 bytes.
pub(crate) type Names = fn(usize) -> Vec<String>;

/// Names that are much alike, as those of a directory.
pub(crate) fn alike(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("CN=Group-{n:05}-xxxxxxxxxxxxxxxxx,OU=Groups,DC=example,DC=org"))
        .collect()
}

/// Names of letters and digits in which nothing repeats itself: what no packing makes much shorter.
pub(crate) fn noise(count: usize) -> Vec<String> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = 7_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(LETTERS[usize::try_from(state >> 16).unwrap() % LETTERS.len()])
    };
    (0..count)
        .map(|_| (0..60).map(|_| letter()).collect())
        .collect()
}

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
    passes(10, alike).await;
    passes(10, noise).await;
}

pub(crate) async fn forty_five_groups_pass_the_default_buffers() {
    passes(45, alike).await;
    passes(45, noise).await;
}

/// About as many as a cookie of 4 KiB can carry, so a whole head cannot.
pub(crate) async fn what_nearly_fills_a_cookie_passes_the_default_buffers() {
    for count in [41, 50, 55, 60, 65, 70] {
        passes(count, noise).await;
    }
}

pub(crate) async fn four_hundred_groups_pass_the_default_buffers() {
    passes(400, alike).await;
    passes(400, noise).await;
}

pub(crate) async fn ten_thousand_groups_pass_the_default_buffers() {
    passes(10_000, alike).await;
    passes(10_000, noise).await;
}
