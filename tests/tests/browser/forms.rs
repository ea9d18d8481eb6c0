//! The example `forms`: a form that is sent after the session has ended.

use std::{fs, path::Path};

use cas_layer::testing::CasServer;
use cas_layer_tests::{example::Example, flow::USER};
use fantoccini::Locator;
use serde_json::json;
use tempfile::TempDir;

use crate::{chromium::Chromium, driver::Driver};

const TEXT: usize = 3 * 1024;

/// Signs in for the form, and fills it in.
async fn fill_in(browser: &Chromium, form: &str, file: &Path) {
    browser.open(form).await;
    browser.send_login_form().await;
    browser.shows("*[@id='user']", USER).await;
    let script = "document.querySelector('textarea').value = arguments[0]";
    let text = "é".repeat(TEXT);
    let filled = browser.client.execute(script, vec![json!(text)]).await;
    filled.unwrap();
    let input = browser.client.find(Locator::Css("input[type=file]")).await;
    let file = file.to_str().unwrap();
    input.unwrap().send_keys(file).await.unwrap();
}

pub(crate) async fn a_form_sent_after_the_session_has_ended_loses_nothing(driver: &Driver) {
    let files = TempDir::new().unwrap();
    for megabytes in [3, 40] {
        let cas = CasServer::start().await.unwrap();
        let app = Example::start("forms", cas.url(), &[]).await;
        let browser = Chromium::start(driver).await;
        let size = megabytes * 1024 * 1024;
        let file = files.path().join("report");
        fs::write(&file, vec![b'x'; size]).unwrap();
        let form = app.at("/?draft=7");
        fill_in(&browser, &form, &file).await;

        assert_eq!(cas.log_out(USER).await.accepted, 1);
        browser.click("#send").await;
        browser.shows("h1", "Sign-in needed").await;
        let said = browser.client.find(Locator::Css("main p")).await.unwrap();
        let said = said.text().await.unwrap();
        assert!(said.starts_with("Nothing has been saved yet"), "{said}");
        browser.keep_picture("form-not-saved").await;

        let here = browser.client.window().await.unwrap();
        browser.click("main a").await;
        let windows = browser.client.windows().await.unwrap();
        let new = windows.into_iter().find(|it| *it != here).unwrap();
        browser.client.switch_to_window(new).await.unwrap();
        browser.send_login_form().await;
        browser.shows("*[@id='user']", USER).await;
        assert_eq!(browser.url().await.as_str(), form);

        browser.client.switch_to_window(here).await.unwrap();
        browser.client.refresh().await.unwrap();
        let saved = format!("{USER} sent {TEXT} characters and {size} bytes");
        browser.shows("*[@id='saved']", &saved).await;
        browser.close().await;
    }
}
