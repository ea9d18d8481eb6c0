//! Tickets, cookies and headers that are none.

use cas_layer::testing::CasServer;

use crate::{
    browser::Browser,
    support::{App, alice},
};

#[tokio::test]
async fn a_ticket_that_is_none_is_sent_nowhere() {
    let app = App::start().await;
    for ticket in [
        String::new(),
        "A".repeat(2_049),
        "ST-1%20".into(),
        "ST-1%26service=x".into(),
        "ST-1%0D%0A".into(),
        "ST-%3Cb%3E".into(),
        "ST-%C3%A9".into(),
        "ST-%FF".into(),
        "ST-1%00".into(),
        "ST-%22x%22".into(),
        "ST-%27".into(),
    ] {
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let answer = browser.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(answer.status, 400, "{ticket}");
        assert!(answer.body.contains("Sign-in refused"), "{}", answer.body);
        assert!(
            answer.body.contains("href=\"/login?next=%2Fprofile\""),
            "{}",
            answer.body
        );
        assert!(
            ticket.is_empty() || !answer.body.contains(&ticket),
            "{ticket}"
        );
    }
    assert_eq!(app.cas.validations(), 0);
}

#[tokio::test]
async fn tickets_of_every_server_are_sent_to_it() {
    for ticket in [
        // A JSON web token.
        format!("ST-{}", "A1b2_-Qz9.".repeat(204)),
        format!("ST-{}", "A".repeat(2_045)),
        "ST-1-x@cas.example.org%3A8443".to_owned(),
        "AAE%2Bx%2Fy%3D%3D".to_owned(),
        "../x".to_owned(),
    ] {
        let app = App::start().await;
        let mut browser = Browser::new();
        let service = app.begin(&mut browser, "/profile").await;
        let answer = browser.insist_with(&service, &ticket).await;
        assert_eq!(answer.status, 403, "{ticket}");
        assert_eq!(app.cas.validations(), 3);
    }
}

#[tokio::test]
async fn a_used_ticket_gets_a_refusal_page_with_a_retry_link() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    // Somebody else used it up.
    let callback = app.callback(&service);
    let ticket = callback.split("ticket=").nth(1).unwrap();
    let validate = format!("{}/serviceValidate", app.cas.url());
    let used = reqwest::Client::new()
        .get(format!(
            "{validate}?{}",
            form_urlencoded::Serializer::new(String::new())
                .append_pair("service", &service)
                .append_pair("ticket", ticket)
                .finish()
        ))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(used.contains("alice"), "{used}");

    // The login begins again by itself, twice.
    let answer = browser.insist_with(&service, ticket).await;
    assert_eq!(app.cas.validations(), 4);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("INVALID_TICKET"), "{}", answer.body);
    assert!(
        answer.body.contains("href=\"/login?next=%2Fprofile\""),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains(ticket));
    assert!(!browser.has_session());
    // The retry link works.
    assert_eq!(
        app.sign_in(&mut browser, "/login?next=%2Fprofile")
            .await
            .location(),
        "/profile"
    );
}

#[tokio::test]
async fn a_ticket_for_another_service_is_refused() {
    let app = App::start().await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let foreign = app.cas.issue_ticket("alice", "https://elsewhere.example/");
    let answer = browser.open(&format!("{service}&ticket={foreign}")).await;
    assert_eq!(answer.status, 403);
    assert!(!browser.has_session());
}

