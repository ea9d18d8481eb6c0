//! Logout requests of the CAS server, over both channels.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, routing::get};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, CasUser, peer_address, registry::LogoutSender,
};
use flate2::{Compression, write::DeflateEncoder};
use http_body_util::channel::Channel;
use reqwest::Method;
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    browser::{Answer, Browser, parameter},
    registry::Moody,
    site::{self, Site},
    support::App,
};

pub(crate) fn message(tickets: &[&str]) -> String {
    let indexes = tickets.iter().fold(String::new(), |indexes, ticket| {
        indexes + "<samlp:SessionIndex>" + ticket + "</samlp:SessionIndex>"
    });
    format!(
        r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="LR-1" Version="2.0" IssueInstant="2026-11-25T10:00:00Z"><saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>{indexes}</samlp:LogoutRequest>"#
    )
}

pub(crate) fn form(message: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("logoutRequest", message)
        .finish()
}

pub(crate) async fn post(url: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let mut browser = Browser::new();
    let request = browser.request(Method::POST, url);
    browser
        .send(request.header("content-type", content_type).body(body))
        .await
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Alice, signed in, with the service URL and the ticket of her session.
pub(crate) async fn alice(app: &App) -> (Browser, String, String) {
    let mut browser = Browser::new();
    let service = app.begin(&mut browser, "/profile").await;
    let callback = app.callback(&service);
    let ticket = parameter(&callback, "ticket").unwrap();
    assert_eq!(browser.open(&callback).await.location(), "/profile");
    (browser, service, ticket)
}

#[tokio::test]
async fn a_logout_request_ends_the_session_of_its_ticket_and_no_other() {
    let app = App::start().await;
    let (mut first, service, ticket) = alice(&app).await;
    let (mut second, ..) = alice(&app).await;
    let answer = post(&service, FORM, form(&message(&[&ticket]))).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(app.whoami(&mut first).await, serde_json::Value::Null);
    assert_eq!(app.whoami(&mut second).await, "alice");
    // The cookie goes with the next answer of ours.
    let demand = first.open(&app.at("/profile")).await;
    assert!(demand.location().starts_with(app.cas.url()));
    assert!(!first.has_session());
}

#[tokio::test]
async fn a_logout_request_is_taken_wherever_and_however_servers_send_it() {
    let app =
        App::with(|c| c.endpoints(|endpoints| endpoints.logout_request("/cas/single-logout")))
            .await;
    for (at, content_type) in [
        ("service", FORM),
        ("/login", FORM),
        ("/cas/single-logout", FORM),
        ("/login", "application/x-www-form-urlencoded; charset=UTF-8"),
        (
            "/login",
            "application/x-www-form-urlencoded;charset=iso-8859-1",
        ),
        (
            "/login",
            "Application/X-WWW-Form-URLEncoded ; charset=\"utf-8\"",
        ),
    ] {
        let (mut browser, service, ticket) = alice(&app).await;
        let url = if at == "service" { service } else { app.at(at) };
        let answer = post(&url, content_type, form(&message(&[&ticket]))).await;
        assert_eq!(answer.status, 200, "{at} {content_type}");
        assert_eq!(
            app.whoami(&mut browser).await,
            serde_json::Value::Null,
            "{at} {content_type}"
        );
    }
}

#[tokio::test]
async fn several_sessions_end_by_one_request() {
    let app = App::start().await;
    let (mut first, _, one) = alice(&app).await;
    let (mut second, _, two) = alice(&app).await;
    let (mut third, ..) = alice(&app).await;
    let body = form(&message(&[&one, "ST-unknown", "", &two]));
    assert_eq!(post(&app.at("/login"), FORM, body).await.status, 200);
    assert_eq!(app.whoami(&mut first).await, serde_json::Value::Null);
    assert_eq!(app.whoami(&mut second).await, serde_json::Value::Null);
    assert_eq!(app.whoami(&mut third).await, "alice");
}

#[tokio::test]
async fn what_is_unknown_repeated_or_late_is_answered_200_and_changes_nothing() {
    let app = App::start().await;
    let (mut browser, service, ticket) = alice(&app).await;
    let long = format!("ST-{}", "x".repeat(5_000));
    for unknown in ["ST-unknown", "PT-1", "PGT-1", "", &long] {
        let answer = post(&service, FORM, form(&message(&[unknown]))).await;
        assert_eq!(answer.status, 200, "{unknown}");
    }
    assert_eq!(app.whoami(&mut browser).await, "alice");
    for _ in 0..3 {
        assert_eq!(
            post(&service, FORM, form(&message(&[&ticket])))
                .await
                .status,
            200
        );
    }
    assert_eq!(app.whoami(&mut browser).await, serde_json::Value::Null);
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_changes_nothing() {
    let app = App::start().await;
    let (mut browser, service, ticket) = alice(&app).await;
    let good = message(&[&ticket]);
    let doctype = format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{good}");
    let foreign = good.replace("SAML:2.0:protocol", "SAML:2.0:other");
    let with_ticket = format!("{}&ticket=ST-1", form(&good));
    let twice = format!("{0}&{0}", form(&good));
    let padded_to = |length: usize| {
        let padded = format!("{}&padding=", form("x"));
        format!("{padded}{}", "x".repeat(length - padded.len()))
    };
    let multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"logoutRequest\"\r\n\r\n{good}\r\n--b--\r\n"
    );
    for (content_type, body, status) in [
        (FORM, form(&doctype), 400),
        (FORM, form(&foreign), 400),
        (FORM, form(&good[..good.len() - 3]), 400),
        (FORM, form("<samlp:LogoutRequest/>"), 400),
        (FORM, with_ticket, 400),
        (FORM, twice, 400),
        (FORM, String::new(), 400),
        (FORM, "a=b".to_owned(), 400),
        (FORM, good.clone(), 400),
        (FORM, padded_to(64 * 1024), 400),
        (FORM, padded_to(64 * 1024 + 1), 413),
        (FORM, padded_to(2_000_000), 413),
        ("multipart/form-data; boundary=b", multipart, 400),
        ("text/xml", good.clone(), 400),
        ("application/json", form(&good), 400),
    ] {
        let start: String = body.chars().take(60).collect();
        let answer = post(&service, content_type, body).await;
        assert_eq!(answer.status, status, "{content_type} {start}");
        assert!(!answer.body.contains(&ticket), "{}", answer.body);
    }
    let bare = Browser::new().request(Method::POST, &service);
    assert_eq!(bare.body(form(&good)).send().await.unwrap().status(), 400);
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn the_apps_own_posts_are_not_looked_at() {
    let app =
        App::with(|c| c.endpoints(|endpoints| endpoints.logout_request("/cas/single-logout")))
            .await;
    let (mut browser, _, ticket) = alice(&app).await;
    let body = form(&message(&[&ticket]));
    for path in ["/profile", "/public/echo"] {
        let request = browser.request(Method::POST, &app.at(path));
        let answer = browser
            .send(request.header("content-type", FORM).body(body.clone()))
            .await;
        assert_eq!(answer.body, body, "{path}");
    }
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let app = App::start().await;
    let (mut sender, body) = Channel::<bytes::Bytes>::new(1);
    let url = app.at("/login");
    let answer = tokio::spawn(async move { post(&url, FORM, reqwest::Body::wrap(body)).await });
    let chunk = bytes::Bytes::from(vec![b'x'; 16 * 1024]);
    // Ends when the other side no longer takes anything.
    let mut sent = 0;
    while sent < 1_000 && sender.send_data(chunk.clone()).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 1_000);
    // The answer may be lost with the connection that it closes.
    if let Ok(answer) = answer.await {
        assert_eq!(answer.status, 413);
    }
}

/// A CAS server that vouches for alice, when it is told to.
async fn hesitant_cas(asked: Arc<Notify>, answer: Arc<Notify>) -> String {
    let validate = async move || {
        asked.notify_one();
        answer.notified().await;
        r#"<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationSuccess><cas:user>alice</cas:user></cas:authenticationSuccess></cas:serviceResponse>"#
    };
    let router = Router::new().route("/p3/serviceValidate", get(validate));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn a_logout_that_overtakes_the_sign_in_wins() {
    let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let cas = hesitant_cas(Arc::clone(&asked), Arc::clone(&answer)).await;
    let site = Site::start(
        "",
        |_| (),
        async move |listener, ()| {
            let url = format!("http://{}", listener.local_addr().unwrap());
            let config = site::config(&cas, &url).build().unwrap();
            let app: Router = Router::new().layer(CasLayer::new(config));
            axum::serve(listener, app).await.unwrap();
        },
    )
    .await;
    let mut browser = Browser::new();
    for (logout, status) in [(true, 403), (false, 302)] {
        let begin = browser.open(&site.at("/profile")).await;
        let service = begin.location_parameter("service").unwrap();
        let ticket = format!("ST-{logout}");
        let sign_in = tokio::spawn({
            let (mut browser, callback) = (browser.clone(), format!("{service}&ticket={ticket}"));
            async move { (browser.open(&callback).await, browser) }
        });
        asked.notified().await;
        if logout {
            assert_eq!(
                post(&service, FORM, form(&message(&[&ticket])))
                    .await
                    .status,
                200
            );
        }
        answer.notify_one();
        let (answer, browser) = sign_in.await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(browser.has_session(), !logout);
    }
}

#[tokio::test]
async fn with_a_list_of_sources_others_are_refused() {
    async fn app(networks: &'static [&'static str], with_address: bool) -> Site {
        let app = move |c: CasConfigBuilder| {
            let config = c
                .peer_address(peer_address)
                .sign_out(|sign_out| sign_out.logout_sources(networks.iter().copied()));
            Router::new()
                .route("/home", get(async |user: CasUser| user.name().to_owned()))
                .layer(CasLayer::new(config.build().unwrap()))
        };
        Site::start("", app, async move |listener: TcpListener, app: Router| {
            if with_address {
                let app = app.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, app).await.unwrap();
            } else {
                axum::serve(listener, app).await.unwrap();
            }
        })
        .await
    }
    for (networks, with_address, status) in [
        (&["127.0.0.0/8"][..], true, 200),
        (&["192.0.2.0/24", "127.0.0.1"], true, 200),
        (&["192.0.2.0/24"], true, 403),
        (&["0.0.0.0/0"], false, 403),
    ] {
        let site = app(networks, with_address).await;
        let mut browser = Browser::new();
        let begin = browser.open(&site.at("/home")).await;
        let service = begin.location_parameter("service").unwrap();
        let ticket = site.cas.issue_ticket("alice", &service);
        browser.open(&format!("{service}&ticket={ticket}")).await;
        let answer = post(&service, FORM, form(&message(&[&ticket]))).await;
        assert_eq!(answer.status, status, "{networks:?} {with_address}");
        // Nor does the layer look at what they post.
        let malformed = post(&service, "text/xml", "x").await;
        assert_eq!(malformed.status, status.max(400), "{networks:?}");
        let home = browser.open(&site.at("/home")).await;
        assert_eq!(home.status.is_success(), status == 403, "{networks:?}");
    }
}

