//! Which registry settings name.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer};

use super::values::SecretText;

/// The key of the setting.
pub(super) const KEY: &str = "registry";

/// Where ended sessions are remembered: `memory`, `file:PATH`, the URL of Redis: `redis://…`, `redis+sentinel://…` or
/// `redis+cluster://…`, or with `rediss` for TLS, or the URL of PostgreSQL: `postgres://…`.
///
/// `Debug` shows no password.
#[derive(Clone, Default)]
pub struct RegistrySetting(pub(super) Place);

/// Which registry, and where.
#[derive(Clone, Default)]
pub(super) enum Place {
    /// In this process, until it exits.
    #[default]
    Memory,
    /// In a file, for one process.
    File(PathBuf),
    /// At a Redis server, for many. The URL may hold a password.
    Redis(SecretText),
    /// At a PostgreSQL server, for many. The URL may hold a password.
    Postgres(SecretText),
    /// Read from settings, and wrong. An error of a format might repeat a password, so this is said later.
    Unknown(&'static str),
}

impl FromStr for RegistrySetting {
    /// What is wrong, without the text.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = |schemes: &[&str]| schemes.iter().any(|scheme| text.starts_with(scheme));
        let place = match text.strip_prefix("file:") {
            Some("") => return Err("the path of the file is missing"),
            Some(path) => Place::File(path.into()),
            None if text == "memory" => Place::Memory,
            None if begins(&["redis://", "rediss://", "redis+", "rediss+"]) => {
                Place::Redis(text.into())
            }
            None if begins(&["postgres://", "postgresql://"]) => Place::Postgres(text.into()),
            None => {
                return Err(
                    "it is neither memory nor file:PATH, nor a URL such as redis://… or postgres://…",
                );
            }
        };
        Ok(Self(place))
    }
}

impl<'de> Deserialize<'de> for RegistrySetting {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = SecretText::deserialize(source)?;
        let setting = text.expose_secret().map(str::parse);
        Ok(setting
            .unwrap_or(Err("it is not a text"))
            .unwrap_or_else(|reason| Self(Place::Unknown(reason))))
    }
}

impl fmt::Debug for RegistrySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory => f.write_str("memory"),
            Place::File(path) => write!(f, "file:{}", path.display()),
            Place::Redis(url) | Place::Postgres(url) => {
                let scheme = url.expose_secret().and_then(|url| url.split("://").next());
                write!(f, "{}://…", scheme.unwrap_or_default())
            }
            Place::Unknown(_) => f.write_str("…"),
        }
    }
}
