//! What ends proxy-granting tickets, and who hears of it.

use std::time::Duration;

use url::Url;

use super::{
    Authority, BACK_END, Browser, CasServer, FrontChannel, Quirk, Receiver, SERVICE, Said,
    StatusCode, User, buy, granted, is_good, on_http, proxy, site, url, validate, validate_for,
};

/// A proxy-granting ticket of the session of a browser, which signs in for it when it has none.
async fn granting(browser: &mut Browser, cas: &CasServer, proxy: &mut Receiver) -> String {
    let params = [("service", SERVICE)];
    let mut answer = browser.login(cas, &params).await;
    if answer.is_login_form() {
        answer = browser.fill_in(cas, &answer, "casuser", "Mellon").await;
    }
    let pgt_url = proxy.at("/pgt?a=1");
    validate_for(cas, "/serviceValidate", SERVICE, &answer.ticket(), &pgt_url).await;
    granted(proxy).0
}

#[tokio::test]
async fn a_logout_ends_the_granting_tickets_of_its_session_and_no_other() {
    let (cas, mut proxy) = site().await;
    let mut browsers = [Browser::new(), Browser::new()];
    let mut pgts = Vec::new();
    for browser in &mut browsers {
        pgts.push(granting(browser, &cas, &mut proxy).await);
    }
    pgts.push(cas.issue_proxy_granting_ticket("casuser", &proxy.at("/")));
    let unused = buy(&cas, &pgts[0], BACK_END).await;
    browsers[0].get(url(&cas, "/logout", &[])).await;
    for (pgt, good) in pgts.iter().zip([false, true, true]) {
        assert_eq!(is_good(&cas, pgt).await, good);
    }
    // Nor is a ticket good that it had bought.
    let answer = validate(&cas, "/proxyValidate", BACK_END, &unused).await;
    let refused = Said::failure("authenticationFailure", "INVALID_TICKET");
    assert_eq!(Said::of(&answer), refused);

    assert_eq!(proxy.tickets(), [pgts[0].clone()]);
    cas.log_out("casuser").await;
    for pgt in &pgts {
        assert!(!is_good(&cas, pgt).await);
    }
}

#[tokio::test]
async fn somebody_else_stays() {
    let builder = CasServer::builder().user(User::new("casuser", "Mellon"));
    let cas = builder.user(User::new("bob", "bob")).start().await.unwrap();
    let [mine, bobs] = ["casuser", "bob"]
        .map(|user| cas.issue_proxy_granting_ticket(user, "https://a.example/pgt"));
    cas.log_out("casuser").await;
    assert!(!is_good(&cas, &mine).await && is_good(&cas, &bobs).await);
}

#[tokio::test]
async fn a_granting_ticket_lasts_as_long_as_its_session() {
    let (cas, mut proxy) = site().await;
    let pgt = granting(&mut Browser::new(), &cas, &mut proxy).await;
    let without = cas.issue_proxy_granting_ticket("casuser", "https://a.example/pgt");
    for (hours, good) in [(7, true), (1, false)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(hours * 3600)).await;
        tokio::time::resume();
        assert_eq!(is_good(&cas, &pgt).await, good);
        assert_eq!(is_good(&cas, &without).await, good);
    }
}

#[tokio::test]
async fn a_session_that_goes_on_keeps_the_granting_tickets_of_the_same_user() {
    let authority = Authority::new();
    let builder = CasServer::builder().ca(&authority.pem);
    let builder = builder.user(User::new("casuser", "Mellon"));
    let cas = builder.user(User::new("bob", "bob")).start().await.unwrap();
    let mut proxy = proxy(&authority).await;
    let mut browser = Browser::new();
    let pgt = granting(&mut browser, &cas, &mut proxy).await;
    browser.sign_in(&cas, &[("renew", "true")]).await;
    assert!(is_good(&cas, &pgt).await);
    let form = browser.login(&cas, &[("renew", "true")]).await;
    browser.fill_in(&cas, &form, "bob", "bob").await;
    assert!(!is_good(&cas, &pgt).await);
    // The proxy hears of it when that session ends.
    browser.get(url(&cas, "/logout", &[])).await;
    assert_eq!(proxy.tickets(), [pgt]);
}

