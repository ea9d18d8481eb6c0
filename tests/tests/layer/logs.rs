//! Nothing secret gets into a log, a metric or what a hook is told, whatever happens and however much is logged.

use std::time::Duration;

use axum::{Router, extract::Request};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, Key, Protocol, RequestSpan,
    testing::{Fault, Quirk},
};
use cas_layer_tests::listening::{Listening, heard};
use http::header;
use metrics::set_default_local_recorder;
use metrics_util::debugging::DebuggingRecorder;
use tower_http::{
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    trace::{DefaultMakeSpan, TraceLayer},
};

use crate::{
    browser::{Answer, Browser},
    site::Site,
    support::key,
};

/// A browser that remembers every secret that went through its hands.
struct Witness {
    browser: Browser,
    secrets: Vec<String>,
}

impl Witness {
    fn new(browser: Browser) -> Self {
        let secrets = [
            "alice@wonderland.example",
            "cats & hatters",
            "猫",
            "rabbit-hole",
        ];
        Self {
            browser,
            secrets: secrets.map(str::to_owned).into(),
        }
    }

    async fn open(&mut self, url: &str) -> Answer {
        let answer = self.browser.open(url).await;
        for cookie in answer.set_cookies() {
            let value = cookie.value();
            if !value.is_empty() {
                // A part is as bad as the whole.
                self.secrets.push(value[..16].to_owned());
                self.secrets.push(value[value.len() - 16..].to_owned());
            }
        }
        answer
    }

    /// Comes back from the CAS server with this ticket.
    async fn come_back(&mut self, service: &str, ticket: &str) -> Answer {
        // The part behind the counter: its beginning is the same for all.
        self.secrets.push(ticket[ticket.len() - 12..].to_owned());
        self.open(&format!("{service}&ticket={ticket}")).await
    }

    async fn begin(&mut self, site: &Site) -> String {
        let begin = self.open(&site.at("/profile?q=a")).await;
        begin.location_parameter("service").unwrap()
    }

    /// Signs in anew, with this ticket or a good one.
    async fn sign_in(&mut self, site: &Site, ticket: Option<&str>) -> Answer {
        let service = self.begin(site).await;
        let good = site.cas.issue_ticket("alice", &service);
        self.come_back(&service, ticket.unwrap_or(&good)).await
    }

    fn check(&self) {
        let text = heard();
        for secret in &self.secrets {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{secret}");
        }
    }
}

