//! Reads the address of Redis and the credentials from its URL.

use std::fmt;

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

use crate::{
    registry::{RegistryError, RegistryErrorKind},
    strict_url::{self, UrlFault},
};

/// A Redis server, and our user there.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// User name, password and database.
    pub(super) login: RedisConnectionInfo,
}

impl Address {
    /// Reads `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS.
    pub(super) fn parse(url: &str) -> Result<Self, RegistryError> {
        let unusable = |message| RegistryError::new(RegistryErrorKind::Unusable, message);
        let (mut url, _) = strict_url::parse(url, &["redis", "rediss"])
            .map_err(|fault| unusable(message(fault)))?;
        let tls = url.scheme() == "rediss";
        // Other clients turn certificates off there. Here it would be read as part of nothing.
        if url.query().is_some() || url.fragment().is_some() {
            return Err(unusable("the URL of Redis has a query or a fragment"));
        }
        // TLS is ours to do, so that it is the same as towards the CAS server.
        if url.set_scheme("redis").is_err() {
            return Err(unusable("this is not a URL of Redis"));
        }
        let info = url.into_connection_info().map_err(|error| {
            // It names the part that is wrong, and repeats none.
            unusable("the URL of Redis cannot be used").with_source(error)
        })?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(unusable("the URL of Redis names no host"));
        };
        Ok(Self {
            host: host.clone(),
            port: *port,
            tls,
            login: info.redis_settings().clone().set_skip_set_lib_name(),
        })
    }
}

/// What is wrong with a URL, without repeating any of it.
fn message(fault: UrlFault) -> &'static str {
    match fault {
        UrlFault::ForeignCharacter => {
            "the URL of Redis has a space, a control character, a backslash, or a character that is not ASCII: write it \
             percent-encoded"
        }
        UrlFault::NotAbsolute => "this is not a URL of Redis",
        UrlFault::Scheme => "the URL of Redis does not begin with redis:// or rediss://",
        UrlFault::UserInfo => {
            "the URL of Redis has more than one `@`: in a password it is written `%40`"
        }
        UrlFault::Host => "the URL of Redis has no host, or not all programs read its host alike",
        UrlFault::Port => "the port in the URL of Redis is not a number up to 65535",
    }
}

/// User name and password are left out.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "rediss" } else { "redis" };
        write!(
            f,
            "{scheme}://{}:{}/{}",
            self.host,
            self.port,
            self.login.db()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_who() {
        let address = Address::parse("rediss://alice:p%40ss@redis.example:7000/2").unwrap();
        assert_eq!(format!("{address:?}"), "rediss://redis.example:7000/2");
        assert_eq!(address.login.username(), Some("alice"));
        assert_eq!(address.login.password(), Some("p@ss"));
        let address = Address::parse("redis://:secret@[::1]").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 6379));
        assert_eq!(address.login.username(), None);
        assert!(!address.tls);
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_refused_without_its_password() {
        for url in [
            "redis.example:6379",
            "http://:secret@redis.example",
            "rediss://:secret@redis.example/#insecure",
            "redis://:secret@redis.example/?protocol=resp3",
            "redis://:secret@redis.example/zero",
            "redis://:secret@0.0.0.0/",
            "unix:///run/secret.sock",
            "redis://:secret@/",
            "redis://:secret@1",
            "redis://alice:sec@secret@redis.example",
            "redis://alice:sec/secret@redis.example",
            "redis://alice:secret\n@redis.example",
            "redis://alice:secret%40redis.example",
            "",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{url}");
            let source = std::error::Error::source(&error).map(ToString::to_string);
            assert!(!format!("{error} {error:?} {source:?}").contains("secret"));
        }
    }
}
