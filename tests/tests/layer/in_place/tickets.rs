//! A ticket counts in the browser that began the login, and is the app's own where it is none of ours.

use cas_layer::{CasConfigBuilder, testing::Quirk};
use reqwest::Method;

use super::{begin, callback, sign_in, whole};
use crate::browser::Browser;

#[tokio::test]
async fn a_foreign_browsers_ticket_is_never_validated_and_the_login_starts_afresh() {
    let site = whole(|config| config).await;
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let service = begin(&site, &mut attacker, "/page?a=b").await;
    let link = callback(&site, &service);
    let answer = victim.open(&link).await;
    assert!(answer.location().starts_with(site.cas.url()));
    assert_eq!(site.cas.validations(), 0);
    let fresh = answer.location_parameter("service").unwrap();
    assert_ne!(fresh, service);
    let back = victim.open(&callback(&site, &fresh)).await;
    assert_eq!(back.location(), "/page?a=b");
    assert_eq!(site.cas.validations(), 1);
}

#[tokio::test]
async fn a_tampered_page_attempt_or_kind_is_foreign() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page?a=b").await;
    for tampered in [
        service
            .replace("/page?", "/other?")
            .replace("cas_next", "x"),
        service.replace("cas_next=", "cas_next=L290aGVy&x="),
        format!("{service}&cas_try=0&cas_renew=1"),
    ] {
        assert_ne!(tampered, service);
        browser.open(&callback(&site, &tampered)).await;
        assert!(!browser.has_session(), "{tampered}");
    }
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn a_callback_that_is_opened_again_leads_to_the_page() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page?a=%2f").await;
    let callback = callback(&site, &service);
    browser.open(&callback).await;
    for again in [&callback, &service] {
        assert_eq!(browser.open(again).await.location(), "/page?a=%2f");
    }
    // And without a session to a login for that page, not for the address of the old one.
    let mut other = Browser::new();
    let fresh = begin(&site, &mut other, service.strip_prefix(&site.url).unwrap()).await;
    assert_ne!(fresh, service);
    assert_eq!(fresh.len(), service.len());
    assert_eq!(site.cas.validations(), 1);
}

#[tokio::test]
async fn without_cookies_a_page_says_so_after_one_retry() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    browser.refuses = vec!["cas-"];
    let service = begin(&site, &mut browser, "/page?a=b").await;
    let retry = browser.open(&callback(&site, &service)).await;
    let service = retry.location_parameter("service").unwrap();
    let page = browser.open(&callback(&site, &service)).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Cookies needed"), "{}", page.body);
    assert!(page.body.contains("href=\"/page?a=b\""), "{}", page.body);
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn a_ticket_that_a_portal_put_into_a_link_begins_a_login_without_it() {
    let site = whole(|config| config).await;
    for (link, page) in [
        ("/page?ticket=ST-1-portal", "/page"),
        ("/page?a=%2f&ticket=ST-1&&b", "/page?a=%2f&&b"),
        ("/page?ticket=PT-1&x=1", "/page?x=1"),
        ("/page?ticket=TT-1&x=1", "/page?ticket=TT-1&x=1"),
    ] {
        let mut browser = Browser::new();
        assert_eq!(sign_in(&site, &mut browser, link).await.location(), page);
        // To who has signed in, it is a parameter like any other.
        let seen = browser.open(&site.at(link)).await;
        assert_eq!(seen.body, format!("alice at {link}"));
    }
    assert_eq!(site.cas.validations(), 4);
}

#[tokio::test]
async fn an_apps_own_ticket_is_left_alone() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    for path in ["/public/a?ticket=ST-1", "/public/a?ticket=abc&cas_next=x"] {
        let seen = browser.open(&site.at(path)).await;
        assert_eq!(seen.body, format!("nobody at {path}"));
    }
    let service = begin(&site, &mut browser, "/page").await;
    let callback = callback(&site, &service);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let request = browser.request(method.clone(), &callback);
        let status = browser.send(request).await.status;
        assert_eq!(status, 401, "{method}");
    }
    assert_eq!(site.cas.validations(), 0);
    browser.open(&callback).await;
    let posted = browser.request(Method::POST, &site.at("/x?ticket=ST-1"));
    assert_eq!(browser.send(posted).await.body, "alice at /x?ticket=ST-1");
}

