//! Sign-ins that succeed.

use super::{Site, client, client_that_follows_nothing, listen, server};
use crate::{
    CasConfigBuilder,
    testing::{CasServer, Quirk, TestBrowser},
};

const APP: &str = super::APP;

#[tokio::test]
async fn a_client_comes_back_to_the_page_and_has_a_session() {
    let cas = server().start().await.unwrap();
    let url = listen(cas.url(), |config| config).await;
    for client in [client(), client_that_follows_nothing()] {
        let page = format!("{url}/profile?a=b");
        let response = cas.sign_in(&client, &page).await.unwrap();
        assert_eq!(response.url().as_str(), page);
        assert_eq!(response.text().await.unwrap(), "Hello alice");
        let again = client.get(&page).send().await.unwrap();
        assert_eq!(again.text().await.unwrap(), "Hello alice");
    }
}

#[tokio::test]
async fn a_browser_comes_back_to_the_page_and_has_a_session() {
    let Site { cas, app } = Site::start().await;
    let browser = TestBrowser::new(app, APP);
    let page = browser.sign_in(&cas, "/profile?a=b").await.unwrap();
    assert_eq!(page.url(), "https://app.example.org/profile?a=b");
    assert_eq!(page.text(), "Hello alice");
    assert_eq!(browser.get("/profile").await.unwrap().text(), "Hello alice");
}

#[tokio::test]
async fn each_user_of_the_server_can_sign_in() {
    let Site { cas, app } = Site::start().await;
    let browser = TestBrowser::new(app.clone(), APP);
    let page = browser.sign_in_as(&cas, "/profile", "bob").await.unwrap();
    assert_eq!(page.text(), "Hello bob");
    // Another browser is another visitor.
    let other = TestBrowser::new(app, APP);
    let page = other
        .sign_in_with(&cas, "/profile", "alice", "rabbit-hole")
        .await;
    assert_eq!(page.unwrap().text(), "Hello alice");
    assert_eq!(browser.get("/profile").await.unwrap().text(), "Hello bob");

    let url = listen(cas.url(), |config| config).await;
    let page = format!("{url}/profile");
    let response = cas.sign_in_as(&client(), &page, "bob").await.unwrap();
    assert_eq!(response.text().await.unwrap(), "Hello bob");
}

#[tokio::test]
async fn the_user_of_a_server_without_settings_is_the_first() {
    let cas = CasServer::start().await.unwrap();
    let url = listen(cas.url(), |config| config).await;
    let response = cas.sign_in(&client(), &format!("{url}/profile")).await;
    let text = response.unwrap().text().await.unwrap();
    assert_eq!(text, "Hello casuser");
}

#[tokio::test]
async fn a_page_of_the_app_is_returned_whatever_its_status() {
    let Site { cas, app } = Site::start().await;
    for (path, status) in [("/own", 409), ("/missing", 404)] {
        let browser = TestBrowser::new(app.clone(), APP);
        let page = browser.sign_in(&cas, path).await.unwrap();
        assert_eq!(page.status(), status);
    }
    let url = listen(cas.url(), |config| config).await;
    let response = cas.sign_in(&client(), &format!("{url}/own")).await.unwrap();
    assert_eq!(response.status(), 409);
    assert_eq!(response.text().await.unwrap(), "the app's own");
}

/// Every way in which the CAS server can lead back.
#[tokio::test]
async fn tickets_come_back_by_post_too_and_questions_are_answered() {
    fn by_post(config: CasConfigBuilder) -> CasConfigBuilder {
        config.sign_in(|sign_in| sign_in.tickets_by_post(true))
    }
    fn bare(config: CasConfigBuilder) -> CasConfigBuilder {
        config.sign_in(|sign_in| sign_in.bare_service_url(true))
    }
    let settings: [fn(CasConfigBuilder) -> CasConfigBuilder; 2] = [by_post, bare];
    for change in settings {
        let Site { cas, app } = Site::with(change).await;
        let browser = TestBrowser::new(app, APP);
        let page = browser.sign_in(&cas, "/profile").await.unwrap();
        assert_eq!(page.text(), "Hello alice");
    }
    // On plain http, the layer does not ask for it.
    let cas = server().start().await.unwrap();
    let url = listen(cas.url(), |config| config).await;
    let bare_url = listen(cas.url(), bare).await;
    for (quirks, url) in [(vec![Quirk::PostUnasked], &url), (Vec::new(), &bare_url)] {
        cas.set_quirks(quirks);
        for client in [client(), client_that_follows_nothing()] {
            let page = format!("{url}/profile");
            let response = cas.sign_in(&client, &page).await.unwrap();
            assert_eq!(response.url().as_str(), page);
            assert_eq!(response.text().await.unwrap(), "Hello alice");
        }
    }
}

#[tokio::test]
async fn quirks_of_servers_do_not_keep_anybody_out() {
    let Site { cas, app } = Site::start().await;
    for quirk in [Quirk::RewriteServiceQuery, Quirk::PunctuatedTickets] {
        cas.set_quirks([quirk]);
        let browser = TestBrowser::new(app.clone(), APP);
        let page = browser.sign_in(&cas, "/profile").await.unwrap();
        assert_eq!(page.text(), "Hello alice");
    }
}
