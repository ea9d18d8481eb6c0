//! The registry that settings name, opened.

#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "redis")]
use super::redis;
use super::{
    cas_settings::CasSettings,
    error::SettingsError,
    registry_setting::{KEY, Place},
};
#[cfg(feature = "file")]
use crate::registry::file::FileRegistry;
#[cfg(feature = "postgres")]
use crate::registry::postgres::PostgresRegistry;
#[cfg(feature = "redis")]
use crate::registry::redis::RedisRegistry;
use crate::{
    config::CasConfigBuilder,
    registry::{RegistryError, memory::MemoryRegistry},
};

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
    /// At a PostgreSQL server, for many processes.
    #[cfg(feature = "postgres")]
    Postgres(PostgresRegistry),
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
                let builder = redis::builder(url, settings)?;
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
            #[cfg(feature = "postgres")]
            Place::Postgres(url) => {
                let url = url.expose_secret().unwrap_or_default();
                postgres::open(url, settings).await.map(Self::Postgres)
            }
            #[cfg(not(feature = "postgres"))]
            Place::Postgres(_) => Err(missing("a registry in PostgreSQL", "postgres")),
            Place::Unknown(reason) => Err(SettingsError::new(KEY, *reason)),
        }
    }

    /// Tells other nodes of the sign-outs that they do not know of yet, as `RedisRegistry::shutdown` and
    /// `PostgresRegistry::shutdown` say. Call it at the end of the process. The other kinds have nothing to do then.
    ///
    /// # Errors
    /// As those two have them.
    pub async fn shutdown(&self) -> Result<(), RegistryError> {
        match self {
            Self::Memory(_) => Ok(()),
            #[cfg(feature = "file")]
            Self::File(_) => Ok(()),
            #[cfg(feature = "redis")]
            Self::Redis(registry) => registry.shutdown().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(registry) => registry.shutdown().await,
        }
    }

    pub(super) fn used_by(&self, builder: CasConfigBuilder) -> CasConfigBuilder {
        match self {
            Self::Memory(registry) => builder.registry(registry.clone()),
            #[cfg(feature = "file")]
            Self::File(registry) => builder.registry(registry.clone()),
            #[cfg(feature = "redis")]
            Self::Redis(registry) => builder.registry(registry.clone()),
            #[cfg(feature = "postgres")]
            Self::Postgres(registry) => builder.registry(registry.clone()),
        }
    }
}

#[cfg(not(all(feature = "file", feature = "postgres", feature = "redis")))]
fn missing(what: &str, feature: &str) -> SettingsError {
    SettingsError::new(
        KEY,
        format!(
            "{what} needs the feature `{feature}` of the crate cas-layer, which this program was built without"
        ),
    )
}
