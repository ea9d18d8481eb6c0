//! The example `htmx`: clicks after the session has ended.

use cas_layer::testing::CasServer;
use cas_layer_tests::{example::Example, flow::USER};

use crate::{chromium::Chromium, driver::Driver};

/// A signed-in user on the page.
async fn on_the_page(driver: &Driver, path: &str) -> (CasServer, Example, Chromium) {
    let cas = CasServer::start().await.unwrap();
    let app = Example::start("htmx", cas.url(), &[]).await;
    let browser = Chromium::start(driver).await;
    browser.open(&app.at(path)).await;
    browser.send_login_form().await;
    browser.shows("*[@id='user']", USER).await;
    (cas, app, browser)
}

pub(crate) async fn a_button_of_htmx_leads_to_the_sign_in_and_back_to_its_page(driver: &Driver) {
    for path in ["/?htmx=2&a=b", "/?htmx=4&a=b"] {
        let (cas, app, browser) = on_the_page(driver, &format!("{path}#here")).await;
        browser.click("#count").await;
        browser.shows("output", "1").await;

        assert_eq!(cas.log_out(USER).await.accepted, 1);
        browser.click("#count").await;
        browser.send_login_form().await;
        browser.shows("*[@id='user']", USER).await;
        assert_eq!(browser.url().await.as_str(), app.at(path));
        browser.click("#count").await;
        browser.shows("output", "2").await;
        browser.close().await;
    }
}

pub(crate) async fn a_boosted_link_of_htmx_leads_to_its_page_through_the_sign_in(driver: &Driver) {
    for path in ["/?htmx=2", "/?htmx=4"] {
        let (cas, app, browser) = on_the_page(driver, path).await;
        assert_eq!(cas.log_out(USER).await.accepted, 1);
        browser.click("#more").await;
        browser.send_login_form().await;
        browser.shows("h1", &format!("More for {USER}")).await;
        assert_eq!(browser.url().await.as_str(), app.at("/more?than=this"));
        browser.close().await;
    }
}
