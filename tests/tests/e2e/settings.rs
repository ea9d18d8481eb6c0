//! A file of settings.

use std::fs;

use cas_layer_tests::{
    demo::Demo,
    flow::{PASSWORD, USER},
    visitor::Visitor,
};

#[tokio::test]
async fn the_demo_runs_as_its_file_of_settings_says() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("sessions");
    let file = folder.path().join("demo.toml");
    let text = format!(
        "keys = [\"{}\"]\nregistry = \"file:{}\"\npublic = [\"/optional/open\"]\n\
         [sign_in]\nlanding_path = \"/optional\"\n[endpoints]\nlogin = \"/enter\"\n",
        "q83v".repeat(22),
        sessions.display()
    );
    fs::write(&file, text).unwrap();
    let demo = Demo::start(&["--config", file.to_str().unwrap()]).await;

    let visitor = Visitor::new();
    let form = visitor.open(&demo.url("/enter")).await;
    assert!(form.asks_for_password(), "{}", form.body);
    let fields = [("username", USER), ("password", PASSWORD)];
    let answer = visitor.send_form(&form, &fields).await;
    let page = visitor.follow(answer).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.url.as_str(), demo.url("/optional"));
    assert!(page.body.contains(USER), "{}", page.body);
    assert!(sessions.exists());
    // Nothing signs anybody in at the path that another demo has.
    let other = Visitor::new().open(&demo.url("/optional/open")).await;
    assert_eq!(other.status, 404, "no such page, and no sign-in");
}
