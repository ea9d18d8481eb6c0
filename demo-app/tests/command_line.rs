//! What the program says and how it exits when it cannot start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    net::TcpListener,
    process::{Command, Output},
};

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo-app"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DEMO_") {
            command.env_remove(name);
        }
    }
    command
        .args(["--listen", "127.0.0.1:0", "--cas-listen", "127.0.0.1:0"])
        .args(arguments);
    command
}

/// Runs a command that must fail, and gives back the line that says why.
fn refusal(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{command:?}: {stderr}");
    assert_eq!(stdout, b"", "{command:?}");
    assert_eq!(stderr.lines().count(), 1, "{command:?}: {stderr}");
    assert!(stderr.starts_with("demo-app: "), "{command:?}: {stderr}");
    stderr
}

/// The arguments are refused with a line that holds each of `words`.
#[track_caller]
fn refused(arguments: &[&str], words: &[&str]) {
    let line = refusal(&mut demo(arguments));
    for word in words {
        assert!(line.contains(word), "{arguments:?}: {line}");
    }
}

#[test]
fn unknown_options_and_values_are_refused() {
    refused(&["--colour"], &["--colour"]);
    refused(&["stray"], &["stray"]);
    refused(
        &["--protocol", "cas9"],
        &["cas9", "--protocol", "cas1, cas2, cas3, saml1"],
    );
    refused(
        &["--registry", "parchment"],
        &["--registry", "memory", "file:PATH", "redis://"],
    );
    refused(&["--app-url"], &["--app-url"]);
    refused(
        &["--protocol", "cas1", "--protocol", "cas2"],
        &["--protocol"],
    );
}

#[test]
fn an_address_that_is_none_is_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo-app"));
    let line = refusal(command.args(["--listen", "nowhere"]));
    assert!(
        line.contains("nowhere") && line.contains("--listen"),
        "{line}"
    );
}

#[test]
fn the_environment_is_checked_like_the_command_line() {
    for (variable, value) in [("DEMO_PROTOCOL", "cas9"), ("DEMO_METRICS", "perhaps")] {
        let line = refusal(demo(&[]).env(variable, value));
        assert!(line.contains(value), "{line}");
    }
}

#[test]
fn an_address_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let program = || Command::new(env!("CARGO_BIN_EXE_demo-app"));
    let line = refusal(program().args(["--listen", &address]));
    assert!(
        line.contains(&address) && line.contains("--listen"),
        "{line}"
    );
    let line = refusal(program().args(["--listen", "127.0.0.1:0", "--cas-listen", &address]));
    assert!(
        line.contains(&address) && line.contains("--cas-listen"),
        "{line}"
    );
}

#[test]
fn the_embedded_server_is_not_put_on_the_network() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_demo-app"));
    let line = refusal(program.args(["--listen", "127.0.0.1:0", "--cas-listen", "0.0.0.0:0"]));
    assert!(
        line.contains("--cas-listen") && line.contains("loopback"),
        "{line}"
    );
}

#[test]
fn urls_that_cannot_be_used_are_refused() {
    refused(&["--cas-url", "cas"], &["CAS server URL", "cas"]);
    refused(
        &["--cas-url", "ftp://cas.example.org"],
        &["ftp://cas.example.org"],
    );
    refused(
        &["--cas-url", "http://cas.example.org/cas"],
        &["http://cas.example.org/cas", "https"],
    );
    refused(
        &["--app-url", "http://app.example.org"],
        &["http://app.example.org", "https"],
    );
    refused(
        &["--app-url", "https://app.example.org/demo"],
        &["--app-url", "path"],
    );
    refused(&["--app-url", ""], &["app URL"]);
}

#[test]
fn key_files_without_good_keys_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let name = path.to_str().unwrap();
    refused(&["--key-file", name], &["--key-file", name]);
    refused(
        &["--key-file", directory.path().to_str().unwrap()],
        &["--key-file"],
    );
    let good = "q83v".repeat(22);
    for (text, words) in [
        ("", &["no key"][..]),
        ("\n \n", &["no key"]),
        (&*format!("{good}\n\nnot base64\n"), &["line 3", "base64"]),
        ("c2hvcnQ=", &["key 1", "5 bytes"]),
    ] {
        fs::write(&path, text).unwrap();
        refused(&["--key-file", name], words);
    }
}

#[test]
fn a_key_is_not_repeated_in_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    fs::write(&path, "c2VjcmV0\n!!c2VjcmV0!!\n").unwrap();
    let line = refusal(&mut demo(&["--key-file", path.to_str().unwrap()]));
    assert!(!line.contains("c2VjcmV0"), "{line}");
}

#[test]
fn ca_files_without_certificates_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let name = path.to_str().unwrap();
    refused(&["--cas-ca-file", name], &["--cas-ca-file", name]);
    for text in [
        "",
        "no certificate\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(&path, text).unwrap();
        refused(&["--cas-ca-file", name], &["certificate"]);
    }
}

#[test]
fn help_names_every_option_and_its_variable() {
    let Output {
        status,
        stdout,
        stderr,
    } = demo(&["--help"]).output().unwrap();
    assert!(status.success() && stderr.is_empty());
    let help = String::from_utf8(stdout).unwrap();
    for option in [
        "listen",
        "app-url",
        "cas-url",
        "cas-listen",
        "cas-ca-file",
        "protocol",
        "key-file",
        "registry",
        "idle",
        "lifetime",
        "metrics",
    ] {
        let begins = |line: &str| line.split_whitespace().next() == Some(&format!("--{option}"));
        assert!(help.lines().any(begins), "{option}: {help}");
        let variable = format!("DEMO_{}", option.to_uppercase().replace('-', "_"));
        assert!(
            help.contains(&format!("[env: {variable}")),
            "{variable}: {help}"
        );
    }
}
