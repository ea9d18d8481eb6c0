//! Every mistake is told with its key.

use std::fs;

use super::*;

/// `changes` to settings that can be used are refused, in these words.
#[track_caller]
fn refused(changes: &Value, key: &str, words: &[&str]) {
    let error = builder(&with(changes)).unwrap_err();
    assert_eq!(error.key(), key, "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{key}: ")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in words {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn unknown_keys_are_refused() {
    for (changes, key) in [
        (json!({ "kyes": [] }), "kyes"),
        (json!({ "session": { "lifetme": "8h" } }), "session.lifetme"),
        (json!({ "sign_in": { "x": 1 } }), "sign_in.x"),
        (json!({ "sign_out": { "x": 1 } }), "sign_out.x"),
        (json!({ "endpoints": { "x": 1 } }), "endpoints.x"),
        (json!({ "proxy": { "x": 1 } }), "proxy.x"),
        (json!({ "server": { "x": 1 } }), "server.x"),
        (json!({ "redis": { "x": 1 } }), "redis.x"),
        (json!({ "rules": [{ "path": "/", "x": 1 }] }), "rules[0].x"),
    ] {
        refused(&changes, key, &["unknown field", "expected one of"]);
    }
}

#[test]
fn values_of_another_type_are_refused() {
    for (changes, key, words) in [
        (json!({ "url": 5 }), "url", "a string is expected"),
        (json!({ "hosts": 5 }), "hosts", "a list"),
        (json!({ "hosts": [5] }), "hosts[0]", "a string is expected"),
        (
            json!({ "session": "8h" }),
            "session",
            "a table of settings is expected",
        ),
        (
            json!({ "session": { "encrypted": "x" } }),
            "session.encrypted",
            "a boolean is expected",
        ),
        (
            json!({ "protocol": "cas9" }),
            "protocol",
            "`cas1`, `cas2`, `cas3`, `saml1`",
        ),
        (
            json!({ "session": { "place": "disk" } }),
            "session.place",
            "`cookie-first`, `cookie`, `registry`",
        ),
        (
            json!({ "rules": [{ "path": "/", "access": "all" }] }),
            "rules[0].access",
            "`required`",
        ),
        (
            json!({ "redis": { "min_replicas": -1 } }),
            "redis.min_replicas",
            "expected",
        ),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn the_two_urls_are_needed() {
    for key in ["url", "app_url"] {
        refused(&json!({ key: null }), key, &["missing"]);
    }
}

#[test]
fn urls_and_keys_that_cannot_be_used_are_told() {
    for (changes, key, words) in [
        (json!({ "url": "cas" }), "url", "not an absolute URL"),
        (
            json!({ "url": "http://cas.example.org" }),
            "url",
            "plain http",
        ),
        (
            json!({ "url": "https://cas.example.org/cas/login" }),
            "url",
            "it should be `https://cas.example.org/cas`",
        ),
        (
            json!({ "url": "https://cas.example.org/cas/p3/serviceValidate" }),
            "url",
            "it should be `https://cas.example.org/cas`",
        ),
        (
            json!({ "app_url": "http://app.example.org" }),
            "app_url",
            "plain http",
        ),
        (
            json!({ "hosts": ["https://b.example", "c.example"] }),
            "hosts[1]",
            "c.example",
        ),
        (
            json!({ "hosts": ["https://app.example.org"] }),
            "hosts[0]",
            "apart",
        ),
        (json!({ "keys": ["c2hvcnQ="] }), "keys", "key 1 has 5 bytes"),
        (json!({ "keys": [key(), "!"] }), "keys[1]", "not base64"),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn rules_that_contradict_themselves_are_told() {
    for (changes, key, words) in [
        (json!({ "public": ["/", "static"] }), "public[1]", "static"),
        (
            json!({ "public_prefixes": ["/a/../b"] }),
            "public_prefixes[0]",
            "/a/../b",
        ),
        (
            json!({ "rules": [{}] }),
            "rules[0]",
            "one of `path`, `prefix` and `pattern`",
        ),
        (
            json!({ "rules": [{ "path": "/", "prefix": "/" }] }),
            "rules[0]",
            "one of",
        ),
        (
            json!({ "rules": [{ "path": "/" }, { "path": "/", "access": "public", "fresh": "1m" }] }),
            "rules[1]",
            "requires none",
        ),
        (
            json!({ "rules": [{ "path": "/", "any_of": { "memberOf": [] } }] }),
            "rules[0]",
            "without values",
        ),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn settings_of_sessions_that_cannot_be_are_told() {
    for (changes, key, words) in [
        (
            json!({ "session": { "lifetime": "0s" } }),
            "session.lifetime",
            "shorter than a second",
        ),
        (
            json!({ "session": { "lifetime": "367d" } }),
            "session.lifetime",
            "366 days",
        ),
        (
            json!({ "session": { "lifetime": "1h", "idle_timeout": "2h" } }),
            "session.idle_timeout",
            "longer than the session lifetime",
        ),
        (
            json!({ "session": { "remember_me_lifetime": "0s" } }),
            "session.remember_me_lifetime",
            "shorter",
        ),
        (
            json!({ "session": { "admit_timeout": "2m" } }),
            "session.admit_timeout",
            "admit",
        ),
        (
            json!({ "session": { "cookie_name": "a b" } }),
            "session.cookie_name",
            "a b",
        ),
        (
            json!({ "session": { "only_attributes": ["a"], "rename_attributes": { "b": "c" } } }),
            "session.rename_attributes.b",
            "`b`",
        ),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn settings_of_sign_in_and_sign_out_that_cannot_be_are_told() {
    for (changes, key, words) in [
        (
            json!({ "sign_in": { "landing_path": "/login" } }),
            "sign_in.landing_path",
            "loop",
        ),
        (
            json!({ "sign_in": { "gateway_interval": "2h" } }),
            "sign_in.gateway_interval",
            "longer than an hour",
        ),
        (
            json!({ "sign_in": { "max_concurrent_validations": 0 } }),
            "sign_in.max_concurrent_validations",
            "at least one",
        ),
        (
            json!({ "sign_in": { "tickets_by_post": true, "bare_service_url": true } }),
            "sign_in.tickets_by_post",
            "do not go together",
        ),
        (
            json!({ "rules": [{ "path": "/", "access": "gateway" }], "sign_in": { "renew": true } }),
            "sign_in.renew",
            "asks for credentials",
        ),
        (
            json!({ "rules": [{ "path": "/", "access": "gateway" }], "sign_in": { "warn": true } }),
            "sign_in.warn",
            "without a page",
        ),
        (
            json!({ "sign_in": { "locale": "pt_BR" } }),
            "sign_in.locale",
            "no language tag",
        ),
        (
            json!({
                "server": { "login_parameters": { "Locale": "de" } },
                "sign_in": { "locale_by_link": true },
            }),
            "sign_in.locale_by_link",
            "leave it to one of the two",
        ),
        (
            json!({
                "server": { "login_parameters": { "rememberMe": "true" } },
                "sign_in": { "remember_me": true },
            }),
            "sign_in.remember_me",
            "leave it to one of the two",
        ),
        (
            json!({ "sign_out": { "after_logout_path": "bye" } }),
            "sign_out.after_logout_path",
            "bye",
        ),
        (
            json!({ "sign_out": { "rebroadcast_to": ["node"] } }),
            "sign_out.rebroadcast_to",
            "node",
        ),
        (
            json!({ "sign_out": { "logout_sources": ["here"] } }),
            "sign_out.logout_sources",
            "here",
        ),
        (
            json!({ "endpoints": { "login": "in" } }),
            "endpoints.login",
            "login path",
        ),
        (
            json!({ "endpoints": { "logout": "/login" } }),
            "endpoints.logout",
            "are both",
        ),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn settings_of_an_endpoint_for_nginx_that_cannot_be_are_told() {
    for (changes, key, words) in [
        (
            json!({ "auth_request": { "user": "X-User" } }),
            "auth_request.user",
            "no path",
        ),
        (
            json!({ "auth_request": { "path": "/login" } }),
            "auth_request.path",
            "are both",
        ),
        (
            json!({ "auth_request": { "path": "/auth", "original_uri": "X-Original-URI" } }),
            "auth_request.original_uri",
            "belong together",
        ),
        (
            json!({ "auth_request": { "path": "/auth", "attributes": { "mail": "Cookie" } } }),
            "auth_request.attributes.mail",
            "means something else",
        ),
        (
            json!({
                "rules": [{ "path": "/a", "fresh": "1m" }],
                "auth_request": { "path": "/auth" },
            }),
            "auth_request.path",
            "asks for more than a user",
        ),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn settings_of_the_cas_server_that_cannot_be_are_told() {
    for (changes, key, words) in [
        (
            json!({ "proxy": { "callback_path": "/p" } }),
            "proxy.callback_path",
            "encrypted",
        ),
        (
            json!({ "proxy": { "callback_url": "https://app.example.org/p" } }),
            "proxy.callback_url",
            "give its path",
        ),
        (
            json!({ "server": { "timeout": "301s" } }),
            "server.timeout",
            "300 seconds",
        ),
        (
            json!({ "server": { "connect_timeout": "0s" } }),
            "server.connect_timeout",
            "zero",
        ),
        (
            json!({ "server": { "internal_url": "cas" } }),
            "server.internal_url",
            "internal URL",
        ),
        (
            json!({ "server": { "fallback_urls": ["https://cas2.example.org/cas", "http://cas3.example.org/cas"] } }),
            "server.fallback_urls[1]",
            "plain http",
        ),
        (
            json!({ "protocol": "cas1", "server": { "format": "json" } }),
            "server.format",
            "JSON with cas1",
        ),
        (
            json!({ "server": { "login_parameters": { "service": "x" } } }),
            "server.login_parameters.service",
            "belongs to the CAS protocol",
        ),
        (
            json!({ "server": { "accept_proxies": [["https://*.com/cb"], ["https://a.*/cb"]] } }),
            "server.accept_proxies[1]",
            "last label",
        ),
        (
            json!({ "server": { "response_namespaces": [""] } }),
            "server.response_namespaces[0]",
            "it is empty",
        ),
        (
            json!({ "server": { "validate_path": "x" } }),
            "server.validate_path",
            "x",
        ),
    ] {
        refused(&changes, key, &[words]);
    }
}

#[test]
fn of_several_mistakes_one_is_told_with_its_own_key() {
    let changes = json!({
        "session": { "lifetime": "0s" },
        "sign_in": { "landing_path": "x" },
        "proxy": { "callback_path": "/p" },
    });
    let error = builder(&with(&changes)).unwrap_err().to_string();
    let pairs = [
        ("session.lifetime: ", "session lifetime"),
        ("sign_in.landing_path: ", "landing path"),
        ("proxy.callback_path: ", "proxy callback"),
    ];
    assert!(
        pairs
            .iter()
            .any(|(key, what)| error.starts_with(&format!("{key}{what}"))),
        "{error}"
    );
}

#[test]
fn files_that_cannot_be_used_are_told_with_their_key() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let name = |name: &str| at(name).to_str().unwrap().to_owned();
    let file = |file: &str, text: &str| {
        fs::write(at(file), text).unwrap();
        name(file)
    };
    let keys = |path: &str| json!({ "keys": [], "key_file": path });
    refused(
        &keys(&name("none")),
        "key_file",
        &["cannot read the file", "none"],
    );
    refused(
        &keys(&file("empty", "\n \n")),
        "key_file",
        &["no key", "empty"],
    );
    let two = format!("{}\n\n!!\n", key());
    refused(&keys(&file("two", &two)), "key_file", &["line 3", "base64"]);
    refused(&keys(&file("short", "c2hvcnQ=")), "key_file", &["5 bytes"]);
    refused(
        &json!({ "key_file": file("good", &key()) }),
        "key_file",
        &["`keys`", "one of the two"],
    );
    let certificates = |path: &str| json!({ "server": { "root_certificates": [path] } });
    let key = "server.root_certificates[0]";
    refused(&certificates(&name("none")), key, &["cannot read", "none"]);
    refused(&certificates(&name("empty")), key, &["certificate"]);
}

#[test]
fn a_list_of_sources_waits_for_code_that_knows_addresses() {
    let settings = with(&json!({ "sign_out": { "logout_sources": ["192.0.2.1"] } }));
    let error = builder(&settings).unwrap().build().unwrap_err().to_string();
    assert!(
        error.contains("peer_address") && error.contains("logout_sources"),
        "{error}"
    );
    let known = builder(&settings).unwrap().peer_address(|_| None);
    assert!(known.build().is_ok());
}
