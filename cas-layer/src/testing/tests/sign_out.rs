//! `/logout`.

use super::{Browser, CasServer, Quirk, SERVICE, StatusCode, url, validate};

#[tokio::test]
async fn logging_out_ends_the_session_clears_the_cookie_and_leads_to_the_service() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[("service", SERVICE)]).await;
    let copy = browser.cookies.clone();
    let after = "https://app.example.org/logout_callback?a=b";
    let answer = browser
        .get(url(&cas, "/logout", &[("service", after)]))
        .await;
    assert_eq!(answer.location(), after);
    assert!(answer.set_cookie("TGC").unwrap().contains("Path=/cas"));
    assert!(!browser.cookies.contains_key("TGC"));
    browser.cookies = copy;
    assert!(
        browser
            .login(&cas, &[("service", SERVICE)])
            .await
            .is_login_form()
    );
}

#[tokio::test]
async fn logging_out_takes_the_tickets_of_the_session_along_and_no_others() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let ticket = browser
        .sign_in(&cas, &[("service", SERVICE)])
        .await
        .ticket();
    let others = Browser::new()
        .sign_in(&cas, &[("service", SERVICE)])
        .await
        .ticket();
    browser.get(url(&cas, "/logout", &[])).await;
    assert_eq!(
        validate(&cas, "/validate", SERVICE, &ticket).await.body,
        "no\n\n"
    );
    assert_eq!(
        validate(&cas, "/validate", SERVICE, &others).await.body,
        "yes\ncasuser\n"
    );
}

#[tokio::test]
async fn logging_out_without_a_service_or_with_a_foreign_scheme_shows_a_page() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    for params in [
        &[][..],
        &[("service", "javascript:alert(1)")],
        &[("url", "data:text/html,x")],
    ] {
        let answer = browser.get(url(&cas, "/logout", params)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.contains("You are signed out"));
        assert!(!answer.body.contains("javascript:") && !answer.body.contains("data:"));
    }
}

#[tokio::test]
async fn logging_out_with_a_url_shows_a_page_that_links_to_it() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[]).await;
    let answer = browser
        .get(url(&cas, "/logout", &[("url", "https://a.example/?b&c")]))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .body
            .contains("<a href=\"https://a.example/?b&amp;c\">")
    );
    assert!(browser.login(&cas, &[]).await.is_login_form());
}

#[tokio::test]
async fn logout_url_fails_keeps_the_session_and_leaves_service_alone() {
    let cas = CasServer::builder()
        .quirk(Quirk::LogoutUrlFails)
        .start()
        .await
        .unwrap();
    let mut browser = Browser::new();
    browser.sign_in(&cas, &[]).await;
    let answer = browser.get(url(&cas, "/logout", &[("url", SERVICE)])).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        browser
            .login(&cas, &[])
            .await
            .body
            .contains("You are signed in")
    );
    browser
        .get(url(&cas, "/logout", &[("service", SERVICE)]))
        .await
        .location();
    assert!(browser.login(&cas, &[]).await.is_login_form());
}
