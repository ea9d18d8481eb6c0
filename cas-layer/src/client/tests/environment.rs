//! What the environment of the program changes. Each test runs itself again as a program with another environment.

use std::env;
use std::process::Command;

use super::server::Server;
use super::{ALICE, or_hang, validate};
use crate::CasClient;

const CAS_URL: &str = "CAS_LAYER_TEST_CAS_URL";

#[tokio::test]
async fn no_proxy_of_the_environment_gets_tickets_in_clear_that_should_stay_on_this_machine() {
    if let Ok(url) = env::var(CAS_URL) {
        for builder in [
            CasClient::builder(&url),
            CasClient::builder("https://cas.invalid/cas").internal_url(&url),
        ] {
            let client = builder.build().unwrap();
            assert_eq!(validate(&client).await.unwrap().user(), "alice");
        }
        return;
    }
    let server = Server::with_body(ALICE).await;
    let proxy = Server::with_body("").await;
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture"])
        .arg(format!(
            "{}::no_proxy_of_the_environment_gets_tickets_in_clear_that_should_stay_on_this_machine",
            module_path!().split_once("::").unwrap().1
        ))
        .env(CAS_URL, &server.url)
        .env("http_proxy", proxy.url.trim_end_matches("/cas"))
        .env("HTTP_PROXY", proxy.url.trim_end_matches("/cas"))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY");
    let output = or_hang(tokio::task::spawn_blocking(move || command.output()))
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("1 passed"), "{said}");
    assert!(output.status.success(), "{said}");
    assert_eq!(server.requests().len(), 2);
    assert!(proxy.requests().is_empty());
}
