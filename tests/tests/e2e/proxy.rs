//! `--proxy`: the demo acts for its user at a second service.

use cas_layer_tests::{
    demo::Demo,
    flow::{USER, sign_in},
    visitor::Visitor,
};
use serde_json::json;

#[tokio::test]
async fn the_demo_shows_what_a_second_service_says_to_its_user() {
    let demo = Demo::start(&["--proxy"]).await;
    let visitor = Visitor::new();
    let page = sign_in(&visitor, &demo, "/proxied").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.text_of("#user").as_deref(), Some(USER));
    let callback = demo.url("/cas/proxy");
    assert_eq!(page.text_of("#proxies"), Some(callback.clone()));

    let answer = visitor.get_json(&demo.url("/proxied")).await.json();
    let records = json!([format!("A record of {USER}")]);
    let expected = json!({ "user": USER, "proxies": [callback], "records": records });
    assert_eq!(answer["answer"], expected);

    // The second service is for programs with tickets.
    let service = answer["service"].as_str().unwrap();
    let stranger = visitor.get(service).await;
    assert_eq!(stranger.status, 401);
    assert_eq!(
        stranger.header("www-authenticate"),
        format!("CAS service=\"{service}\"")
    );
    let log = demo.log();
    assert!(log.contains("proxy-callback"), "{log}");
    for secret in ["PGT-", "PGTIOU-", "PT-", "ST-"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn without_the_option_there_is_no_such_page() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    sign_in(&visitor, &demo, "/profile").await;
    for path in ["/proxied", "/cas/proxy"] {
        assert_eq!(visitor.get(&demo.url(path)).await.status, 404, "{path}");
    }
}