async fn site(change: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> Site {
    Site::axum("", |config| {
        Router::new()
            .fallback(async |request: Request| request.uri().path().to_owned())
            .layer(CasLayer::new(change(config).build().unwrap()))
    })
    .await
}

/// Everything that can happen to a ticket and a session, good and bad.
async fn everything(site: &Site, witness: &mut Witness) {
    // A good sign-in, a page, the same callback again, and out.
    let service = witness.begin(site).await;
    let ticket = site.cas.issue_ticket("alice", &service);
    assert_eq!(witness.come_back(&service, &ticket).await.status, 302);
    assert_eq!(witness.open(&site.at("/profile")).await.body, "/profile");
    witness.come_back(&service, &ticket).await;
    witness.open(&site.at("/logout")).await;
    witness.open(&site.at("/logout_callback")).await;

    // Tickets that are refused, whatever the server says about it.
    for quirk in [
        None,
        Some(Quirk::FailureQuotesRequest),
        Some(Quirk::FailureStatus500),
        Some(Quirk::FailureAsHtml),
    ] {
        site.cas.set_quirks(quirk);
        let mut used = witness.sign_in(site, Some(&ticket)).await;
        for _ in 0..2 {
            if used.status.is_redirection() {
                let begins = witness.open(&site.at(used.location())).await;
                let service = begins.location_parameter("service").unwrap();
                used = witness.come_back(&service, &ticket).await;
            }
        }
        assert!(used.status.is_client_error() || used.status.is_server_error());
    }
    site.cas.set_quirks([]);
    for ticket in [
        "ST-1-<script>-unprintable",
        "not%00a%00ticket-at-all",
        &"x".repeat(2_049),
    ] {
        assert_eq!(witness.sign_in(site, Some(ticket)).await.status, 400);
    }
    // A ticket that somebody else brought.
    let service = witness.begin(site).await;
    let mut other = Witness::new(Browser::new());
    let ticket = site.cas.issue_ticket("alice", &service);
    assert_eq!(other.come_back(&service, &ticket).await.status, 302);
    witness.secrets.append(&mut other.secrets);

    // A server that is out of order.
    for fault in [
        Fault::Status(500),
        Fault::Redirect("/elsewhere".to_owned()),
        Fault::Garbage,
        Fault::Truncated,
        Fault::CloseConnection,
        Fault::Hang,
        Fault::Body {
            content_type: "text/xml".to_owned(),
            body: "<alice@wonderland.example>".to_owned(),
        },
    ] {
        site.cas.set_fault(Some(fault));
        assert!(witness.sign_in(site, None).await.status.is_server_error());
    }
    site.cas.set_fault(None);

    // Cookies that do not open.
    assert_eq!(witness.sign_in(site, None).await.status, 302);
    for cookie in &mut witness.browser.cookies {
        let altered = format!("{}AAAA", cookie.value());
        cookie.set_value(altered);
    }
    assert_eq!(witness.open(&site.at("/profile")).await.status, 302);
}

#[tokio::test]
async fn no_ticket_cookie_key_or_attribute_is_ever_logged_counted_or_told() {
    let _listening = Listening::start();
    let recorder = DebuggingRecorder::new();
    let _recording = set_default_local_recorder(&recorder);
    let impatient = |protocol| {
        site(move |config| {
            config
                .client(|client| {
                    let second = Duration::from_secs(1);
                    client
                        .protocol(protocol)
                        .timeout(second)
                        .connect_timeout(second)
                })
                // What an app would log that logs what it is told.
                .on_sign_in(|user| tracing::info!(?user))
                .on_sign_out(|signed_out| tracing::info!(?signed_out))
                .on_refused(|refused| tracing::info!(?refused))
        })
    };
    let mut site = impatient(Protocol::Cas3).await;
    let saml = impatient(Protocol::Saml1).await;
    for (site, browser) in [
        (&site, Browser::new()),
        (&site, Browser::over_http2()),
        (&saml, Browser::new()),
    ] {
        let mut witness = Witness::new(browser);
        everything(site, &mut witness).await;
        witness.check();
    }

    // A server that is not there.
    let gone = cas_layer::testing::CasServer::start().await.unwrap();
    let mut witness = Witness::new(Browser::new());
    let service = witness.begin(&site).await;
    let ticket = site.cas.issue_ticket("alice", &service);
    std::mem::replace(&mut site.cas, gone).shutdown().await;
    assert_eq!(witness.come_back(&service, &ticket).await.status, 502);
    tracing::info!(counted = ?recorder.snapshotter().snapshot().into_vec());
    witness.check();

    let text = heard();
    // All who could have said something were listened to.
    for target in ["cas_layer:", "reqwest::", "hyper_util::", "h2::"] {
        assert!(text.contains(&format!(" {target}")), "{target}");
    }
    for line in [
        "signed in",
        "signed out",
        "the CAS server refused a ticket",
        "something that is no ticket",
        "starting afresh",
        "could not be validated",
        "user=CasUser",
        "signed_out=SignedOut",
        "refused=Refused",
        "cas_layer_sign_ins_total",
    ] {
        assert!(text.contains(line), "{line}");
    }
    // The beginning of the key, `support::key(1)`, in the forms in which bytes are printed.
    for key in ["1, 0, 3, 2, 5, 4", "010003020504", "AQADAgUEBwYJ"] {
        assert!(!text.contains(key), "{key}");
    }
}

#[tokio::test]
async fn tower_http_logs_ticket_and_cookie_by_default_and_neither_as_documented() {
    let app = |config: CasConfigBuilder| {
        Router::new()
            .fallback(async || "")
            .layer(CasLayer::new(config.build().unwrap()))
    };
    let verbose = Site::axum("", |config| {
        let span = DefaultMakeSpan::new().include_headers(true);
        app(config).layer(TraceLayer::new_for_http().make_span_with(span))
    })
    .await;
    let with_headers = Site::axum("", |config| {
        let span = |request: &Request| {
            tracing::info_span!(
                "request",
                method = %request.method(),
                path = request.uri().path(),
                headers = ?request.headers()
            )
        };
        app(config)
            .layer(TraceLayer::new_for_http().make_span_with(span))
            .layer(SetSensitiveRequestHeadersLayer::new([header::COOKIE]))
    })
    .await;
    let ready = Site::axum("", |config| {
        app(config).layer(TraceLayer::new_for_http().make_span_with(RequestSpan))
    })
    .await;
    for (site, is_logged) in [(verbose, true), (with_headers, false), (ready, false)] {
        let _listening = Listening::start();
        let mut witness = Witness::new(Browser::new());
        let service = witness.begin(&site).await;
        let ticket = site.cas.issue_ticket("alice", &service);
        witness.come_back(&service, &ticket).await;
        witness.open(&site.at("/profile")).await;
        let session = witness.browser.cookie("-session").unwrap();
        for (logged, what) in [
            (true, "/login"),
            (is_logged, ticket.as_str()),
            (is_logged, session.value()),
        ] {
            assert_eq!(heard().contains(what), logged, "{what}");
        }
    }
}

#[test]
fn a_key_that_outlives_the_process_is_warned_of_where_the_registry_does_not() {
    let _listening = Listening::start();
    for (key, warns) in [(key(1), true), (Key::generate(), false)] {
        let before = heard().len();
        let config = CasConfig::builder("https://cas.example.org", "https://app.example.org");
        config.key(key).build().unwrap();
        let warned = heard()[before..].contains("after a restart");
        assert_eq!(warned, warns);
    }
}