#[tokio::test]
async fn the_registry_learns_over_which_channel_and_from_where_a_request_comes() {
    let senders = async |change: fn(CasConfigBuilder) -> CasConfigBuilder| {
        let registry = Moody::default();
        let app = App::with(|c| change(c.registry(registry.clone()))).await;
        let (login, message) = (app.at("/login"), message(&["ST-1"]));
        let answer = post(&login, FORM, form(&message)).await;
        assert_eq!(answer.status, 200);
        let url = format!("{login}?{}", query(&[("logoutRequest", &message)]));
        assert_eq!(Browser::new().open(&url).await.status, 200);
        registry.senders()
    };
    let unknown = [
        LogoutSender::back_channel(None),
        LogoutSender::front_channel(None),
    ];
    assert_eq!(senders(|c| c).await, unknown);
    let one = senders(|c| c.peer_address(|_| Some([192, 0, 2, 7].into()))).await;
    let other = senders(|c| c.peer_address(|_| Some([192, 0, 2, 8].into()))).await;
    let listed = senders(|c| {
        c.peer_address(|_| Some([192, 0, 2, 7].into()))
            .sign_out(|sign_out| sign_out.logout_sources(["192.0.2.0/24"]))
    })
    .await;
    for n in 0..2 {
        assert!(one[n] != unknown[n] && one[n] != other[n]);
    }
    // A list is of servers, not of browsers.
    assert!(listed[0] != one[0] && listed[1] == one[1]);
}

