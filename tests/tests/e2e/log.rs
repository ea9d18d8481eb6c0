//! Nothing secret is in the log, however talkative it is.

use cas_layer_tests::{
    demo::Demo,
    flow::{callback, sign_in, ticket},
    visitor::Visitor,
};

#[tokio::test]
async fn neither_tickets_nor_cookies_nor_queries_are_logged() {
    let demo = Demo::start_with_env(&[], &[("RUST_LOG", "trace")]).await;
    let visitor = Visitor::new();
    let profile = sign_in(&visitor, &demo, "/profile?colour=octarine").await;
    let mut secrets = vec![ticket(&callback(&profile)), "octarine".to_owned()];
    secrets.extend(
        visitor
            .cookies(&demo.url("/"))
            .into_iter()
            .map(|(_, value)| value),
    );
    assert!(secrets.len() > 2, "there is a session cookie to look for");
    visitor.open(&demo.url("/logout")).await;
    visitor.get(&demo.url("/login?ticket=ST-forged")).await;
    secrets.push("ST-forged".to_owned());

    let log = demo.log();
    assert!(
        log.contains("/logout_callback"),
        "requests are logged: {log}"
    );
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
