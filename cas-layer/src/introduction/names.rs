//! The names that nobody but us may use.

use http::HeaderName;

use crate::error::ConfigError;

/// Headers that frame a message, choose where it goes, open a WebSocket, or carry credentials. Setting one would break
/// requests, and removing one would too.
const NOT_OURS: [&str; 30] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "origin",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Longest name or prefix, in bytes.
const MAX_LEN: usize = 128;

/// A name as servers see it that make variables of headers (RFC 3875, section 4.1.18), and more
/// careless ones: letters in lower case, all that is neither letter nor digit as `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folded(Vec<u8>);

fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'_'
    }
}

impl Folded {
    fn new(name: &str) -> Self {
        Self(name.bytes().map(fold).collect())
    }

    fn is(&self, name: &[u8]) -> bool {
        name.len() == self.0.len() && self.begins(name)
    }

    fn begins(&self, name: &[u8]) -> bool {
        name.len() >= self.0.len()
            && name
                .iter()
                .zip(&self.0)
                .all(|(&byte, &own)| fold(byte) == own)
    }
}

/// Names and beginnings of names that are ours alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reserved {
    names: Vec<Folded>,
    prefixes: Vec<Folded>,
}

impl Reserved {
    /// Whether the header `name` is ours, in any spelling.
    pub(crate) fn covers(&self, name: &[u8]) -> bool {
        self.names.iter().any(|own| own.is(name))
            || self.prefixes.iter().any(|own| own.begins(name))
    }

    /// Reserves `name`.
    pub(crate) fn add_name(&mut self, name: &str) -> Result<HeaderName, ConfigError> {
        let invalid = |reason| Err(invalid(name, reason));
        let header = check(name)?;
        let folded = Folded::new(name);
        if NOT_OURS.iter().any(|taken| folded.is(taken.as_bytes())) {
            return invalid("means something else in HTTP");
        }
        if self.names.contains(&folded) {
            return invalid("is given twice; case and punctuation make no difference");
        }
        self.names.push(folded);
        Ok(header)
    }

    /// Reserves all names that begin with `prefix`.
    pub(crate) fn add_prefix(&mut self, prefix: &str) -> Result<(), ConfigError> {
        check(prefix)?;
        let folded = Folded::new(prefix);
        if NOT_OURS.iter().any(|taken| folded.begins(taken.as_bytes())) {
            return Err(invalid(
                prefix,
                "begins a name that means something else in HTTP",
            ));
        }
        self.prefixes.push(folded);
        Ok(())
    }
}

fn check(name: &str) -> Result<HeaderName, ConfigError> {
    if name.len() > MAX_LEN {
        return Err(invalid(name, "is longer than 128 bytes"));
    }
    // Empty names are refused here too.
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(name, "is not the name of a header"))
}

fn invalid(name: &str, reason: &'static str) -> ConfigError {
    ConfigError::InvalidHeaderName {
        name: name.to_owned(),
        reason,
    }
}
