//! The guide's page has all keys.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

const PAGE: &str = include_str!("../../docs/guide/settings.md");

/// What serde lists when it meets an unknown key.
fn fields(settings: &Value) -> Option<Vec<String>> {
    let message = read(settings).err()?.to_string();
    let (_, list) = message.split_once("unknown field `?`, expected one of ")?;
    Some(
        list.split(", ")
            .map(|name| name.trim_matches('`').to_owned())
            .collect(),
    )
}

/// Every key, as the tables write it.
fn keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for top in fields(&json!({ "?": 0 })).unwrap() {
        let section = fields(&json!({ &top: { "?": 0 } }));
        let entries = fields(&json!({ &top: [{ "?": 0 }] }));
        if section.is_none() {
            keys.insert(top.clone());
        }
        for name in section.into_iter().chain(entries).flatten() {
            keys.insert(format!("{top}.{name}"));
        }
    }
    assert!(keys.contains("session.lifetime") && keys.contains("rules.path"));
    keys
}

#[test]
fn the_tables_of_the_guide_have_every_key_and_no_other() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    let named = rows.filter_map(|row| row.split('`').next());
    let documented: BTreeSet<String> = named.map(str::to_owned).collect();
    assert_eq!(documented, keys());
}

#[test]
fn the_tests_set_every_key() {
    let set: toml::Table = read::EVERYTHING.parse().unwrap();
    for key in keys() {
        let (top, name) = key.split_once('.').unwrap_or((&key, ""));
        let is_set = match set.get(top) {
            Some(toml::Value::Table(section)) => section.contains_key(name),
            Some(toml::Value::Array(list)) if !name.is_empty() => {
                list.iter().any(|entry| entry.get(name).is_some())
            }
            other => other.is_some(),
        };
        // Rules have one of three, and keys are in a list or in a file.
        assert!(is_set || ["keys", "rules.path"].contains(&&*key), "{key}");
    }
}

#[test]
fn the_mistakes_of_the_guide_are_what_is_said() {
    let said = |changes| {
        let error = builder(&with(&changes)).unwrap_err();
        error.to_string()
    };
    for changes in [
        json!({ "session": { "lifetime": "0s" } }),
        json!({ "session": { "idle_timeout": "soon" } }),
        json!({ "rules": [{ "path": "/", "access": "admin" }] }),
    ] {
        let line = said(changes);
        assert!(PAGE.lines().any(|it| it == line), "{line}");
    }
    let line = said(json!({ "url": "https://cas.example.org/cas/login" }));
    let begins = |it: &str| {
        it.strip_suffix('…')
            .is_some_and(|it| !it.is_empty() && line.starts_with(it))
    };
    assert!(PAGE.lines().any(begins), "{line}");
}
