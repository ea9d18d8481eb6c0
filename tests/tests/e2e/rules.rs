//! The paths of the demo that ask for more than a user, or for less.

use cas_layer_tests::{
    demo::Demo,
    flow::{PASSWORD, USER, sign_in},
    visitor::Visitor,
};
use serde_json::json;

#[tokio::test]
async fn an_optional_page_knows_who_has_signed_in() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    let page = visitor.get_json(&demo.url("/optional")).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.body, r#"{"user":null}"#);
    assert_eq!(page.header("cache-control"), "private, no-store");
    sign_in(&visitor, &demo, "/profile").await;
    let page = visitor.get_json(&demo.url("/optional")).await;
    assert_eq!(page.json()["user"], json!(USER));
    let page = visitor.get(&demo.url("/optional")).await;
    assert_eq!(page.text_of("#user").as_deref(), Some(USER));
}

#[tokio::test]
async fn admins_alone_see_the_admin_page() {
    let demo = Demo::start(&[]).await;
    let visitor = Visitor::new();
    let refusal = sign_in(&visitor, &demo, "/admin").await;
    assert_eq!(refusal.url.as_str(), demo.url("/admin"));
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.text_of("h1").as_deref(), Some("Not allowed"));
    // Who may not stays signed in.
    let profile = visitor.get(&demo.url("/profile")).await;
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));

    let admin = Visitor::new();
    let form = admin.open(&demo.url("/admin")).await;
    let fields = [("username", "casadmin"), ("password", PASSWORD)];
    let sent = admin.send_form(&form, &fields).await;
    let page = admin.follow(sent).await;
    assert_eq!(
        (page.url.as_str(), page.status.as_u16()),
        (&*demo.url("/admin"), 200)
    );
    assert_eq!(page.text_of("#user").as_deref(), Some("casadmin"));
    for path in ["/%61dmin", "/admin;x", "//admin"] {
        assert_eq!(visitor.get(&demo.url(path)).await.status, 404, "{path}");
    }
    for path in ["/admin/", "/ADMIN"] {
        assert_eq!(visitor.get(&demo.url(path)).await.status, 403, "{path}");
    }
}