#[tokio::test]
async fn an_expired_ticket_is_refused() {
    let cas = CasServer::builder()
        .user(alice())
        .ticket_lifetime(std::time::Duration::ZERO);
    let app = App::against(cas, |config| config).await;
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let answer = browser.insist(&service, |it| app.callback(it)).await;
    assert_eq!(answer.status, 403);
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_refused_ticket_leads_on_when_a_session_stands() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let second = {
        let mut fresh = browser.clone();
        fresh
            .cookies
            .retain(|cookie| !cookie.name().ends_with("-session"));
        let service = app.begin(&mut fresh, "/home/two").await;
        // The login binding of the new tab joins the session.
        let login = fresh.cookie("-login").unwrap().clone();
        browser
            .cookies
            .retain(|cookie| !cookie.name().ends_with("-login"));
        browser.cookies.push(login);
        service
    };
    let answer = browser.open(&format!("{second}&ticket=ST-used")).await;
    assert_eq!(answer.location(), "/home/two");
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn cookies_that_do_not_open_are_as_good_as_none_and_left_alone() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let good = browser.cookie("-session").unwrap().clone();
    let value = good.value().to_owned();
    let other = {
        // Another app of the same key: its cookie value under our name.
        let other = App::start().await;
        let mut browser = Browser::new();
        other.sign_in(&mut browser, "/profile").await;
        browser.cookie("-session").unwrap().value().to_owned()
    };
    let binding = {
        let mut browser = Browser::new();
        app.begin(&mut browser, "/profile").await;
        browser.cookie("-login").unwrap().value().to_owned()
    };
    let foreign_key = {
        let app = App::with(|config| config.key(crate::support::key(9))).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        browser.cookie("-session").unwrap().value().to_owned()
    };
    let altered = |at: usize| {
        let mut altered = value.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(altered).unwrap()
    };
    for bad in [
        altered(0),
        altered(value.len() / 2),
        altered(value.len() - 2),
        value[..value.len() / 2].to_owned(),
        value[1..].to_owned(),
        format!("{value}A"),
        String::new(),
        "A".repeat(4096),
        "%00%ff".into(),
        other,
        binding,
        foreign_key,
    ] {
        let mut browser = Browser::new();
        let mut cookie = good.clone();
        cookie.set_value(bad.clone());
        browser.cookies.push(cookie);
        assert!(app.whoami(&mut browser).await.is_null(), "{bad}");
        let answer = browser.open(&app.at("/profile")).await;
        assert!(answer.location().starts_with(app.cas.url()), "{bad}");
        assert!(
            answer
                .set_cookies()
                .iter()
                .all(|set| set.name() != good.name()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn the_session_is_found_behind_planted_cookies_of_its_name() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let session = browser.cookie("-session").unwrap().clone();
    let line = format!(
        "{0}=planted; {0}=; x=y; {0}={1}",
        session.name(),
        session.value()
    );
    let request = browser.request(reqwest::Method::GET, &app.at("/public/whoami"));
    let answer = Browser::new().send(request.header("cookie", line)).await;
    assert!(answer.body.contains("alice"), "{}", answer.body);
}

#[tokio::test]
async fn headers_of_all_kinds_are_no_error_of_ours() {
    let app = App::start().await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    let session = browser.cookie("-session").unwrap().clone();
    let name = session.name();
    let latin = reqwest::header::HeaderValue::from_bytes(
        format!("x=\u{e9}; {name}={}", session.value())
            .replace('\u{e9}', "\u{7f}\u{e9}")
            .as_bytes(),
    );
    // The control character is not a header value; the Latin-1 byte is.
    assert!(latin.is_err());
    let latin = [
        b"x=\xe9; ".as_slice(),
        format!("{name}={}", session.value()).as_bytes(),
    ]
    .concat();
    let latin = reqwest::header::HeaderValue::from_bytes(&latin).unwrap();
    let request = browser.request(reqwest::Method::GET, &app.at("/public/whoami"));
    let answer = Browser::new().send(request.header("cookie", latin)).await;
    assert!(answer.body.contains("alice"), "{}", answer.body);

    for cookie in [
        ";;;;=;=;a".to_owned(),
        name.to_owned(),
        format!("{name}=\"\""),
        format!("{name}={}", "x".repeat(300_000)),
        format!("{name}=x; ").repeat(10_000),
    ] {
        let request = browser.request(reqwest::Method::GET, &app.at("/public/whoami"));
        let answer = Browser::new().send(request.header("cookie", cookie)).await;
        // The server in front may find a header too large; the layer finds nothing.
        assert!(
            [200, 431].contains(&answer.status.as_u16()),
            "{}",
            answer.status
        );
        assert!(!answer.body.contains("alice"));
    }
}

/// Past the server in front: a megabyte of cookies reaches the layer itself.
#[tokio::test]
async fn a_megabyte_of_cookies_is_read_and_nobody_is_signed_in() {
    use tower::ServiceExt as _;
    let config = cas_layer::CasConfig::builder("https://cas.example", "https://app.example")
        .key(crate::support::key(1))
        .session(|session| session.cookie_name("app"))
        .public("/")
        .build()
        .unwrap();
    let name = config.cookie_name().to_owned();
    let app = axum::Router::new()
        .route(
            "/",
            axum::routing::get(async |user: Option<cas_layer::CasUser>| user.is_some().to_string()),
        )
        .layer(cas_layer::CasLayer::new(config));
    for cookie in [
        format!("{name}={}", "A".repeat(1 << 20)),
        format!("{name}={}; ", "A".repeat(4_000)).repeat(256),
        ";".repeat(1 << 20),
        "=".repeat(1 << 20),
        "%".repeat(1 << 20),
    ] {
        let request = http::Request::get("/").header("cookie", cookie);
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(&body[..], b"false");
    }
}

#[tokio::test]
async fn malformed_queries_are_never_an_error_of_ours() {
    let app = App::start().await;
    for query in [
        "%",
        "%zz",
        "ticket",
        "ticket=%",
        "next=%ff&ticket=%ff",
        "b=%00&ticket=ST-1",
        "&&==",
        "try=%",
    ] {
        let answer = Browser::new()
            .open(&app.at(&format!("/login?{query}")))
            .await;
        assert!(answer.status.as_u16() < 500, "{query}: {}", answer.status);
    }
    assert_eq!(app.cas.validations(), 0);
}
