//! Secrets that the CAS server releases as attributes: not in the log, not in a metric, not in a page.

use axum::{Router, extract::Request};
use cas_layer::{
    CasConfigBuilder, CasLayer,
    testing::{CasServer, User},
};
use cas_layer_tests::{
    listening::{Listening, heard},
    service_key::ServiceKey,
};
use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use tokio::net::TcpListener;

use crate::{
    browser::Browser,
    events::lines,
    metrics::counted,
    registry::Moody,
    site::config,
    support::{App, alice},
};

const CALLBACK: &str = "/cas/proxy";

/// Signs alice and bob in at an app with this key. Gives what they saw.
async fn sign_in(cas: &CasServer, key: &ServiceKey, names: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = config(cas.url(), &url)
        .client(|client| client.service_private_key_pem(&*key.private_pem))
        .session(|session| {
            session.encrypted(true).map(|session| {
                // What an app would log that logs what it is told.
                tracing::info!(?session, authentication = ?session.authentication());
                Ok(())
            })
        })
        .proxy(|proxy| proxy.callback_path(CALLBACK))
        .on_sign_in(|user| tracing::info!(?user, attributes = ?user.attributes()))
        .build()
        .unwrap();
    tracing::info!(?config);
    let app = Router::new()
        .fallback(async |request: Request| format!("{:?}", request.headers()))
        .layer(CasLayer::new(config));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut seen = String::new();
    for name in names {
        let mut browser = Browser::new();
        let begin = browser.open(&format!("{url}/profile")).await;
        let service = begin.location_parameter("service").unwrap();
        let ticket = cas.issue_ticket(name, &service);
        let back = browser.open(&format!("{service}&ticket={ticket}")).await;
        assert_eq!(back.status, 302);
        let page = browser.open(&format!("{url}/profile")).await;
        assert_eq!(page.status, 200);
        seen.push_str(&page.body);
        seen.push_str(&browser.open(&format!("{url}/logout")).await.body);
    }
    server.abort();
    seen
}

#[tokio::test]
async fn released_secrets_are_counted_and_warned_of_and_never_shown() {
    let _listening = Listening::start();
    let recorder = DebuggingRecorder::new();
    let _recording = set_default_local_recorder(&recorder);
    let (key, other) = (ServiceKey::generate(), ServiceKey::generate());
    let good = CasServer::builder()
        .user(alice())
        .allow_http_callbacks(true)
        .service_public_key_pem(&key.public_pem);
    let good = good.start().await.unwrap();
    let mut seen = sign_in(&good, &key, &["alice"]).await;
    assert!(lines(&["WARN", "as an attribute is left out"]).is_empty());

    // Not encrypted, and encrypted for somebody else.
    let strays = ["PGT-1-plain-stray", "plain-stray-password"];
    let foreign = [other.encrypt(b"PGT-1-abc"), other.encrypt(b"password")];
    let user = |name: &str, secrets: [&str; 2]| {
        let user = User::new(name, "rabbit-hole").attribute("proxyGrantingTicket", [secrets[0]]);
        user.attribute("credential", [secrets[1]])
    };
    let bad = CasServer::builder()
        .user(user("bob", strays))
        .user(user("eve", [&foreign[0], &foreign[1]]));
    let bad = bad.start().await.unwrap();
    seen.push_str(&sign_in(&bad, &key, &["bob", "eve", "bob", "eve"]).await);
    for (event, message) in [
        (
            "proxy-grant",
            "a proxy-granting ticket that the CAS server released as an attribute is left out",
        ),
        (
            "credential",
            "a password that the CAS server released as an attribute is left out",
        ),
    ] {
        let event = format!("event=\"{event}\"");
        let fields = [&*event, "result=\"unreadable\"", message];
        let warned = lines(&[&["WARN"], &fields[..]].concat());
        assert_eq!(warned.len(), 1, "seldom: {warned:?}");
        assert!(
            warned[0].contains("error=it is not encrypted"),
            "{warned:?}"
        );
        assert_eq!(lines(&fields).len(), 4, "each at debug level");
    }

    let counts = counted(&recorder.snapshotter());
    for (name, count) in [
        ("proxy_grants_total result=given", 1),
        ("proxy_grants_total result=unreadable", 4),
        ("credentials_total result=given", 1),
        ("credentials_total result=unreadable", 4),
    ] {
        assert_eq!(counts.get(name), Some(&count), "{name} in {counts:?}");
    }

    let log = heard();
    for private in [&key.private_pem, &key.private_pkcs1_pem] {
        let line = private.lines().nth(3).unwrap();
        assert!(!log.contains(line), "the key");
    }
    for secret in strays
        .iter()
        .chain(&["rabbit-hole", "PGT-", &foreign[0][..40]])
    {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
        assert!(!seen.contains(secret), "{secret} in a page");
    }
}

#[tokio::test]
async fn a_sign_in_without_a_proxy_granting_ticket_is_counted_once_by_its_reason() {
    let key = ServiceKey::generate();
    // The CAS server looks whether somebody answers there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = format!("http://{}/about", listener.local_addr().unwrap());
    let hello = Router::new().fallback(async || "hello");
    let server = tokio::spawn(async move { axum::serve(listener, hello).await.unwrap() });
    let by_attribute = |config: CasConfigBuilder| {
        let config = config.client(|client| {
            client
                .service_private_key_pem(&*key.private_pem)
                .proxy_callback_url(&door)
        });
        config.proxy(|proxy| proxy.granting_tickets_by_attribute(true))
    };
    let by_callback = |config: CasConfigBuilder| {
        let registry = Moody::default();
        registry.set_broken(Some("expect"));
        let config = config.registry(registry);
        config.proxy(|proxy| proxy.callback_path(CALLBACK))
    };
    let ways: [(&dyn Fn(CasConfigBuilder) -> CasConfigBuilder, &str); 2] = [
        (&by_attribute, "not-given"),
        (&by_callback, "registry-failed"),
    ];
    for (configure, result) in ways {
        let recorder = DebuggingRecorder::new();
        let _recording = set_default_local_recorder(&recorder);
        let cas = CasServer::builder()
            .user(alice())
            .allow_http_callbacks(true);
        let encrypted =
            |config: CasConfigBuilder| config.session(|session| session.encrypted(true));
        let app = App::against(cas, |config| configure(encrypted(config))).await;
        let mut browser = Browser::new();
        app.sign_in(&mut browser, "/profile").await;
        assert!(browser.has_session(), "{result}");
        let counts = counted(&recorder.snapshotter());
        let grants: Vec<_> = counts
            .iter()
            .filter(|(name, _)| name.starts_with("proxy_grants_total"))
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        assert_eq!(
            grants,
            [(&*format!("proxy_grants_total result={result}"), 1)]
        );
    }
    server.abort();
}