#[tokio::test]
async fn a_request_whose_sender_goes_away_is_done_all_the_same() {
    use tokio::io::AsyncWriteExt as _;
    let registry = Moody::default();
    let app = App::with(|c| c.registry(registry.clone())).await;
    let (mut browser, _, ticket) = alice(&app).await;
    let address = app.url.strip_prefix("http://").unwrap();
    let body = form(&message(&[&ticket]));
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {address}\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    registry.set_broken(Some("slow"));
    let mut sender = tokio::net::TcpStream::connect(address).await.unwrap();
    sender.write_all(request.as_bytes()).await.unwrap();
    registry.is_asked().await;
    drop(sender);
    // By then it is known here that the sender has gone.
    for _ in 0..5 {
        assert_eq!(app.whoami(&mut browser).await, "alice");
    }
    registry.go_on();
    let ends = async {
        while app.whoami(&mut browser).await != serde_json::Value::Null {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, ends).await.expect("an end");
}

#[tokio::test]
async fn a_request_may_name_32_tickets_and_no_more() {
    let app = App::start().await;
    let (mut browser, service, ticket) = alice(&app).await;
    let named = |count: usize| {
        let mut tickets = vec!["ST-unknown"; count - 1];
        tickets.push(&ticket);
        message(&tickets)
    };
    let front = |message: &str| {
        let query = query(&[("logoutRequest", message)]);
        app.at(&format!("/login?{query}"))
    };
    for count in [33, 1_000] {
        let answer = post(&service, FORM, form(&named(count))).await;
        assert_eq!(answer.status, 400, "{count}");
        let answer = Browser::new().open(&front(&named(count))).await;
        assert_eq!(answer.status, 400, "{count}");
        assert!(answer.body.contains("too many"), "{}", answer.body);
    }
    assert_eq!(app.whoami(&mut browser).await, "alice");
    assert_eq!(Browser::new().open(&front(&named(32))).await.status, 200);
    assert_eq!(app.whoami(&mut browser).await, serde_json::Value::Null);
}

#[test]
fn a_list_of_sources_that_cannot_be_meant_is_a_build_error() {
    for networks in [&[][..], &["everybody"]] {
        let config = site::config("https://cas.example.org", "https://app.example.org");
        let networks = networks.iter().copied();
        let error = config
            .peer_address(peer_address)
            .sign_out(|sign_out| sign_out.logout_sources(networks))
            .build()
            .unwrap_err();
        assert!(
            error.to_string().contains("source of logout requests"),
            "{error}"
        );
    }
    let nowhere = site::config("https://cas.example.org", "https://app.example.org")
        .sign_out(|sign_out| sign_out.logout_sources(["192.0.2.1"]))
        .build()
        .unwrap_err();
    assert!(nowhere.to_string().contains("peer_address"), "{nowhere}");
    let path = |path: &str| {
        CasConfig::builder("https://cas.example.org", "https://app.example.org")
            .key(crate::support::key(1))
            .endpoints(|endpoints| endpoints.logout_request(path))
            .build()
            .is_err()
    };
    assert!(path("/login") && path("slo") && path("/a/../b") && !path("/slo"));
}

pub(crate) fn deflated(message: &str) -> String {
    use std::io::Write as _;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message.as_bytes()).unwrap();
    BASE64_STANDARD.encode(encoder.finish().unwrap())
}

pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

#[tokio::test]
async fn a_request_through_the_browser_ends_the_session_and_clears_its_cookie() {
    let app = App::with(|c| c.endpoints(|endpoints| endpoints.logout_request("/slo"))).await;
    for (path, name, encode) in [
        (
            "/login",
            "logoutRequest",
            str::to_owned as fn(&str) -> String,
        ),
        ("/login", "logoutRequest", deflated),
        ("/login", "SAMLRequest", deflated),
        ("/slo", "SAMLRequest", deflated),
    ] {
        let (mut browser, _, ticket) = alice(&app).await;
        let thief = browser.clone();
        let url = format!(
            "{}?{}",
            app.at(path),
            query(&[(name, &encode(&message(&[&ticket])))])
        );
        let answer = browser.open(&url).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, ""),
            "{path} {name}"
        );
        assert!(!browser.has_session(), "{path} {name}");
        // A copy of the cookie is no good either.
        let mut thief = thief;
        assert_eq!(app.whoami(&mut thief).await, serde_json::Value::Null);
    }
}

#[tokio::test]
async fn a_request_through_another_browser_leaves_its_session_alone() {
    let app = App::start().await;
    let (mut first, _, ticket) = alice(&app).await;
    let (mut second, ..) = alice(&app).await;
    let url = format!(
        "{}?{}",
        app.at("/login"),
        query(&[("logoutRequest", &message(&[&ticket]))])
    );
    assert_eq!(second.open(&url).await.status, 200);
    assert!(second.has_session());
    assert_eq!(app.whoami(&mut second).await, "alice");
    assert_eq!(app.whoami(&mut first).await, serde_json::Value::Null);
}

