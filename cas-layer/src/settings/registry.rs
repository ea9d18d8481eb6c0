//! The registry that settings name, opened.

#[cfg(feature = "redis")]
use std::time::Duration;

use super::{cas_settings::CasSettings, error::SettingsError, registry_setting::Place};
#[cfg(feature = "redis")]
use super::{
    files,
    sections::{RedisSettings, SessionSettings},
    values::SecretText,
};
#[cfg(feature = "file")]
use crate::registry::file::FileRegistry;
#[cfg(feature = "redis")]
use crate::registry::redis::{RedisRegistry, RedisRegistryBuilder};
use crate::{
    config::CasConfigBuilder,
    registry::{RegistryError, memory::MemoryRegistry},
};

const KEY: &str = "registry";

/// How long a session lasts that has no lifetime set: the registry expects no less by itself.
#[cfg(feature = "redis")]
const DEFAULT_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// The registry of [`CasSettings::registry`]. Clones share it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SettingsRegistry {
    /// In this process, until it exits.
    Memory(MemoryRegistry),
    /// In a file, for one process.
    #[cfg(feature = "file")]
    File(FileRegistry),
    /// At a Redis server, for many processes.
    #[cfg(feature = "redis")]
    Redis(RedisRegistry),
}

impl Default for SettingsRegistry {
    fn default() -> Self {
        Self::Memory(MemoryRegistry::default())
    }
}

impl SettingsRegistry {
    pub(super) async fn open(settings: &CasSettings) -> Result<Self, SettingsError> {
        match &settings.registry.0 {
            Place::Memory => Ok(Self::default()),
            #[cfg(feature = "file")]
            Place::File(path) => FileRegistry::open(path)
                .map(Self::File)
                .map_err(|error| SettingsError::registry(KEY, error)),
            #[cfg(not(feature = "file"))]
            Place::File(_) => Err(missing("a registry in a file", "file")),
            #[cfg(feature = "redis")]
            Place::Redis(url) => {
                let url = url.expose_secret().unwrap_or_default();
                let builder = redis(url, settings)?;
                let registry = if settings.redis.connect_lazily.unwrap_or_default() {
                    builder.connect_lazily()
                } else {
                    builder.connect().await
                };
                registry
                    .map(Self::Redis)
                    .map_err(|error| SettingsError::registry(KEY, error))
            }
            #[cfg(not(feature = "redis"))]
            Place::Redis(_) => Err(missing("a registry in Redis", "redis")),
            Place::Unknown(reason) => Err(SettingsError::new(KEY, *reason)),
        }
    }

    /// Tells other nodes of the sign-outs that they do not know of yet, as `RedisRegistry::shutdown` says. Call it at
    /// the end of the process. The other kinds have nothing to do then.
    ///
    /// # Errors
    /// As `RedisRegistry::shutdown` has them.
    pub async fn shutdown(&self) -> Result<(), RegistryError> {
        match self {
            Self::Memory(_) => Ok(()),
            #[cfg(feature = "file")]
            Self::File(_) => Ok(()),
            #[cfg(feature = "redis")]
            Self::Redis(registry) => registry.shutdown().await,
        }
    }

    pub(super) fn used_by(&self, builder: CasConfigBuilder) -> CasConfigBuilder {
        match self {
            Self::Memory(registry) => builder.registry(registry.clone()),
            #[cfg(feature = "file")]
            Self::File(registry) => builder.registry(registry.clone()),
            #[cfg(feature = "redis")]
            Self::Redis(registry) => builder.registry(registry.clone()),
        }
    }
}

#[cfg(not(all(feature = "file", feature = "redis")))]
fn missing(what: &str, feature: &str) -> SettingsError {
    SettingsError::new(
        KEY,
        format!(
            "{what} needs the feature `{feature}` of the crate cas-layer, which this program was built without"
        ),
    )
}

/// Everything but the connection is checked here, with the key of what is wrong.
#[cfg(feature = "redis")]
fn redis(url: &str, settings: &CasSettings) -> Result<RedisRegistryBuilder, SettingsError> {
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
    let SessionSettings {
        lifetime,
        remember_me_lifetime,
        ..
    } = &settings.session;
    let own = lifetime.iter().chain(remember_me_lifetime).max();
    if let Some(longest) = given.longest_lifetime {
        builder = builder.longest_lifetime(longest);
    } else if let Some(own) = own.filter(|own| **own > DEFAULT_LIFETIME) {
        builder = builder.longest_lifetime(*own);
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
#[cfg(feature = "redis")]
type Certificate = (Vec<u8>, Vec<u8>);

#[cfg(feature = "redis")]
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

#[cfg(feature = "redis")]
fn secret<'s>(key: &str, text: &'s SecretText) -> Result<&'s str, SettingsError> {
    text.expose_secret()
        .ok_or_else(|| SettingsError::new(key, "it is not a text"))
}
