//! The settings as a whole.

use std::path::PathBuf;
#[cfg(any(feature = "postgres", feature = "redis"))]
use std::time::Duration;

use serde::Deserialize;

use super::{
    registry_setting::RegistrySetting,
    sections::{
        AuthRequestSettings, EndpointSettings, PostgresSettings, ProxySettings, RedisSettings,
        RuleSettings, ServerSettings, SessionSettings, SignInSettings, SignOutSettings,
    },
    values::{self, SecretText, UrlText},
};
use crate::protocol::Protocol;
#[cfg(doc)]
use crate::{config::CasConfigBuilder, settings::SettingsError};

/// What the people who run an app set: URLs, keys, lifetimes, paths. Feature `serde`.
///
/// [`read`](Self::read) takes the settings from any format that serde knows: a TOML file, the environment, or several of
/// them in layers, by a crate such as `config`. What is not set has the builder's default. The guide has a
/// page with [all keys](crate::guide::settings). The example `settings` reads a file and the environment.
///
/// ```
/// use cas_layer::{CasLayer, CasSettings};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // From a file, say. JSON is only the shortest here.
/// # let key = "q83v".repeat(22);
/// let text = format!(
///     r#"{{
///         "url": "https://cas.example.org/cas",
///         "app_url": "https://app.example.org",
///         "keys": ["{key}"],
///         "public": ["/", "/healthz"],
///         "session": {{ "lifetime": "10h", "idle_timeout": "30m" }}
///     }}"#
/// );
/// let settings = CasSettings::read(&mut serde_json::Deserializer::from_str(&text))?;
/// let registry = settings.registry().await?;
/// let config = settings
///     .builder(&registry)?
///     // What only code can say.
///     .on_sign_in(|user| println!("{} has signed in", user.name()))
///     .build()?;
/// let layer = CasLayer::new(config);
/// # Ok(())
/// # }
/// ```
///
/// The fields are public, so a program can change what it has read before it goes on, for an option of its command line.
///
/// # Security
/// `Debug` shows no key, no password in a URL and no value of a validation parameter. Neither does a [`SettingsError`].
/// An error of another crate may: the one of the `toml` crate shows the line with the mistake. So read with
/// [`read`](Self::read), not with `toml::from_str`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of settings")]
#[non_exhaustive]
pub struct CasSettings {
    /// The CAS server's base URL, as in [`CasConfig::builder`](crate::CasConfig::builder).
    pub url: Option<UrlText>,
    /// The app's public base URL.
    pub app_url: Option<UrlText>,
    /// [`CasConfigBuilder::host`]: further public base URLs of the app.
    #[serde(deserialize_with = "values::list")]
    pub hosts: Vec<UrlText>,
    /// Keys in base64. The first seals, and all open.
    #[serde(deserialize_with = "values::secrets")]
    pub keys: Vec<SecretText>,
    /// A file with keys in place of `keys`, one in base64 a line. Blank lines do not count.
    pub key_file: Option<PathBuf>,
    /// [`CasClientBuilder::protocol`](crate::CasClientBuilder::protocol).
    pub protocol: Option<Protocol>,
    /// Where ended sessions are remembered.
    pub registry: RegistrySetting,
    /// [`CasConfigBuilder::public`]: these paths.
    #[serde(deserialize_with = "values::list")]
    pub public: Vec<String>,
    /// [`CasConfigBuilder::public_prefix`]: these paths and everything below.
    #[serde(deserialize_with = "values::list")]
    pub public_prefixes: Vec<String>,
    /// [`CasConfigBuilder::rule`]. These come before `public` and `public_prefixes`.
    pub rules: Vec<RuleSettings>,
    /// [`CasConfigBuilder::allow_insecure_http`].
    pub allow_insecure_http: bool,
    /// [`CasConfigBuilder::session`].
    pub session: SessionSettings,
    /// [`CasConfigBuilder::sign_in`].
    pub sign_in: SignInSettings,
    /// [`CasConfigBuilder::sign_out`].
    pub sign_out: SignOutSettings,
    /// [`CasConfigBuilder::endpoints`].
    pub endpoints: EndpointSettings,
    /// [`CasConfigBuilder::auth_request`].
    pub auth_request: AuthRequestSettings,
    /// [`CasConfigBuilder::proxy`].
    pub proxy: ProxySettings,
    /// [`CasConfigBuilder::client`].
    pub server: ServerSettings,
    /// The registry in Redis. The feature `redis` has to be on for it.
    pub redis: RedisSettings,
    /// The registry in PostgreSQL. The feature `postgres` has to be on for it.
    pub postgres: PostgresSettings,
}

/// How long a session lasts that has no lifetime set: a registry expects no less by itself.
#[cfg(any(feature = "postgres", feature = "redis"))]
const DEFAULT_LIFETIME: Duration = Duration::from_secs(8 * 3600);

#[cfg(any(feature = "postgres", feature = "redis"))]
impl CasSettings {
    /// The longest lifetime of a session of this app, if that is more than a registry expects by itself.
    pub(super) fn longest_lifetime(&self) -> Option<Duration> {
        let SessionSettings {
            lifetime,
            remember_me_lifetime,
            ..
        } = &self.session;
        let longest = (*lifetime).max(*remember_me_lifetime);
        longest.filter(|longest| *longest > DEFAULT_LIFETIME)
    }
}
