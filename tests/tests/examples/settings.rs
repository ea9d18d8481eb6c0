//! `settings`

use std::{fs, path::Path};

use cas_layer::testing::CasServer;
use cas_layer_tests::{example::Example, visitor::Visitor};

use crate::program::Program;

/// A key that can be used, and nobody else has.
fn key() -> String {
    "q83v".repeat(22)
}

fn file(folder: &Path, cas: &str) -> String {
    let file = folder.join("app.toml");
    let text = format!("greeting = \"Hello\"\n[cas]\npublic = [\"/\"]\n{cas}");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn settings_come_from_a_file_and_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("sessions");
    let cas = CasServer::start().await.unwrap();
    let file = file(
        folder.path(),
        &format!(
            "url = \"https://cas.invalid\"\nregistry = \"file:{}\"\n[cas.session]\nlifetime = \"10h\"\n",
            sessions.display()
        ),
    );
    let environment = [
        ("APP_CAS__URL", cas.url()),
        ("APP_CAS__KEYS", &key()),
        ("APP_CAS__SESSION__LIFETIME", "30m"),
        ("APP_CAS__SESSION__IDLE_TIMEOUT", "never"),
        ("APP_GREETING", "Good evening"),
    ];
    let example = Example::run("settings", &[&file], &environment).await;
    let mut program = Program { cas, example };
    let visitor = Visitor::new();
    let page = program.sign_in(&visitor, "/hello").await;
    assert_eq!(page.body, "Good evening, casuser");
    assert_eq!(program.says().await, "casuser has signed in");
    let again = visitor.open(&program.at("/")).await;
    assert_eq!(again.body, "Good evening, casuser");
    assert!(sessions.exists());
}

#[tokio::test]
async fn a_mistake_in_settings_is_told_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    for (cas, environment, said) in [
        (
            "url = \"https://cas.example.org/cas/login\"",
            &[][..],
            "url: CAS server URL `https://cas.example.org/cas/login`",
        ),
        (
            "url = \"https://cas.example.org/cas\"\n[cas.session]\nlifetme = \"8h\"",
            &[],
            "session.lifetme: unknown field `lifetme`",
        ),
        (
            "url = \"https://cas.example.org/cas\"",
            &[("APP_CAS__SESSION__LIFETIME", "soon")],
            "session.lifetime: `soon` is not a time",
        ),
        (
            "url = \"https://cas.example.org/cas\"",
            &[("APP_CAS__KEYS", "c2VjcmV0")],
            "keys: key 1 has 6 bytes",
        ),
    ] {
        let file = file(folder.path(), cas);
        let line = Example::refuses("settings", &[&file], environment).await;
        assert!(line.starts_with(said), "{line}");
        assert!(!line.contains("c2VjcmV0"), "{line}");
    }
}
