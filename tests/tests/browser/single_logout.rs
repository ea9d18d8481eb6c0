//! Single logout that the browser carries from the CAS server to the apps (front channel).

use cas_layer::testing::{CasServer, FrontChannel, User};
use cas_layer_tests::{
    demo::Demo,
    flow::{PASSWORD, USER},
};

use crate::{chromium::Chromium, driver::Driver};

pub(crate) async fn signing_out_at_the_cas_server_ends_the_session_through_the_browser(
    driver: &Driver,
) {
    let browser = Chromium::start(driver).await;
    for &way in FrontChannel::ALL {
        let cas = CasServer::builder()
            .user(User::new(USER, PASSWORD))
            .front_channel(way)
            .start()
            .await
            .unwrap();
        let app = Demo::start(&["--cas-url", cas.url()]).await;
        let other_app = Demo::start(&["--cas-url", cas.url()]).await;
        browser.sign_in(&app, "/profile").await;
        browser.open(&other_app.url("/profile")).await;
        browser.shows_profile().await;

        // The other app signs out, at the CAS server too, which tells both through the browser.
        browser.click("#logout").await;
        browser.shows("h1", "Signed out").await;
        assert_eq!(
            browser.url().await.as_str(),
            other_app.url("/logout_callback"),
            "{way:?}"
        );
        for demo in [&app, &other_app] {
            browser.open(&demo.url("/profile")).await;
            browser.shows_login_form().await;
        }
        assert!(app.log().contains("signed out by single logout"), "{way:?}");
    }
    browser.close().await;
}
