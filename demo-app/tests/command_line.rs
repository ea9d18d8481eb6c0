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
        "config",
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

#[test]
fn a_file_of_settings_is_read_and_its_mistakes_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.toml");
    let name = path.to_str().unwrap();
    refused(&["--config", name], &["--config", name]);
    for (text, words) in [
        ("url = ", &["no TOML", name][..]),
        ("kyes = []", &["kyes: unknown field"]),
        (
            "[session]\nlifetime = 600",
            &["session.lifetime: an integer where a time with its unit"],
        ),
        (
            "[session]\nlifetime = \"0s\"",
            &["--lifetime: session.lifetime: ", "shorter than a second"],
        ),
        ("protocol = \"cas9\"", &["protocol: ", "`cas3`"]),
        ("registry = \"parchment\"", &["registry: ", "file:PATH"]),
        ("key_file = \"/none\"", &["--key-file: key_file: ", "/none"]),
        (
            "app_url = \"https://app.example.org/demo\"",
            &["--app-url", "path"],
        ),
        (
            "url = \"https://cas.example.org/cas/login\"",
            &["--cas-url", "it should be `https://cas.example.org/cas`"],
        ),
    ] {
        fs::write(&path, text).unwrap();
        refused(&["--config", name], words);
    }
    let line = refusal(demo(&[]).env("DEMO_CONFIG", directory.path()));
    assert!(line.contains("--config"), "{line}");
}

#[test]
fn options_overrule_the_file_of_settings() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.toml");
    let name = path.to_str().unwrap();
    let keys = directory.path().join("keys");
    fs::write(&keys, "q83v".repeat(22)).unwrap();
    // Every value is a mistake. What is refused in the end comes after all of them.
    let text = "protocol = \"saml1\"\nkeys = [\"!\"]\nregistry = \"file:/none/none\"\n\
         [session]\nlifetime = \"0s\"\nidle_timeout = \"0s\"\n[server]\nformat = \"json\"\n";
    fs::write(&path, text).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let options = [
        ["--protocol", "cas3"],
        ["--key-file", keys.to_str().unwrap()],
        ["--registry", "memory"],
        ["--lifetime", "600"],
        ["--idle", "0"],
    ];
    let last = ["--proxy", "--proxy-listen", &address, "--config", name];
    let arguments = [options.concat(), last.to_vec()].concat();
    refused(&arguments, &["--proxy-listen", &address]);
    for without in options {
        let others = options.iter().filter(|option| **option != without);
        let arguments = [others.copied().flatten().collect::<Vec<_>>(), last.to_vec()].concat();
        let line = refusal(&mut demo(&arguments));
        assert!(!line.contains("--proxy-listen"), "{without:?}: {line}");
    }
}

#[test]
fn a_key_in_a_file_of_settings_is_not_repeated_in_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.toml");
    for text in [
        "keys = [\"c2VjcmV0\"]",
        "keys = [\"!c2VjcmV0\"]",
        "keys = \"c2VjcmV0",
        "keys = { a = \"c2VjcmV0\" }",
        "kyes = \"c2VjcmV0\"",
    ] {
        fs::write(&path, text).unwrap();
        let line = refusal(&mut demo(&["--config", path.to_str().unwrap()]));
        assert!(!line.contains("c2VjcmV0"), "{text}: {line}");
    }
}
