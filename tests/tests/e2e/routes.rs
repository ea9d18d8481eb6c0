//! What each route answers.

use cas_layer_tests::{
    demo::Demo,
    flow::{USER, sign_in},
    visitor::{Visitor, answer},
};
use reqwest::Method;

#[tokio::test]
async fn the_front_page_leads_to_the_login_and_the_login_to_the_profile() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    let front = visitor.get(&demo.url("/")).await;
    assert_eq!(front.status, 302);
    assert_eq!(front.header("location"), "/login");
    sign_in(&visitor, &demo, "/login").await;
    let login = visitor.get(&demo.url("/login")).await;
    assert_eq!(login.status, 302);
    assert_eq!(login.location().path(), "/profile");
}

#[tokio::test]
async fn the_health_check_needs_no_user() {
    let demo = Demo::start(&[]).await;
    let health = Visitor::new().get(&demo.url("/healthz")).await;
    assert_eq!(health.status, 200);
    assert_eq!(health.body, "ok");
}

#[tokio::test]
async fn the_profile_is_this_json_for_programs() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    let profile = visitor.get_json(&demo.url("/profile")).await;
    assert_eq!(profile.status, 200);
    assert_eq!(profile.header("content-type"), "application/json");
    let start = r#"{"user":"casuser","attributes":{"#;
    assert!(profile.body.starts_with(start), "{}", profile.body);
    assert!(
        profile.body.contains(
            r#""displayName":["Casimir User"],"mail":["casuser@example.org"],"memberOf":["staff","demo"]"#
        ),
        "{}",
        profile.body
    );
    let value: serde_json::Value = serde_json::from_str(&profile.body).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 2, "{}", profile.body);
    for (name, values) in value["attributes"].as_object().unwrap() {
        let strings = values
            .as_array()
            .is_some_and(|list| list.iter().all(serde_json::Value::is_string));
        assert!(strings, "{name}: {values}");
    }
}

#[tokio::test]
async fn json_is_for_those_who_ask_for_it_and_not_for_html() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    for (accept, expected) in [
        ("application/json", "application/json"),
        ("application/json;q=0.9, */*;q=0.1", "application/json"),
        ("Application/JSON", "application/json"),
        (
            "text/html, application/json;q=0.5",
            "text/html; charset=utf-8",
        ),
        ("application/jsonlines", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
    ] {
        let request = visitor.request(Method::GET, &demo.url("/profile"));
        let profile = answer(request.header("accept", accept)).await;
        assert_eq!(profile.header("content-type"), expected, "{accept}");
        assert!(
            profile.header("vary").to_lowercase().contains("accept"),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn a_program_without_a_session_gets_a_401_with_the_login_url() {
    let demo = Demo::start(&[]).await;
    let refused = Visitor::new().get_json(&demo.url("/profile")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
    let login_url = problem["login_url"].as_str().unwrap();
    assert!(login_url.starts_with(&demo.url("/login")), "{login_url}");
}

#[tokio::test]
async fn the_profile_page_is_strict_private_and_leads_out() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    let profile = sign_in(&visitor, &demo, "/profile").await;
    assert_eq!(profile.header("cache-control"), "private, no-store");
    let policy = profile.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(profile.text_of("h1"), Some(format!("Signed in as {USER}")));
    assert_eq!(
        profile.text_of("a[href='/logout']").as_deref(),
        Some("Sign out")
    );
    let end = profile.text_of("time").unwrap();
    assert!(end.ends_with(" UTC"), "{end}");
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_can_read_it() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    let request = visitor.request(Method::GET, &demo.url("/profile"));
    let packed = answer(request.header("accept-encoding", "gzip")).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn the_environment_sets_what_options_set() {
    let demo = Demo::start_with_env(
        &[],
        &[("DEMO_PROTOCOL", "cas1"), ("DEMO_REGISTRY", "memory")],
    )
    .await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    let profile = visitor.get_json(&demo.url("/profile")).await;
    assert_eq!(profile.body, r#"{"user":"casuser","attributes":{}}"#);
}
