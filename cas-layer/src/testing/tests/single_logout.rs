//! Single logout by the server.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::sync::{Barrier, Notify};

use super::super::{LogoutReport, Quirk};
use super::{Browser, CasServer, Receiver, SERVICE, StatusCode, User, header, soon, url, validate};

fn report(sent: usize, accepted: usize) -> LogoutReport {
    LogoutReport { sent, accepted }
}

/// Never answers.
async fn hanging() -> Receiver {
    Receiver::answering(std::future::pending::<StatusCode>).await
}

/// Opens the login page with a session or signs in; the ticket.
async fn ticket(browser: &mut Browser, cas: &CasServer, service: &str) -> String {
    let params = [("service", service)];
    let answer = browser.login(cas, &params).await;
    if answer.is_login_form() {
        return browser
            .fill_in(cas, &answer, "casuser", "Mellon")
            .await
            .ticket();
    }
    answer.ticket()
}

#[tokio::test]
async fn a_logout_request_is_a_form_post_of_one_line_of_xml() {
    let cas = CasServer::start().await.unwrap();
    let mut service = Receiver::start().await;
    let ticket = cas.issue_ticket("casuser", &service.at("/login?q=1&r=%C3%85#part"));
    assert_eq!(cas.log_out("casuser").await, report(1, 1));
    let heard = service.next().await;
    assert_eq!(heard.method, Method::POST);
    assert_eq!(heard.uri, "/login?q=1&r=%C3%85");
    assert_eq!(
        heard.headers[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(heard.headers[header::HOST], service.url["http://".len()..]);
    let message = heard.message();
    let (id, date) = (&message.id, message.date.as_deref().unwrap());
    assert!(id.starts_with("LR-") && id.len() == 35, "{id}");
    assert!(date.parse::<jiff::Timestamp>().is_ok() && date.ends_with('Z') && date.len() == 20);
    let encoded = |text: &str| text.replace(':', "%3A");
    let (id, date) = (encoded(id), encoded(date));
    assert_eq!(
        heard.body,
        format!(
            "logoutRequest=%3Csamlp%3ALogoutRequest+xmlns%3Asamlp%3D%22\
             urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Aprotocol%22+ID%3D%22{id}%22+Version%3D%222.0%22\
             +IssueInstant%3D%22{date}%22%3E%3Csaml%3ANameID+xmlns%3Asaml%3D%22\
             urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Aassertion%22%3Ecasuser%3C%2Fsaml%3ANameID%3E\
             %3Csamlp%3ASessionIndex%3E{ticket}%3C%2Fsamlp%3ASessionIndex%3E\
             %3C%2Fsamlp%3ALogoutRequest%3E"
        )
    );
}

#[tokio::test]
async fn a_logout_tells_every_service_of_the_session_and_of_no_other() {
    let cas = CasServer::start().await.unwrap();
    let [mut first, mut second] = [Receiver::start().await, Receiver::start().await];
    let mut browser = Browser::new();
    let used = ticket(&mut browser, &cas, &first.at("/a")).await;
    let validated = validate(&cas, "/validate", &first.at("/a"), &used).await;
    assert_eq!(validated.body, "yes\ncasuser\n");
    let again = ticket(&mut browser, &cas, &first.at("/a")).await;
    let unused = ticket(&mut browser, &cas, &second.at("/b")).await;
    let mut other = Browser::new();
    let others = ticket(&mut other, &cas, &second.at("/b")).await;
    let without = cas.issue_ticket("casuser", &second.at("/b"));

    let params = [("service", SERVICE)];
    let answer = browser.get(url(&cas, "/logout", &params)).await;
    assert_eq!(answer.location(), SERVICE);
    let mut expected = [used, again];
    expected.sort_unstable();
    assert_eq!(first.tickets(), expected);
    assert_eq!(second.tickets(), [unused]);

    // A second time there is nothing to tell.
    browser.get(url(&cas, "/logout", &[])).await;
    assert!(first.all().is_empty() && second.all().is_empty());
    other.get(url(&cas, "/logout", &[])).await;
    assert_eq!(second.tickets(), [others]);
    cas.log_out("casuser").await;
    assert_eq!(second.tickets(), [without]);
}

#[tokio::test]
async fn a_logout_without_a_session_tells_nobody() {
    let cas = CasServer::start().await.unwrap();
    let mut service = Receiver::start().await;
    let mut browser = Browser::new();
    ticket(&mut browser, &cas, &service.at("/")).await;
    for cookie in [None, Some("TGT-of-somebody")] {
        let mut stranger = Browser::new();
        if let Some(cookie) = cookie {
            stranger.cookies.insert("TGC".into(), cookie.into());
        }
        stranger.get(url(&cas, "/logout", &[])).await;
    }
    assert!(service.all().is_empty());
}

#[tokio::test]
async fn a_session_that_goes_on_under_another_password_still_tells_all_its_services() {
    let cas = CasServer::start().await.unwrap();
    let mut service = Receiver::start().await;
    let mut browser = Browser::new();
    let first = ticket(&mut browser, &cas, &service.at("/")).await;
    let params = [("service", service.at("/")), ("renew", "true".into())];
    let params = params.each_ref().map(|(name, value)| (*name, &**value));
    let second = browser.sign_in(&cas, &params).await.ticket();
    assert!(service.all().is_empty());
    browser.get(url(&cas, "/logout", &[])).await;
    let mut expected = [first, second];
    expected.sort_unstable();
    assert_eq!(service.tickets(), expected);
}

#[tokio::test]
async fn services_are_told_side_by_side() {
    let cas = CasServer::start().await.unwrap();
    // None answers before all were called.
    let barrier = Arc::new(Barrier::new(3));
    let mut services = Vec::new();
    for _ in 0..3 {
        let barrier = Arc::clone(&barrier);
        let service = Receiver::answering(move || {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                StatusCode::OK
            }
        })
        .await;
        let _ = cas.issue_ticket("casuser", &service.at("/"));
        services.push(service);
    }
    assert_eq!(cas.log_out("casuser").await, report(3, 3));
}

#[tokio::test]
async fn a_service_that_hangs_holds_nobody_up_for_longer_than_its_time_limit() {
    let limit = Duration::from_millis(50);
    let cas = CasServer::builder().logout_timeout(limit);
    let cas = cas.start().await.unwrap();
    let service = hanging().await;
    let _ = cas.issue_ticket("casuser", &service.at("/"));
    assert_eq!(soon(cas.log_out("casuser")).await, report(1, 0));
    let mut browser = Browser::new();
    ticket(&mut browser, &cas, &service.at("/")).await;
    let params = [("service", SERVICE)];
    let answer = browser.get(url(&cas, "/logout", &params)).await;
    assert_eq!(answer.location(), SERVICE);
}

#[tokio::test]
async fn services_that_fail_do_not_keep_the_others_from_being_told() {
    let cas = CasServer::start().await.unwrap();
    let gone = Receiver::start().await.at("/");
    let _ = cas.issue_ticket("casuser", &gone);
    let mut services = Vec::new();
    for status in [500, 404, 302, 204, 200] {
        let status = StatusCode::from_u16(status).unwrap();
        let service = Receiver::answering(move || std::future::ready(status)).await;
        let _ = cas.issue_ticket("casuser", &service.at("/"));
        services.push(service);
    }
    assert_eq!(cas.log_out("casuser").await, report(6, 2));
    for service in &mut services {
        assert_eq!(service.all().len(), 1);
    }
}

#[tokio::test]
async fn a_service_that_redirects_is_not_followed() {
    let cas = CasServer::start().await.unwrap();
    let mut elsewhere = Receiver::start().await;
    let location = elsewhere.at("/");
    let service = Receiver::answering(move || {
        let found = (StatusCode::FOUND, [(header::LOCATION, location.clone())]);
        std::future::ready(found)
    })
    .await;
    let _ = cas.issue_ticket("casuser", &service.at("/"));
    assert_eq!(cas.log_out("casuser").await, report(1, 0));
    assert!(elsewhere.all().is_empty());
}

#[tokio::test]
async fn only_services_on_loopback_are_told() {
    let cas = CasServer::start().await.unwrap();
    let mut service = Receiver::start().await;
    let port = service.url.rsplit(':').next().unwrap().to_owned();
    for host in ["app.example.org", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        let _ = cas.issue_ticket("casuser", &format!("http://{host}:{port}/"));
    }
    let _ = cas.issue_ticket("casuser", "not a URL");
    assert_eq!(cas.log_out("casuser").await, report(0, 0));
    assert!(service.all().is_empty());
    // These are, whatever the name service of the system says.
    for host in ["localhost", "app.localhost", "127.0.0.1"] {
        let _ = cas.issue_ticket("casuser", &format!("http://{host}:{port}/"));
    }
    assert_eq!(cas.log_out("casuser").await, report(3, 3));
}

#[tokio::test]
async fn log_out_ends_every_session_of_one_user() {
    let builder = CasServer::builder();
    let builder = builder.user(User::new("casuser", "Mellon"));
    let cas = builder.user(User::new("bob", "bob")).start().await.unwrap();
    let mut service = Receiver::start().await;
    let at = service.at("/");
    let mut browsers = [(); 3].map(|()| Browser::new());
    let mut tickets = Vec::new();
    let (last, others) = browsers.split_last_mut().unwrap();
    for browser in others {
        tickets.push(ticket(browser, &cas, &at).await);
    }
    tickets.push(cas.issue_ticket("casuser", &at));
    let form = last.login(&cas, &[("service", &at)]).await;
    let bobs = last.fill_in(&cas, &form, "bob", "bob").await.ticket();

    assert_eq!(cas.log_out("casuser").await, report(3, 3));
    tickets.sort_unstable();
    assert_eq!(service.tickets(), tickets);
    // The tickets are worth nothing any more, and the sessions are gone.
    for ticket in &tickets {
        assert_eq!(
            validate(&cas, "/validate", &at, ticket).await.body,
            "no\n\n"
        );
    }
    let forms = [true, true, false];
    for (browser, form) in browsers.iter_mut().zip(forms) {
        assert_eq!(browser.login(&cas, &[]).await.is_login_form(), form);
    }
    assert_eq!(
        validate(&cas, "/validate", &at, &bobs).await.body,
        "yes\nbob\n"
    );
    assert_eq!(cas.log_out("casuser").await, report(0, 0));
}

#[tokio::test]
async fn logging_out_somebody_unknown_tells_nobody() {
    let cas = CasServer::start().await.unwrap();
    let mut service = Receiver::start().await;
    let _ = cas.issue_ticket("casuser", &service.at("/"));
    for user in ["nobody", "", "CASUSER"] {
        assert_eq!(cas.log_out(user).await, report(0, 0), "{user}");
    }
    assert!(service.all().is_empty());
}

#[tokio::test]
async fn more_services_than_are_told_at_once_are_told_all_the_same() {
    let cas = CasServer::start().await.unwrap();
    let service = Receiver::start().await;
    for _ in 0..250 {
        let _ = cas.issue_ticket("casuser", &service.at("/"));
    }
    assert_eq!(cas.log_out("casuser").await, report(250, 250));
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_service() {
    let cas = CasServer::builder().logout_timeout(Duration::MAX);
    let cas = cas.start().await.unwrap();
    let mut service = hanging().await;
    let mut browser = Browser::new();
    ticket(&mut browser, &cas, &service.at("/")).await;
    let logout = url(&cas, "/logout", &[]);
    let asking = tokio::spawn(async move { browser.get(logout).await });
    service.next().await;
    cas.shutdown().await;
    assert_eq!(soon(asking).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn in_the_background_the_browser_does_not_wait_for_the_services() {
    let cas = CasServer::builder().quirk(Quirk::LogoutInBackground);
    let cas = cas.start().await.unwrap();
    let answered = Arc::new(Notify::new());
    let (seen, told) = (Arc::clone(&answered), Arc::new(Notify::new()));
    let done = Arc::clone(&told);
    let mut service = Receiver::answering(move || {
        let (seen, done) = (Arc::clone(&seen), Arc::clone(&done));
        async move {
            seen.notified().await;
            done.notify_one();
            StatusCode::OK
        }
    })
    .await;
    let mut browser = Browser::new();
    let ticket = ticket(&mut browser, &cas, &service.at("/")).await;
    browser.get(url(&cas, "/logout", &[])).await;
    // The service answers once the browser has its page, and is still heard.
    answered.notify_one();
    soon(told.notified()).await;
    assert_eq!(service.tickets(), [ticket]);

    // A test that logs somebody out wants to know what came of it.
    let _ = cas.issue_ticket("casuser", &service.at("/"));
    answered.notify_one();
    assert_eq!(cas.log_out("casuser").await, report(1, 1));
}
