//! No secret is shown.

use std::{error::Error as _, fs};

use super::*;

/// Is in every value that must not be shown. As base64 it is no key.
const SECRET: &str = "c2VjcmV0";

/// What a log might get.
fn shown(result: &Result<CasSettings, SettingsError>) -> String {
    match result {
        Ok(settings) => {
            let built = settings.builder(&SettingsRegistry::default());
            let built = match &built {
                Ok(builder) => format!("{builder:?}"),
                Err(error) => format!("{error} {error:?} {:?}", error.source()),
            };
            format!("{settings:?} {settings:#?} {built}")
        }
        Err(error) => format!("{error} {error:?} {error:#?} {:?}", error.source()),
    }
}

#[track_caller]
fn hidden(changes: &Value) {
    let shown = shown(&read(&with(changes)));
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn a_key_is_never_shown() {
    hidden(&json!({ "keys": [SECRET.repeat(11)] }));
    // Too short, not base64, and no text.
    hidden(&json!({ "keys": [SECRET] }));
    hidden(&json!({ "keys": [format!("!{SECRET}")] }));
    hidden(&json!({ "keys": format!("{SECRET},!{SECRET}") }));
    hidden(&json!({ "keys": { SECRET: SECRET } }));
    hidden(&json!({ "keys": [[SECRET], { SECRET: SECRET }] }));
    hidden(&json!({ "keys": [5] }));
    // In a wrong place.
    hidden(&json!({ "session": SECRET }));
    hidden(&json!({ "hosts": { "a": SECRET } }));
    hidden(&json!({ "rules": SECRET }));
    hidden(&json!({ "kyes": [SECRET] }));
    hidden(&json!({ "redis": format!("redis://:{SECRET}@127.0.0.1") }));
    hidden(&json!({ "postgres": format!("postgres://app:{SECRET}@127.0.0.1/app") }));
}

#[test]
fn a_key_that_is_no_text_is_refused() {
    for keys in [
        json!(5),
        json!(true),
        json!(1.5),
        json!({}),
        json!([null]),
        json!([["a"]]),
    ] {
        let error = builder(&with(&json!({ "keys": keys }))).unwrap_err();
        assert_eq!(error.to_string(), "keys[0]: it is not a text", "{keys}");
    }
}

#[test]
fn a_key_of_a_file_is_never_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for text in [
        SECRET.to_owned(),
        format!("!{SECRET}"),
        SECRET.repeat(11),
        format!("{}\n!{SECRET}", key()),
    ] {
        fs::write(file.path(), text).unwrap();
        hidden(&json!({ "keys": [], "key_file": file.path() }));
    }
}

#[test]
fn no_password_is_shown() {
    for url in [
        format!("redis://:{SECRET}@127.0.0.1"),
        format!("rediss://alice:{SECRET}@127.0.0.1/2"),
        format!("redsi://:{SECRET}@127.0.0.1"),
        format!("postgres://app:{SECRET}@127.0.0.1/app"),
        format!("postgresql://127.0.0.1/app?password={SECRET}"),
    ] {
        hidden(&json!({ "registry": url }));
    }
    let url = format!("https://alice:{SECRET}@cas.example.org/cas");
    hidden(&json!({ "url": url }));
    hidden(&json!({ "app_url": url }));
    hidden(&json!({ "hosts": [url] }));
    hidden(&json!({ "server": { "internal_url": url } }));
    hidden(&json!({ "server": { "fallback_urls": [url] } }));
    hidden(&json!({ "server": { "accept_proxies": [[url]] } }));
    hidden(&json!({ "proxy": { "callback_path": "/p", "callback_url": url } }));
    hidden(&json!({ "server": { "validation_parameters": { "token": SECRET } } }));
    hidden(&json!({ "server": { "validation_parameters": { "token": format!("\n{SECRET}") } } }));
    hidden(&json!({ "server": { "validation_parameters": { "token": [SECRET] } } }));
}

#[test]
fn the_line_of_a_file_is_not_shown() {
    for text in [
        format!("keys = {{ a = \"{SECRET}\" }}"),
        format!("kyes = \"{SECRET}\""),
        format!("hosts = {{ a = \"{SECRET}\" }}"),
        format!("session = \"{SECRET}\""),
    ] {
        let source = toml::Deserializer::parse(&text).unwrap();
        let shown = shown(&CasSettings::read(source));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
