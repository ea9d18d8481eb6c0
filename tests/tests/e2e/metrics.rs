//! What is counted, as Prometheus gets it.

use std::collections::BTreeMap;

use cas_layer_tests::{
    demo::Demo,
    flow::{callback, sign_in, ticket},
    visitor::Visitor,
};

/// The samples of a scrape by name and labels, without the buckets and sums of durations.
fn samples(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .filter(|(name, _)| !name.contains("_bucket") && !name.contains("_sum"))
        .collect()
}

#[tokio::test]
async fn prometheus_reads_what_happened_and_nothing_of_whom() {
    let demo = Demo::start(&["--metrics"]).await;
    let scraper = Visitor::new();
    assert_eq!(scraper.get(&demo.url("/metrics")).await.status, 200);
    let visitor = Visitor::new();
    let profile = sign_in(&visitor, &demo, "/profile").await;
    visitor.get(&demo.url("/profile")).await;
    visitor.open(&demo.url("/logout")).await;
    visitor.get(&demo.url("/login?ticket=%3C")).await;
    visitor.get(&demo.url("/login?SAMLRequest=AAAA")).await;

    let scrape = scraper.get(&demo.url("/metrics")).await;
    assert_eq!(
        scrape.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    for (name, kind) in [
        ("cas_layer_sign_ins_total", "counter"),
        ("cas_layer_sessions_ended_total", "counter"),
        ("cas_layer_logout_requests_total", "counter"),
        ("cas_layer_validation_seconds", "histogram"),
    ] {
        let head = [format!("# HELP {name} "), format!("# TYPE {name} {kind}\n")];
        for part in head {
            assert!(scrape.body.contains(&part), "{part} in {}", scrape.body);
        }
    }
    let samples = samples(&scrape.body);
    let expected = [
        // The CAS server says of the session what the app knows already.
        (
            r#"cas_layer_logout_requests_total{channel="back",result="unknown"}"#,
            "1",
        ),
        (
            r#"cas_layer_logout_requests_total{channel="front",result="malformed"}"#,
            "1",
        ),
        (r#"cas_layer_sessions_ended_total{cause="sign-out"}"#, "1"),
        (r#"cas_layer_sign_ins_total{result="invalid-ticket"}"#, "1"),
        (r#"cas_layer_sign_ins_total{result="signed-in"}"#, "1"),
        (r#"cas_layer_validation_seconds_count{result="ok"}"#, "1"),
    ];
    assert_eq!(samples, expected.into_iter().collect(), "{}", scrape.body);
    for secret in [
        ticket(&callback(&profile)).as_str(),
        "casuser",
        "example.org",
    ] {
        assert!(!scrape.body.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn without_being_asked_to_the_demo_shows_no_metrics() {
    let demo = Demo::start_with_env(&[], &[("DEMO_METRICS", "false")]).await;
    let visitor = Visitor::new();
    let refused = visitor.get_json(&demo.url("/metrics")).await;
    assert_eq!(refused.status, 401);
    sign_in(&visitor, &demo, "/profile").await;
    assert_eq!(visitor.get(&demo.url("/metrics")).await.status, 404);
}

#[tokio::test]
async fn the_environment_asks_for_metrics_too() {
    let demo = Demo::start_with_env(&[], &[("DEMO_METRICS", "1")]).await;
    assert_eq!(Visitor::new().get(&demo.url("/metrics")).await.status, 200);
}
