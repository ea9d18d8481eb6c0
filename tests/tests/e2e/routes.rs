//! What each route answers.

use cas_layer_tests::{
    demo::Demo,
    flow::{USER, sign_in},
    visitor::{Visitor, answer},
};
use reqwest::Method;

#[tokio::test]
async fn the_front_page_leads_to_everything_and_knows_who_is_there() {
    let demo = Demo::start(&["--proxy", "--metrics"]).await;
    let visitor = Visitor::new();
    let front = visitor.get(&demo.url("/")).await;
    assert_eq!(front.status, 200);
    assert_eq!(front.text_of("#login").as_deref(), Some("Sign in"));
    sign_in(&visitor, &demo, "/profile").await;
    let front = visitor.get(&demo.url("/")).await;
    assert_eq!(front.text_of("#user").as_deref(), Some(USER));
    assert_eq!(front.text_of("#logout").as_deref(), Some("Sign out"));
    for path in [
        "/profile",
        "/optional",
        "/gateway",
        "/fresh",
        "/proxied",
        "/metrics",
    ] {
        assert!(front.text_of(&format!("nav a[href='{path}']")).is_some());
        let page = visitor.open(&demo.url(path)).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn a_path_that_is_not_there_is_a_page_that_leads_on() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    let page = visitor.get(&demo.url("/nowhere")).await;
    assert_eq!(page.status, 404);
    assert_eq!(page.text_of("h1").as_deref(), Some("There is no such page"));
    assert!(page.text_of("nav a[href='/profile']").is_some());
    let answer = visitor.get_json(&demo.url("/nowhere")).await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (404, r#"{"error":"not found"}"#)
    );
}

/// Every text of a page is in the language of the browser.
#[tokio::test]
async fn a_browser_that_asks_for_german_gets_german() {
    let demo = Demo::start(&["--proxy"]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    for path in ["/", "/profile", "/optional", "/proxied", "/nowhere"] {
        let open = async |languages: &str| {
            let request = visitor.request(Method::GET, &demo.url(path));
            answer(
                request
                    .header("accept", "text/html")
                    .header("accept-language", languages),
            )
            .await
        };
        let (english, german) = (open("en").await, open("de-AT, en;q=0.5").await);
        assert_eq!(german.header("content-language"), "de");
        assert!(
            german
                .header("vary")
                .to_lowercase()
                .contains("accept-language")
        );
        assert!(
            german.body.contains("<html lang=\"de\">"),
            "{}",
            german.body
        );
        let (english, german) = (texts(&english.body), texts(&german.body));
        // Data and names are the same in both, and so is one word.
        let same: Vec<_> = english
            .iter()
            .filter(|text| german.contains(text))
            .collect();
        let is_data = |text: &str| {
            let word = !text.contains(' ');
            word || text.starts_with("Casimir") || text.starts_with("A record of")
        };
        assert!(same.iter().all(|text| is_data(text)), "{path}: {same:?}");
        assert!(
            german.len() == english.len() && english.len() - same.len() > 5,
            "{path}"
        );
    }
}

/// What stands between the tags of a page.
fn texts(html: &str) -> Vec<String> {
    let body = html.split("<nav>").nth(1).unwrap_or_default();
    let texts = body.split('<').filter_map(|part| part.split_once('>'));
    let texts = texts.map(|(_, text)| text.trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

#[tokio::test]
async fn a_program_at_the_front_goes_to_the_login_and_the_login_to_the_profile() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    let front = answer(visitor.request(Method::GET, &demo.url("/"))).await;
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
