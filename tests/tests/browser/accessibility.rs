//! Each page of the layer, as people with other eyes, small screens and other languages meet it.

use std::{fs, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    response::Response,
    routing::get,
};
use cas_layer::{CasConfig, Key, PageKind, testing::page};
use cas_layer_tests::suite::{AXE, variable};
use http::header;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{chromium::Chromium, driver::Driver};

const LOGO: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 40 32\">\
    <path d=\"M4 28 20 4l16 24z\" fill=\"#7a1f3d\"/><circle cx=\"20\" cy=\"20\" r=\"5\" fill=\"#fff\"/></svg>";

/// The narrowest screen that is common.
const WIDTH: u64 = 360;

/// How wide the page would have to be.
const NEEDED: &str = "return document.documentElement.scrollWidth";
const ROUNDED: &str =
    "return parseFloat(getComputedStyle(document.querySelector('main')).borderTopLeftRadius)";

/// A site that shows each page in each language: `/de/7`.
async fn site(config: CasConfig) -> String {
    let config = Arc::new(config);
    let show =
        async move |Path((language, at)): Path<(String, usize)>, request: Request| -> Response {
            let (mut head, _) = request.into_parts();
            let language = language.parse().unwrap();
            head.headers.insert(header::ACCEPT_LANGUAGE, language);
            let id = "0198f3c2-7b1d-7c55-a3f0-5d1f0b6a9c11".parse().unwrap();
            head.headers.insert("x-request-id", id);
            let request = http::Request::from_parts(head, ());
            page(&config, PageKind::ALL[at], &request).map(Body::from)
        };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/{language}/{at}", get(show.clone()).post(show));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn config() -> CasConfig {
    CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(Key::generate())
        .pages(|pages| {
            pages
                .name("Library of the University of Exampleton")
                .logo(LOGO)
                .accent("#7a1f3d")
                .support("mailto:a-rather-long-address-of-the-help-desk@library.exampleton.example")
        })
        .build()
        .unwrap()
}

/// How a page is shown: the media features that a browser has for its user.
const VIEWS: [(&str, &str, &str); 3] = [
    ("light", "light", "none"),
    ("dark", "dark", "none"),
    ("forced", "dark", "active"),
];

async fn view(browser: &Chromium, scheme: &str, forced: &str) {
    let features = json!([
        { "name": "prefers-color-scheme", "value": scheme },
        { "name": "forced-colors", "value": forced },
    ]);
    let features = json!({ "media": "screen", "features": features });
    browser
        .command("Emulation.setEmulatedMedia", features)
        .await;
}

/// What axe finds on the page that is shown.
async fn violations(browser: &Chromium, axe: &str) -> Value {
    browser.client.execute(axe, Vec::new()).await.unwrap();
    let run = "const done = arguments[0]; axe.run().then(
        found => done(found.violations.map(it => [it.id, it.nodes.map(node => node.html + node.failureSummary)])),
        error => done(String(error)));";
    browser.client.execute_async(run, Vec::new()).await.unwrap()
}

/// A length in whole pixels.
async fn pixels(browser: &Chromium, script: &str) -> u64 {
    let value = browser.client.execute(script, Vec::new()).await.unwrap();
    value.as_u64().unwrap()
}

pub(crate) async fn every_page_is_accessible_on_a_narrow_screen_in_any_colours(driver: &Driver) {
    let axe = fs::read_to_string(variable(AXE).unwrap()).unwrap();
    let site = site(config()).await;
    let browser = Chromium::start(driver).await;
    let metrics = json!({ "width": WIDTH, "height": 740, "deviceScaleFactor": 1, "mobile": false });
    browser
        .command("Emulation.setDeviceMetricsOverride", metrics)
        .await;
    for (name, scheme, forced) in VIEWS {
        // Before the page is there: the canvas behind it keeps the colours that it has been drawn with.
        view(&browser, scheme, forced).await;
        // The colours are the same in every language.
        let languages: &[&str] = if name == "light" {
            &["en", "de", "ar"]
        } else {
            &["en"]
        };
        for language in languages {
            for (at, kind) in PageKind::ALL.iter().enumerate() {
                let said = format!("{kind:?} in {language}, {name}");
                browser.open(&format!("{site}/{language}/{at}")).await;
                assert_eq!(pixels(&browser, "return innerWidth").await, WIDTH);
                let needed = pixels(&browser, NEEDED).await;
                assert!(needed <= WIDTH, "{said} is {needed} wide");
                // The policy of the page has let its style in.
                assert!(pixels(&browser, ROUNDED).await > 0, "{said} has no style");
                let found = violations(&browser, &axe).await;
                assert_eq!(found, json!([]), "{said}");
                let is_shown = matches!(
                    kind,
                    PageKind::SignInVetoed | PageKind::ConfirmationNeeded | PageKind::InCircles
                );
                if is_shown {
                    let picture = format!("page-{language}-{at}-{name}");
                    browser.keep_picture(&picture).await;
                }
            }
        }
    }
    browser.close().await;
}

/// Every language has words that are longer than in the others.
pub(crate) async fn no_page_is_wider_than_a_narrow_screen_in_any_language(driver: &Driver) {
    let site = site(config()).await;
    let browser = Chromium::start(driver).await;
    let metrics = json!({ "width": WIDTH, "height": 740, "deviceScaleFactor": 1, "mobile": false });
    browser
        .command("Emulation.setDeviceMetricsOverride", metrics)
        .await;
    // The test above has looked at the others.
    for language in [
        "fr", "es", "it", "pt", "nl", "ca", "gl", "el", "pl", "ja", "zh",
    ] {
        for at in 0..PageKind::ALL.len() {
            browser.open(&format!("{site}/{language}/{at}")).await;
            let needed = pixels(&browser, NEEDED).await;
            assert!(needed <= WIDTH, "{language}/{at} is {needed} wide");
        }
    }
    browser.close().await;
}