#[tokio::test]
async fn a_logout_is_told_to_the_proxy_and_to_the_back_end() {
    let cas = on_http().await;
    let mut app = Receiver::start().await;
    let mut proxy = Receiver::start().await;
    let mut back_end = Receiver::start().await;
    let mut browser = Browser::new();
    for used in [false, true] {
        let at = app.at("/login");
        let st = browser.sign_in(&cas, &[("service", &at)]).await.ticket();
        let pgt_url = proxy.at("/pgt?a=1");
        validate_for(&cas, "/serviceValidate", &at, &st, &pgt_url).await;
        let (pgt, _) = granted(&mut proxy);
        let target = back_end.at("/api?q=1");
        let pt = buy(&cas, &pgt, &target).await;
        if used {
            validate(&cas, "/proxyValidate", &target, &pt).await;
        }
        browser.get(url(&cas, "/logout", &[])).await;
        assert_eq!(app.tickets(), [st]);
        let heard = proxy.next().await;
        assert_eq!(
            (heard.method, &*heard.uri),
            (http::Method::POST, "/pgt?a=1")
        );
        assert_eq!(heard_tickets(&heard.body), [pgt]);
        let heard = back_end.next().await;
        assert_eq!(
            (heard.method, &*heard.uri),
            (http::Method::POST, "/api?q=1")
        );
        assert_eq!(heard_tickets(&heard.body), [pt]);
        assert!(proxy.all().is_empty() && back_end.all().is_empty());
    }
}

/// The tickets of a logout request.
fn heard_tickets(form: &str) -> Vec<String> {
    let (_, xml) = form_urlencoded::parse(form.as_bytes()).next().unwrap();
    super::super::receiver::Message::read(&xml).tickets
}

#[tokio::test]
async fn a_server_may_keep_a_logout_from_proxies() {
    let cas = on_http().await;
    let mut service = Receiver::start().await;
    let st = cas.issue_ticket("casuser", &service.at("/"));
    let _ = cas.issue_proxy_granting_ticket("casuser", &service.at("/pgt"));
    let _ = cas.issue_proxy_ticket("casuser", &["https://a.example/"], &service.at("/api"));
    cas.set_quirks([Quirk::LogoutSkipsProxies]);
    cas.log_out("casuser").await;
    assert_eq!(service.tickets(), [st]);
}

#[tokio::test]
async fn a_browser_carries_no_logout_request_to_a_proxy() {
    let cas = on_http().await;
    cas.set_front_channel(Some(FrontChannel::Redirects));
    let [mut app, mut proxy] = [Receiver::start().await, Receiver::start().await];
    let (at, pgt_url) = (app.at("/login"), proxy.at("/pgt"));
    let mut browser = Browser::new();
    let ticket = browser.sign_in(&cas, &[("service", &at)]).await.ticket();
    validate_for(&cas, "/serviceValidate", &at, &ticket, &pgt_url).await;
    let (pgt, _) = granted(&mut proxy);
    // To the one service, and from there nowhere else.
    let answer = browser.get(url(&cas, "/logout", &[])).await;
    let visit = Url::parse(answer.location()).unwrap();
    assert!(visit.as_str().starts_with(&at), "{visit}");
    let (_, state) = visit
        .query_pairs()
        .find(|(name, _)| name == "RelayState")
        .unwrap();
    let params = [("_eventId", "next"), ("RelayState", &*state)];
    let answer = browser.get(url(&cas, "/logout", &params)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(app.all().is_empty() && proxy.all().is_empty());
    // The ticket ends all the same.
    assert!(!is_good(&cas, &pgt).await);
}
