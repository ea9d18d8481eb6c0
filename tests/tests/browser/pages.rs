//! The pages that the layer answers itself, each seen and kept as a picture.

use axum::{Router, response::Html, routing::get};
use cas_layer_tests::demo::Demo;
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::{chromium::Chromium, driver::Driver};

/// The service URL of the login that the browser has begun, with a ticket of our own.
async fn callback(browser: &Chromium, ticket: &str) -> Url {
    let at = browser.url().await;
    let (_, service) = at
        .query_pairs()
        .find(|(name, _)| name == "service")
        .unwrap_or_else(|| panic!("no service URL in {at}"));
    let mut callback = Url::parse(&service).unwrap();
    callback.query_pairs_mut().append_pair("ticket", ticket);
    callback
}

pub(crate) async fn a_used_up_ticket_is_refused(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    browser.open(&demo.url("/profile")).await;
    // The login begins again by itself, the second time after a page that goes on.
    for _ in 0..3 {
        browser.shows_login_form().await;
        let callback = callback(&browser, "ST-used-up").await;
        browser.open(callback.as_str()).await;
    }
    browser.shows("h1", "Sign-in refused").await;
    browser.keep_picture("sign-in-refused").await;

    browser.click("main a").await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.close().await;
}

/// A CAS server whose login page works, and whose validation does not.
async fn half_a_cas_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let login = get(|| async { Html("<!DOCTYPE html><title>Login</title>") });
    let router = Router::new().route("/cas/login", login);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/cas")
}

pub(crate) async fn a_cas_server_that_is_away_is_named(driver: &Driver) {
    let demo = Demo::start(&["--cas-url", &half_a_cas_server().await]).await;
    let browser = Chromium::start(driver).await;
    browser.open(&demo.url("/profile")).await;
    let callback = callback(&browser, "ST-good-one").await;
    browser.open(callback.as_str()).await;
    browser.shows("h1", "Sign-in unavailable").await;
    browser.keep_picture("cas-unreachable").await;
    browser.close().await;
}

pub(crate) async fn a_browser_without_cookies_is_told_so_after_one_retry(driver: &Driver) {
    const BLOCK: u8 = 2;
    let demo = Demo::start(&[]).await;
    // The CAS server may set cookies, as login forms need them; so the retry goes unnoticed.
    let blocked = json!({ format!("{},*", demo.url("")): { "setting": BLOCK } });
    let preferences = json!({ "profile.content_settings.exceptions.cookies": blocked });
    let browser = Chromium::start_with(driver, preferences).await;
    browser.open(&demo.url("/profile")).await;
    browser.send_login_form().await;
    browser.shows("h1", "Cookies needed").await;
    browser.keep_picture("cookies-needed").await;
    browser.close().await;
}

pub(crate) async fn a_browser_that_drops_the_session_cookie_is_told_so(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    browser.sign_in(&demo, "/profile").await;
    let drop_session = async || {
        for cookie in browser.client.get_all_cookies().await.unwrap() {
            // Left: the login binding, and the CAS server's own cookie.
            if cookie.name().contains("session") {
                browser.client.delete_cookie(cookie.name()).await.unwrap();
            }
        }
    };
    drop_session().await;
    browser.open(&demo.url("/profile")).await;
    browser.shows_profile().await;
    drop_session().await;
    browser.open(&demo.url("/profile")).await;
    browser.shows("h1", "Session not kept").await;
    browser.keep_picture("session-not-kept").await;
    browser.close().await;
}

pub(crate) async fn a_form_sent_without_a_session_leads_to_the_login(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    let form = format!(
        "data:text/html,<form method=post action={}><button type=submit>Send</button></form>",
        demo.url("/profile")
    );
    browser.open(&form).await;
    browser.click("button").await;
    browser.shows("h1", "Sign-in needed").await;
    browser.keep_picture("sign-in-needed").await;
    browser.click("main a").await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.close().await;
}
