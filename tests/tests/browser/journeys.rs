//! What people do.

use std::collections::BTreeSet;

use cas_layer::testing::{CasServer, Quirk, User};
use cas_layer_tests::{
    demo::Demo,
    flow::{PASSWORD, USER},
    suite::{DJANGO_URL, variable},
};

use serde_json::json;

use crate::{chromium::Chromium, driver::Driver};

async fn sign_in_look_around_and_sign_out(demo: &Demo, browser: &Chromium) {
    browser.open(&demo.url("/")).await;
    browser.click("#login").await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    assert_eq!(browser.url().await.as_str(), demo.url("/profile"));
    browser.shows("li", "casuser@example.org").await;

    browser.click("#logout").await;
    browser.shows("h1", "Signed out").await;
    assert_eq!(browser.url().await.as_str(), demo.url("/logout_callback"));

    // The way back asks for the password again.
    browser.click("main a").await;
    browser.shows_login_form().await;
    assert!(browser.url().await.as_str().starts_with(demo.cas_url()));
}

pub(crate) async fn a_user_signs_in_sees_their_profile_and_signs_out(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    sign_in_look_around_and_sign_out(&demo, &browser).await;

    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.keep_picture("profile").await;
    browser.click("#logout").await;
    browser.shows("h1", "Signed out").await;
    browser.keep_picture("signed-out").await;
    browser.close().await;
}

pub(crate) async fn a_second_service_knows_the_user_of_the_demo(driver: &Driver) {
    let demo = Demo::start(&["--proxy"]).await;
    let browser = Chromium::start(driver).await;
    browser.open(&demo.url("/proxied")).await;
    browser.send_login_form().await;
    browser.shows("strong", "casuser").await;
    browser.shows("li", &demo.url("/cas/proxy")).await;
    browser.shows("td", "A record of casuser").await;
    browser.keep_picture("proxied").await;
    browser.close().await;
}

pub(crate) async fn a_user_signs_in_and_out_at_django_cas_server(driver: &Driver) {
    let url = variable(DJANGO_URL).expect("a django-cas-server, which `tests/run` starts");
    let demo = Demo::start(&["--cas-url", &url]).await;
    let browser = Chromium::start(driver).await;
    browser.open(&demo.url("/profile")).await;
    browser.keep_picture("django-login").await;
    sign_in_look_around_and_sign_out(&demo, &browser).await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.keep_picture("django-profile").await;
    browser.close().await;
}

pub(crate) async fn a_deep_link_with_its_query_survives_the_sign_in(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    let link = demo.url("/profile?q=a%20b&name=%C3%A9%26%3D&tab=2");
    browser.open(&link).await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    assert_eq!(browser.url().await.as_str(), link);
    browser.close().await;
}

pub(crate) async fn the_back_button_does_not_bring_the_profile_back(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    browser.sign_in(&demo, "/profile").await;
    browser.click("#logout").await;
    browser.shows("h1", "Signed out").await;

    browser.client.back().await.unwrap();
    // The page before was the profile; asked for again, it leads to the login form.
    browser.shows_login_form().await;
    assert!(!browser.has("#user").await);
    assert!(browser.url().await.as_str().starts_with(demo.cas_url()));
    browser.close().await;
}

pub(crate) async fn two_tabs_sign_in_at_once(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let browser = Chromium::start(driver).await;
    let client = &browser.client;
    let first = client.window().await.unwrap();
    let second = client.new_window(true).await.unwrap().handle;

    let tabs = [
        (first, demo.url("/profile?tab=1")),
        (second, demo.url("/profile?tab=2")),
    ];
    for (tab, link) in &tabs {
        client.switch_to_window(tab.clone()).await.unwrap();
        browser.open(link).await;
        browser.shows_login_form().await;
    }
    // Both forms are open; the login begun first is finished last.
    for (tab, link) in tabs.iter().rev() {
        client.switch_to_window(tab.clone()).await.unwrap();
        browser.send_login_form().await;
        browser.shows_profile().await;
        assert_eq!(browser.url().await.as_str(), link);
    }
    browser.close().await;
}

pub(crate) async fn twenty_tabs_sign_in_at_once_and_each_shows_its_own_page(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    tabs_show_their_own_pages(driver, &demo, demo.cas_url(), 20).await;
}

/// Each new ticket of the browser makes the unused one before it invalid, as at Apereo CAS by default.
pub(crate) async fn thirty_five_tabs_sign_in_at_once_where_only_the_newest_ticket_counts(
    driver: &Driver,
) {
    let cas = CasServer::builder()
        .user(User::new(USER, PASSWORD))
        .start()
        .await
        .unwrap();
    cas.set_quirks([Quirk::OnlyNewestTicket]);
    let demo = Demo::start(&["--cas-url", cas.url()]).await;
    tabs_show_their_own_pages(driver, &demo, cas.url(), 35).await;
}

/// Opens so many tabs at once in a browser that is signed in at the CAS server.
async fn tabs_show_their_own_pages(driver: &Driver, demo: &Demo, cas_url: &str, count: usize) {
    let browser = Chromium::start(driver).await;
    let client = &browser.client;
    browser.open(&format!("{cas_url}/login")).await;
    browser.send_login_form().await;
    browser.shows("h1", "Signed in").await;
    let first = client.window().await.unwrap();
    let links: BTreeSet<String> = (0..count)
        .map(|tab| demo.url(&format!("/profile?tab={tab}")))
        .collect();
    let open = "for (const link of arguments[0]) { window.open(link); }";
    client.execute(open, vec![json!(links)]).await.unwrap();
    let mut shown = BTreeSet::new();
    for tab in client.windows().await.unwrap() {
        if tab != first {
            client.switch_to_window(tab).await.unwrap();
            browser.shows_profile().await;
            shown.insert(browser.url().await.to_string());
        }
    }
    assert_eq!(shown, links);
    browser.close().await;
}

pub(crate) async fn one_button_signs_out_of_all_devices(driver: &Driver) {
    let demo = Demo::start(&[]).await;
    let (laptop, phone) = (Chromium::start(driver).await, Chromium::start(driver).await);
    laptop.sign_in(&demo, "/profile").await;
    phone.sign_in(&demo, "/profile").await;
    laptop.click("#everywhere").await;
    laptop.shows("h1", "Signed out").await;
    phone.open(&demo.url("/profile")).await;
    // The phone's session at the CAS server goes on, so it is signed in anew without a form.
    phone.shows_profile().await;
    let log = demo.log();
    assert_eq!(log.matches(" signed in ").count(), 3, "{log}");
    laptop.close().await;
    phone.close().await;
}
