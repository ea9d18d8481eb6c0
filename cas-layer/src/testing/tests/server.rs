//! The server as a whole: where it listens, how it ends, what it refuses.

use std::io::ErrorKind;

use super::{Browser, CasServer, SERVICE, StatusCode, User, client, get, header, url, validate};

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:127.0.0.1]:0"] {
        let error = CasServer::builder()
            .listen(addr.parse().unwrap())
            .start()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{addr}");
        assert!(
            error.to_string().contains("is not a loopback address"),
            "{error}"
        );
    }
    let cas = CasServer::builder()
        .listen("127.0.0.1:0".parse().unwrap())
        .start()
        .await
        .unwrap();
    assert_eq!(
        cas.url(),
        format!("http://127.0.0.1:{}/cas", cas.addr().port())
    );
    assert!(get(url(&cas, "/login", &[])).await.is_login_form());
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let cas = CasServer::start().await.unwrap();
    let error = CasServer::builder()
        .listen(cas.addr())
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn after_a_shutdown_nobody_answers() {
    let cas = CasServer::start().await.unwrap();
    let login = url(&cas, "/login", &[]);
    let client = client();
    // Leaves a connection open, which must not hold the shutdown up.
    client
        .get(login.clone())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    cas.shutdown().await;
    assert!(client.get(login).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let cas = CasServer::start().await.unwrap();
    let addr = cas.addr();
    drop(cas);
    while tokio::net::TcpListener::bind(addr).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_first_user_replaces_the_default_one_and_more_can_be_added() {
    let users = ["alice", "bob"].map(|name| User::new(name, "secret"));
    let [alice, bob] = users;
    let cas = CasServer::builder()
        .user(alice)
        .user(bob)
        .start()
        .await
        .unwrap();
    for name in ["alice", "bob"] {
        let ticket = cas.issue_ticket(name, SERVICE);
        let answer = validate(&cas, "/validate", SERVICE, &ticket).await;
        assert_eq!(answer.body, format!("yes\n{name}\n"));
    }
    let mut browser = Browser::new();
    assert!(browser.sign_in(&cas, &[]).await.is_login_form());
}

#[tokio::test]
async fn a_user_given_again_is_replaced() {
    let builder = CasServer::builder().user(User::new("alice", "old"));
    let cas = builder
        .user(User::new("alice", "new"))
        .start()
        .await
        .unwrap();
    for (password, form) in [("old", true), ("new", false)] {
        let mut browser = Browser::new();
        let shown = browser.login(&cas, &[]).await;
        let answer = browser.fill_in(&cas, &shown, "alice", password).await;
        assert_eq!(answer.is_login_form(), form);
    }
}

#[tokio::test]
#[should_panic(expected = "no user `nobody`")]
async fn a_ticket_for_an_unknown_user_panics() {
    let cas = CasServer::start().await.unwrap();
    let _ = cas.issue_ticket("nobody", SERVICE);
}

#[tokio::test]
async fn debug_output_has_no_secrets() {
    let user = User::new("alice", "open sesame").attribute("mail", ["alice@example.org"]);
    assert!(!format!("{user:?}").contains("sesame"));
    let builder = CasServer::builder().user(user);
    assert!(!format!("{builder:?}").contains("sesame"));
    let cas = builder.start().await.unwrap();
    let ticket = cas.issue_ticket("alice", SERVICE);
    let debug = format!("{cas:?}");
    assert!(
        !debug.contains("sesame") && !debug.contains(&ticket),
        "{debug}"
    );
}

#[tokio::test]
async fn doubled_and_trailing_slashes_and_foreign_paths_are_not_found() {
    let cas = CasServer::start().await.unwrap();
    for path in [
        "//login",
        "/login/",
        "//serviceValidate",
        "/p3/serviceValidate/",
        "//samlValidate",
        "/samlValidate/",
        "",
        "/",
    ] {
        assert_eq!(
            get(url(&cas, path, &[])).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let root = format!("http://{}/login", cas.addr());
    assert_eq!(get(root).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_large_form_is_refused() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    for (length, status) in [
        (60 * 1024, StatusCode::FORBIDDEN),
        (64 * 1024, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let fields = [("username", "x".repeat(length))];
        assert_eq!(browser.post(&cas, &fields).await.status, status);
    }
}

#[tokio::test]
async fn the_oldest_of_too_many_tickets_is_forgotten() {
    let cas = CasServer::start().await.unwrap();
    let [first, second] = [(); 2].map(|()| cas.issue_ticket("casuser", SERVICE));
    for _ in 0..9_999 {
        let _ = cas.issue_ticket("casuser", SERVICE);
    }
    assert_eq!(
        validate(&cas, "/validate", SERVICE, &first).await.body,
        "no\n\n"
    );
    assert_eq!(
        validate(&cas, "/validate", SERVICE, &second).await.body,
        "yes\ncasuser\n"
    );
}

#[tokio::test]
async fn pages_and_answers_are_not_stored() {
    let cas = CasServer::start().await.unwrap();
    let mut browser = Browser::new();
    let ticket = cas.issue_ticket("casuser", SERVICE);
    for answer in [
        browser.login(&cas, &[]).await,
        browser.sign_in(&cas, &[("service", SERVICE)]).await,
        browser.get(url(&cas, "/logout", &[])).await,
        validate(&cas, "/serviceValidate", SERVICE, &ticket).await,
    ] {
        assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    }
}
