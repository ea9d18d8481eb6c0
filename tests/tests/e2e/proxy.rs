//! `--proxy`: the demo acts for its user at a second service.

use cas_layer::testing::{CasServer, Quirk};
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
async fn if_the_cas_server_does_not_reach_the_callback_people_sign_in_and_the_log_says_which_it_is()
{
    for quirk in [
        Quirk::CallbackFailureRefuses,
        Quirk::CallbackFailureKeepsTicket,
    ] {
        let cas = CasServer::start().await.unwrap();
        cas.set_quirks([quirk]);
        let callback = "http://127.0.0.1:9/cas/proxy";
        let demo = Demo::start(&[
            "--cas-url",
            cas.url(),
            "--proxy",
            "--proxy-callback-url",
            callback,
        ])
        .await;
        let visitor = Visitor::new();
        let page = sign_in(&visitor, &demo, "/profile").await;
        assert_eq!(page.text_of("#user").as_deref(), Some(USER), "{}", page.url);
        let log = demo.log();
        let told = |line: &&str| line.contains("refuses the proxy callback");
        let lines: Vec<_> = log.lines().filter(told).collect();
        assert_eq!(lines.len(), 1, "{log}");
        for said in [callback, "ERROR", "INVALID_PROXY_CALLBACK"] {
            assert!(lines[0].contains(said), "{said}: {}", lines[0]);
        }
        assert!(log.contains("result=\"not-given\""), "{log}");
        assert!(!log.contains("ST-"), "{log}");
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
