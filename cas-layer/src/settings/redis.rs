//! A registry in Redis, set up by settings.

use super::{
    cas_settings::CasSettings, error::SettingsError, files, registry_setting::KEY,
    sections::RedisSettings, values::SecretText,
};
use crate::registry::redis::{RedisRegistry, RedisRegistryBuilder};

/// Everything but the connection is checked here, with the key of what is wrong.
pub(super) fn builder(
    url: &str,
    settings: &CasSettings,
) -> Result<RedisRegistryBuilder, SettingsError> {
    let given = &settings.redis;
    let mut builder = RedisRegistry::builder(url);
    if let Some(prefix) = &given.prefix {
        builder = builder.prefix(prefix);
    }
    for (index, path) in given.root_certificates.iter().enumerate() {
        let key = format!("redis.root_certificates[{index}]");
        builder = builder.add_root_certificate_pem(files::read(&key, path)?);
    }
    if let Some((chain, key)) = client_certificate(given)? {
        builder = builder.client_certificate_pem(chain, key);
    }
    if let Some(password) = &given.sentinel_password {
        let user = given.sentinel_user.as_deref().unwrap_or_default();
        builder = builder.sentinel_login(user, secret("redis.sentinel_password", password)?);
    } else if given.sentinel_user.is_some() {
        return Err(SettingsError::new(
            "redis.sentinel_user",
            "`redis.sentinel_password` is missing",
        ));
    }
    if let Some(count) = given.min_replicas {
        builder = builder.min_replicas(count);
    }
    if let Some(limit) = given.fail_closed_after {
        builder = builder.fail_closed_after(limit);
    }
    if let Some(sign_outs) = given.queue {
        builder = builder.queue(sign_outs);
    }
    if let Some(allow) = given.allow_eviction {
        builder = builder.allow_eviction(allow);
    }
    if let Some(longest) = given.longest_lifetime.or(settings.longest_lifetime()) {
        builder = builder.longest_lifetime(longest);
    }
    if let Some(limit) = given.timeout {
        builder = builder.timeout(limit);
    }
    match builder.check() {
        Ok(()) => Ok(builder),
        Err(("url", error)) => Err(SettingsError::registry(KEY, error)),
        Err(("sentinel_login", error)) => {
            Err(SettingsError::registry("redis.sentinel_password", error))
        }
        Err((name, error)) => Err(SettingsError::registry(&format!("redis.{name}"), error)),
    }
}

/// A certificate and its key, in PEM form.
type Certificate = (Vec<u8>, Vec<u8>);

fn client_certificate(given: &RedisSettings) -> Result<Option<Certificate>, SettingsError> {
    let (chain, key) = ("redis.client_certificate", "redis.client_key");
    match (&given.client_certificate, &given.client_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(of_key)) => Ok(Some((
            files::read(chain, certificate)?,
            files::read(key, of_key)?,
        ))),
        (Some(_), None) => Err(SettingsError::new(chain, "`redis.client_key` is missing")),
        (None, Some(_)) => Err(SettingsError::new(
            key,
            "`redis.client_certificate` is missing",
        )),
    }
}

fn secret<'s>(key: &str, text: &'s SecretText) -> Result<&'s str, SettingsError> {
    text.expose_secret()
        .ok_or_else(|| SettingsError::new(key, "it is not a text"))
}
