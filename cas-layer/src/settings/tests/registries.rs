//! The registry that settings name.

use super::*;
use crate::settings::RegistrySetting;

async fn opened(registry: &Value) -> Result<SettingsRegistry, SettingsError> {
    let settings = read(&with(&json!({ "registry": registry }))).unwrap();
    settings.registry().await
}

#[tokio::test]
async fn it_is_in_memory_unless_told_otherwise() {
    for settings in [good(), with(&json!({ "registry": "memory" }))] {
        let settings = read(&settings).unwrap();
        let registry = settings.registry().await.unwrap();
        assert!(matches!(registry, SettingsRegistry::Memory(_)));
        assert!(settings.builder(&registry).unwrap().build().is_ok());
        registry.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_registry_is_refused() {
    for (registry, words) in [
        (json!("parchment"), "neither memory nor file:PATH"),
        (json!("file:"), "the path of the file is missing"),
        (json!(5), "it is not a text"),
        (json!({ "url": "x" }), "it is not a text"),
    ] {
        let error = opened(&registry).await.unwrap_err();
        assert_eq!(error.key(), "registry");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!("parchment".parse::<RegistrySetting>().is_err());
    assert!("memory".parse::<RegistrySetting>().is_ok());
}

#[cfg(feature = "file")]
#[tokio::test]
async fn a_file_is_opened_and_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions");
    let registry = json!(format!("file:{}", path.display()));
    let open = opened(&registry).await.unwrap();
    assert!(matches!(open, SettingsRegistry::File(_)));
    let config = builder_with(&open).build().unwrap();
    assert!(config.first_host().app.registry.outlives_process());
    let error = opened(&registry).await.unwrap_err();
    assert_eq!(error.key(), "registry");
    assert!(error.to_string().contains("sessions"), "{error}");
}

#[cfg(feature = "file")]
fn builder_with(registry: &SettingsRegistry) -> CasConfigBuilder {
    read(&good()).unwrap().builder(registry).unwrap()
}

#[cfg(not(feature = "file"))]
#[tokio::test]
async fn a_file_needs_its_feature() {
    let error = opened(&json!("file:x")).await.unwrap_err();
    assert!(error.to_string().contains("the feature `file`"), "{error}");
}

#[cfg(not(feature = "redis"))]
#[tokio::test]
async fn redis_needs_its_feature() {
    for url in ["redis://:secret@127.0.0.1", "rediss://:secret@127.0.0.1"] {
        let error = opened(&json!(url)).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("the feature `redis`"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[cfg(not(feature = "postgres"))]
#[tokio::test]
async fn postgres_needs_its_feature() {
    for url in [
        "postgres://app:secret@127.0.0.1",
        "postgresql://app:secret@127.0.0.1",
    ] {
        let error = opened(&json!(url)).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("the feature `postgres`"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn mistakes_about_postgres_are_told_with_their_key_before_it_is_asked() {
    // Nothing listens there.
    let url = "postgres://app:secret@127.0.0.1:1/app";
    let with_parameter = |parameter: &str| format!("{url}?{parameter}");
    for (url, postgres, key, words) in [
        ("postgres://app:secret@", json!({}), "registry", "no URL"),
        (
            &with_parameter("sslmode=secret"),
            json!({}),
            "registry",
            "a part of the URL",
        ),
        (
            &with_parameter("pasword=secret"),
            json!({}),
            "registry",
            "a parameter",
        ),
        (
            url,
            json!({ "schema": "A b" }),
            "postgres.schema",
            "lower-case",
        ),
        (
            url,
            json!({ "max_connections": 0 }),
            "postgres.max_connections",
            "needs 4",
        ),
        (
            url,
            json!({ "max_connections": 3 }),
            "postgres.max_connections",
            "needs 4",
        ),
        (
            url,
            json!({ "fail_closed_after": "1s" }),
            "postgres.fail_closed_after",
            "3 seconds",
        ),
        (url, json!({ "queue": 0 }), "postgres.queue", "queue"),
        (
            url,
            json!({ "longest_lifetime": "367d" }),
            "postgres.longest_lifetime",
            "366 days",
        ),
        (
            url,
            json!({ "timeout": "61s" }),
            "postgres.timeout",
            "60 seconds",
        ),
    ] {
        let settings = with(&json!({ "registry": url, "postgres": postgres }));
        let settings = read(&settings).unwrap();
        let error = settings.registry().await.unwrap_err();
        assert_eq!(error.key(), key, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error} {error:?} {settings:?}").contains("secret"));
    }
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn mistakes_about_redis_are_told_with_their_key_before_it_is_asked() {
    // Nothing listens there.
    let url = "redis://:secret@127.0.0.1:1";
    for (url, redis, key, words) in [
        ("redis://:secret@", json!({}), "registry", "host"),
        (url, json!({}), "registry", "Redis"),
        (url, json!({ "prefix": "a b" }), "redis.prefix", "prefix"),
        (
            url,
            json!({ "fail_closed_after": "1s" }),
            "redis.fail_closed_after",
            "3 seconds",
        ),
        (url, json!({ "queue": 0 }), "redis.queue", "queue"),
        (
            url,
            json!({ "longest_lifetime": "367d" }),
            "redis.longest_lifetime",
            "366 days",
        ),
        (
            url,
            json!({ "timeout": "61s" }),
            "redis.timeout",
            "60 seconds",
        ),
        (
            url,
            json!({ "root_certificates": ["/none"] }),
            "redis.root_certificates[0]",
            "/none",
        ),
        (
            url,
            json!({ "client_certificate": "/none" }),
            "redis.client_certificate",
            "redis.client_key",
        ),
        (
            url,
            json!({ "client_key": "/none" }),
            "redis.client_key",
            "redis.client_certificate",
        ),
        (
            url,
            json!({ "sentinel_user": "alice" }),
            "redis.sentinel_user",
            "redis.sentinel_password",
        ),
        (
            url,
            json!({ "sentinel_password": "secret" }),
            "redis.sentinel_password",
            "redis+sentinel://",
        ),
        (
            "redis+sentinel://:secret@redis.example",
            json!({}),
            "registry",
            "service",
        ),
    ] {
        let settings = with(&json!({ "registry": url, "redis": redis }));
        let settings = read(&settings).unwrap();
        let error = settings.registry().await.unwrap_err();
        assert_eq!(error.key(), key, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error} {error:?} {settings:?}").contains("secret"));
    }
}
