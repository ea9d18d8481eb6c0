//! What the people who run an app set, read from files and from the environment.

mod cas_settings;
mod error;
mod files;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod registry;
mod registry_setting;
mod sections;
mod steps;
#[cfg(test)]
mod tests;
mod values;

pub use cas_settings::CasSettings;
pub use error::SettingsError;
pub use registry::SettingsRegistry;
pub use registry_setting::RegistrySetting;
pub use sections::{
    AccessSetting, AuthRequestSettings, EndpointSettings, PostgresSettings, ProxySettings,
    RedisSettings, RuleSettings, ServerSettings, SessionSettings, SignInSettings, SignOutSettings,
};
use serde::Deserializer;
pub use values::{IdleTimeout, SecretText, UrlText};

use crate::config::CasConfigBuilder;

impl CasSettings {
    /// Reads settings.
    ///
    /// `source` is what a format reads from, such as `toml::Deserializer`, or a value that a crate has put together,
    /// such as `config::Value`.
    ///
    /// # Errors
    /// For a key that is unknown and a value of another type, with the key in its message.
    pub fn read<'de>(source: impl Deserializer<'de>) -> Result<Self, SettingsError> {
        serde_path_to_error::deserialize(source).map_err(|error| SettingsError::of_format(&error))
    }

    /// Opens the registry that [`registry`](field@Self::registry) names. Call it once, when the process starts: a file
    /// is read and checked as a whole meanwhile, and a Redis or PostgreSQL is asked what has ended.
    ///
    /// # Errors
    /// If the registry cannot be used, or is of a kind whose feature is not on.
    pub async fn registry(&self) -> Result<SettingsRegistry, SettingsError> {
        SettingsRegistry::open(self).await
    }

    /// The builder with these settings, for what only code can say: hooks, pages, conditions of rules. What is called on
    /// it applies over the settings, and its rules come after theirs.
    ///
    /// # Errors
    /// For the first value that cannot be used, with its key. What [`build`](CasConfigBuilder::build) says afterwards
    /// is about code alone, or about something that is missing: a key, or the
    /// [`peer_address`](CasConfigBuilder::peer_address) for a list of sources.
    pub fn builder(&self, registry: &SettingsRegistry) -> Result<CasConfigBuilder, SettingsError> {
        Ok(registry.used_by(steps::builder(self)?))
    }
}
