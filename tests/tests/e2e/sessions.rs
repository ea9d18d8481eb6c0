//! How sessions end: for good, on all devices, and in time.

use std::fs;

use cas_layer_tests::{
    demo::Demo,
    flow::{USER, is_sent_to_cas, sign_in},
    visitor::Visitor,
};
use rustix::process::Signal;
use tempfile::TempDir;

/// 66 bytes.
const KEY: &str =
    "q83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83vq83v";

/// Another visitor with the same cookies.
fn copy_of(visitor: &Visitor, demo: &Demo) -> Visitor {
    let copy = Visitor::new();
    for (name, value) in visitor.cookies(&demo.own_url("/")) {
        copy.take_cookie(&demo.own_url("/"), &name, &value);
    }
    copy
}

#[tokio::test]
async fn a_signed_out_session_stays_so_through_a_crash_and_others_live() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("key"), KEY).unwrap();
    let (key_file, registry) = (path("key"), format!("file:{}", path("registry")));
    let arguments = ["--key-file", &key_file, "--registry", &registry];
    let mut demo = Demo::start(&arguments).await;
    let (visitor, stays) = (Visitor::new(), Visitor::new());
    sign_in(&visitor, &demo, "/profile").await;
    sign_in(&stays, &demo, "/profile").await;
    let thief = copy_of(&visitor, &demo);
    visitor.get(&demo.url("/logout")).await;
    let (app_url, cas_url) = (demo.url(""), demo.cas_url().to_owned());
    demo.stop(Signal::KILL).await;

    let again = Demo::start(
        &[
            &arguments[..],
            &["--app-url", &app_url, "--cas-url", &cas_url],
        ]
        .concat(),
    )
    .await;
    let answer = thief.get(&again.own_url("/profile")).await;
    assert_eq!(answer.status, 302);
    let profile = stays.get(&again.own_url("/profile")).await;
    assert_eq!(profile.text_of("#user").as_deref(), Some(USER));
}

#[tokio::test]
async fn all_devices_are_signed_out_by_one_button() {
    let demo = Demo::start(&[]).await;
    let (visitor, other) = (Visitor::new(), Visitor::new());
    sign_in(&other, &demo, "/profile").await;
    let profile = sign_in(&visitor, &demo, "/profile").await;
    let sent = visitor.send_form(&profile, &[]).await;
    let page = visitor.follow(sent).await;
    assert_eq!(page.url.as_str(), demo.url("/logout_callback"));
    assert!(is_sent_to_cas(&other, &demo).await);
    assert!(is_sent_to_cas(&visitor, &demo).await);
}

#[tokio::test]
async fn sessions_end_after_the_time_that_was_given() {
    for arguments in [["--lifetime", "2"], ["--idle", "2"]] {
        let demo = Demo::start(&arguments).await;
        let visitor = Visitor::new();
        sign_in(&visitor, &demo, "/profile").await;
        let cookies = copy_of(&visitor, &demo);
        let over = async {
            // A copy does not keep the session alive, as its cookie is never issued anew.
            while !is_sent_to_cas(&copy_of(&cookies, &demo), &demo).await {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        let in_time = tokio::time::timeout(limit, over).await;
        assert!(in_time.is_ok(), "{arguments:?}");
    }
}