#[tokio::test]
async fn the_browser_goes_on_to_the_cas_server_and_nowhere_else() {
    let app = App::start().await;
    let (mut browser, _, ticket) = alice(&app).await;
    let state = "https://evil.example/?a=b&c";
    let parameters = [
        ("SAMLRequest", deflated(&message(&[&ticket]))),
        ("RelayState", state.to_owned()),
    ];
    let parameters: Vec<(&str, &str)> = parameters.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = browser
        .open(&format!("{}?{}", app.at("/login"), query(&parameters)))
        .await;
    let expected = format!("{}/logout?_eventId=next&RelayState=", app.cas.url());
    assert!(
        answer.location().starts_with(&expected),
        "{}",
        answer.location()
    );
    assert_eq!(answer.location_parameter("RelayState").unwrap(), state);
    assert!(!browser.has_session());
}

#[tokio::test]
async fn a_script_is_answered_by_a_call_and_never_by_what_it_sent() {
    let app = App::start().await;
    let (mut browser, _, ticket) = alice(&app).await;
    let mut ask = async |callback: &str| {
        let message = message(&[&ticket]);
        let parameters = query(&[("callback", callback), ("logoutRequest", &message)]);
        browser
            .open(&format!("{}?{parameters}", app.at("/login")))
            .await
    };
    let answer = ask("jQuery112_17").await;
    assert_eq!(answer.body, "jQuery112_17();");
    assert_eq!(
        answer.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    for callback in ["alert(1)", "</script>", "a.b", ""] {
        let answer = ask(callback).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, ""),
            "{callback}"
        );
    }
}

#[tokio::test]
async fn a_request_through_the_browser_that_cannot_be_read_changes_nothing() {
    let app = App::start().await;
    let (mut browser, service, ticket) = alice(&app).await;
    let bomb = deflated(&" ".repeat(10_000_000));
    let good = message(&[&ticket]);
    for (name, value) in [
        ("logoutRequest", bomb.as_str()),
        ("logoutRequest", "!!!"),
        ("logoutRequest", ""),
        ("SAMLRequest", "AAAA"),
        ("SAMLRequest", "<x/>"),
    ] {
        let url = format!("{}?{}", app.at("/login"), query(&[(name, value)]));
        let answer = browser.open(&url).await;
        assert_eq!(
            answer.status,
            400,
            "{name} {}",
            &value[..value.len().min(20)]
        );
    }
    let both = format!(
        "{service}&ticket=ST-1&{}",
        query(&[("logoutRequest", &good)])
    );
    assert_eq!(browser.open(&both).await.status, 400);
    // Neither a question nor a guess ends anything.
    let url = format!(
        "{}?{}",
        app.at("/login"),
        query(&[("logoutRequest", &good)])
    );
    let head = browser.request(Method::HEAD, &url);
    assert_eq!(browser.send(head).await.status, 200);
    let prefetch = browser
        .request(Method::GET, &url)
        .header("sec-purpose", "prefetch");
    assert_eq!(browser.send(prefetch).await.status, 503);
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn requests_that_come_one_behind_the_other_are_answered_each_for_itself() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = App::start().await;
    let (mut first, _, one) = alice(&app).await;
    let (mut second, _, two) = alice(&app).await;
    let (mut third, ..) = alice(&app).await;
    let address = app.url.strip_prefix("http://").unwrap();
    let request = |body: String, last: bool| {
        let connection = if last { "close" } else { "keep-alive" };
        format!(
            "POST /login HTTP/1.1\r\nHost: {address}\r\nConnection: {connection}\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let all = [
        request(form(&message(&["ST-unknown"])), false),
        request(form(&message(&[&one])), false),
        request("logoutRequest=%3Cx".to_owned(), false),
        request(form(&message(&[&two])), true),
    ];
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(all.concat().as_bytes()).await.unwrap();
    let mut answers = String::new();
    socket.read_to_string(&mut answers).await.unwrap();
    let each = answers.split("HTTP/1.1 ").skip(1);
    let statuses: Vec<&str> = each.map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "200", "400", "200"], "{answers}");
    assert_eq!(app.whoami(&mut first).await, serde_json::Value::Null);
    assert_eq!(app.whoami(&mut second).await, serde_json::Value::Null);
    assert_eq!(app.whoami(&mut third).await, "alice");
}