#[tokio::test]
async fn neither_a_question_nor_a_prefetch_uses_a_ticket() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page").await;
    let callback = callback(&site, &service);
    let mut copy = browser.clone();
    let head = copy.request(Method::HEAD, &callback);
    assert!(!copy.send(head).await.status.is_success());
    let prefetch = copy.request(Method::GET, &callback);
    let prefetch = copy.send(prefetch.header("sec-purpose", "prefetch")).await;
    assert_eq!(prefetch.status, 401);
    assert_eq!(site.cas.validations(), 0);
    assert_eq!(browser.open(&callback).await.location(), "/page");
}

#[tokio::test]
async fn a_ticket_that_is_none_is_sent_nowhere() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page").await;
    for ticket in ["", "ST-1%20", "ST-1%26x=y", "ST-%3Cb%3E"] {
        let answer = browser.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(answer.status, 400, "{ticket}");
        assert!(answer.body.contains("href=\"/page\""), "{}", answer.body);
    }
    assert_eq!(site.cas.validations(), 0);
}

#[tokio::test]
async fn a_refused_ticket_is_told_with_a_link_to_the_page() {
    let site = whole(|config| config).await;
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page?a=b").await;
    let answer = browser.insist_with(&service, "ST-unknown").await;
    assert_eq!(site.cas.validations(), 3);
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("href=\"/page?a=b\""),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("ST-unknown"));
}

#[tokio::test]
async fn with_a_bare_service_url_a_ticket_needs_a_login_for_that_page() {
    let site =
        whole(|config: CasConfigBuilder| config.sign_in(|sign_in| sign_in.bare_service_url(true)))
            .await;
    site.cas.set_quirks([Quirk::CompareWithoutQuery]);
    let mut browser = Browser::new();
    let service = begin(&site, &mut browser, "/page").await;
    let elsewhere = callback(&site, &site.at("/other"));
    let page = browser.open(&elsewhere).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("href=\"/other\""), "{}", page.body);
    assert_eq!(site.cas.validations(), 0);
    let question = browser.open(&callback(&site, &service)).await.question();
    let back = browser.answer(&site.url, &question, "continue").await;
    assert_eq!(back.location(), "/page");
    // Used up: what looks like one is now the app's own.
    let again = callback(&site, &service);
    let seen = browser.open(&again).await;
    assert!(
        seen.body.starts_with("alice at /page?ticket="),
        "{}",
        seen.body
    );
    assert_eq!(site.cas.validations(), 1);
}

#[tokio::test]
async fn with_a_bare_service_url_a_ticket_of_the_apps_is_left_alone() {
    let site =
        whole(|config: CasConfigBuilder| config.sign_in(|sign_in| sign_in.bare_service_url(true)))
            .await;
    let mut browser = Browser::new();
    // Without a session it comes back with the page.
    let service = begin(&site, &mut browser, "/issue?ticket=4711").await;
    assert_eq!(service, site.at("/issue"));
    let question = browser.open(&callback(&site, &service)).await.question();
    let back = browser.answer(&site.url, &question, "continue").await;
    assert_eq!(back.location(), "/issue?ticket=4711");
    assert_eq!(site.cas.validations(), 1);
    // With a session and a login under way for that page, it is sent nowhere.
    let mut tab = Browser::new();
    begin(&site, &mut tab, "/issue").await;
    tab.keep(browser.cookie("-session").unwrap().clone());
    let seen = tab.open(&site.at("/issue?ticket=4711")).await;
    assert_eq!(seen.body, "alice at /issue?ticket=4711");
    assert_eq!(site.cas.validations(), 1);
}
