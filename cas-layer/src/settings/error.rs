//! What can be wrong with settings.

use std::{error::Error, fmt, io, path::Path};

use crate::error::ConfigError;
#[cfg(any(feature = "file", feature = "postgres", feature = "redis"))]
use crate::registry::RegistryError;

/// A mistake in [`CasSettings`](super::CasSettings). Its text begins with the key, as in `session.lifetime: …`, and has
/// no secret in it.
#[derive(Debug)]
pub struct SettingsError {
    key: String,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SettingsError {
    /// The key of the value that is wrong: `session.lifetime`, `rules[0].access`. It is `.` for the settings as a whole.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn config(key: &str, error: ConfigError) -> Self {
        // Its source, if it has one, is of the library for HTTP.
        Self::new(key, error.to_string()).with_source(error)
    }

    #[cfg(any(feature = "file", feature = "postgres", feature = "redis"))]
    pub(super) fn registry(key: &str, error: RegistryError) -> Self {
        Self::new(key, error.to_string()).with_source(error)
    }

    pub(super) fn file(key: &str, path: &Path, error: io::Error) -> Self {
        Self::new(
            key,
            format!("cannot read the file {}: {error}", path.display()),
        )
        .with_source(error)
    }

    /// What the reader of a format says of a key.
    pub(super) fn of_format<E: fmt::Display>(error: &serde_path_to_error::Error<E>) -> Self {
        let key = error.path().to_string();
        let message = error.inner().to_string();
        // A crate may say the key too, and then where the value is from.
        let (message, origin) = message
            .split_once(&format!(" for key `{key}`"))
            .unwrap_or((&message, ""));
        let message = format!("{}{origin}", without_values(message));
        Self::new(key, message)
    }

    /// The cause of an error is that of what is repeated in its text.
    fn with_source(mut self, error: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(error));
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The error itself is in the text already.
        self.source.as_deref().and_then(Error::source)
    }
}

/// The message of serde without the value that it is about, which may be a secret in a wrong place.
fn without_values(message: &str) -> String {
    // A format may show the lines around the mistake first, with whatever they hold.
    let message = message.trim_end().lines().last().unwrap_or_default();
    let known = ["invalid type: ", "invalid value: "];
    let Some(begins) = known.iter().find(|begins| message.starts_with(**begins)) else {
        return message.to_owned();
    };
    let rest = message.strip_prefix(begins).unwrap_or_default();
    let what = rest.split(['`', '"', ',']).next().unwrap_or_default();
    let expected = rest.rsplit_once(", expected ").map_or("", |(_, rest)| rest);
    format!("{} where {expected} is expected", a(what.trim_end()))
}

fn a(what: &str) -> String {
    match what {
        "" => "a value".to_owned(),
        _ if what.starts_with(['a', 'e', 'i', 'o', 'u']) && what != "unit value" => {
            format!("an {what}")
        }
        _ => format!("a {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_value_in_it_wherever_it_stands() {
        for (message, said) in [
            (
                "invalid type: string \"a, expected secret\", expected a boolean",
                "a string where a boolean is expected",
            ),
            (
                "invalid type: integer `5`, expected a string",
                "an integer where a string is expected",
            ),
            (
                "invalid type: map, expected a string",
                "a map where a string is expected",
            ),
            (
                "TOML parse error at line 1, column 8\n  |\n1 | keys = \"secret\n  |\nunknown field `kyes`\n",
                "unknown field `kyes`",
            ),
            ("", ""),
        ] {
            assert_eq!(without_values(message), said);
        }
    }
}
