//! Reads the address of Redis and the credentials from its URL.

use std::fmt;

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

use crate::{
    registry::{RegistryError, RegistryErrorKind},
    strict_url::{self, UrlFault},
};

/// Where Redis is, and our user there.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) place: Place,
    pub(super) tls: bool,
    /// User name, password and database.
    pub(super) login: RedisConnectionInfo,
}

/// How the master is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is this server.
    Server(Server),
    /// These Sentinels know which server it is.
    Sentinels {
        servers: Vec<Server>,
        service: String,
    },
    /// It is the node of a cluster that has the keys. Any of these knows which one.
    Cluster(Vec<Server>),
}

/// The address of one server. An IPv6 address has no brackets here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The port of a server that a URL names without one.
const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl Address {
    /// Reads one of these, where `rediss` in place of `redis` means TLS:
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`
    /// - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/service[/database]`
    /// - `redis+cluster://[[user]:password@]host[:port][,host[:port]…]`
    pub(super) fn parse(url: &str) -> Result<Self, RegistryError> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(unusable(message(UrlFault::NotAbsolute)));
        };
        let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        match kind {
            "" => {
                let (server, tls, login) = parse_one(scheme, rest, PORT)?;
                let place = Place::Server(server);
                Ok(Self { place, tls, login })
            }
            "sentinel" => {
                let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                if !(1..=64).contains(&service.len()) || !service.bytes().all(plain) {
                    return Err(unusable(
                        "the URL of Redis Sentinel does not end with the name of a service, as in \
                         redis+sentinel://host1,host2/service",
                    ));
                }
                let (servers, tls, login) = parse_all(scheme, servers, database, SENTINEL_PORT)?;
                let service = service.to_owned();
                let place = Place::Sentinels { servers, service };
                Ok(Self { place, tls, login })
            }
            "cluster" => {
                let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
                if !path.is_empty() {
                    return Err(unusable("a Redis Cluster has no databases to choose from"));
                }
                let (servers, tls, login) = parse_all(scheme, servers, "", PORT)?;
                let place = Place::Cluster(servers);
                Ok(Self { place, tls, login })
            }
            _ => Err(unusable(message(UrlFault::Scheme))),
        }
    }

    /// The servers that the URL names.
    pub(super) fn servers(&self) -> &[Server] {
        match &self.place {
            Place::Server(server) => std::slice::from_ref(server),
            Place::Sentinels { servers, .. } | Place::Cluster(servers) => servers,
        }
    }
}

type One = (Server, bool, RedisConnectionInfo);

/// Reads what follows `://` of a URL with one server.
fn parse_one(scheme: &str, rest: &str, port: u16) -> Result<One, RegistryError> {
    let (mut url, _) = strict_url::parse(&format!("{scheme}://{rest}"), &["redis", "rediss"])
        .map_err(|fault| unusable(message(fault)))?;
    let tls = url.scheme() == "rediss";
    // Other clients turn certificates off there. Here it would be read as part of nothing.
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("the URL of Redis has a query or a fragment"));
    }
    let port = url.port().unwrap_or(port);
    // TLS is ours to do, so that it is the same as towards the CAS server.
    if url.set_scheme("redis").is_err() {
        return Err(unusable(message(UrlFault::NotAbsolute)));
    }
    let info = url.into_connection_info().map_err(|error| {
        // It names the part that is wrong, and repeats none.
        unusable("the URL of Redis cannot be used").with_source(error)
    })?;
    let ConnectionAddr::Tcp(host, _) = info.addr() else {
        return Err(unusable("the URL of Redis names no host"));
    };
    let host = host.clone();
    let login = info.redis_settings().clone().set_skip_set_lib_name();
    Ok((Server { host, port }, tls, login))
}

/// Reads several servers, with one user and password for all.
fn parse_all(
    scheme: &str,
    servers: &str,
    database: &str,
    port: u16,
) -> Result<(Vec<Server>, bool, RedisConnectionInfo), RegistryError> {
    let (user, servers) = match servers.rsplit_once('@') {
        Some((user, servers)) => (format!("{user}@"), servers),
        None => (String::new(), servers),
    };
    let mut all = Vec::new();
    let mut common = None;
    for server in servers.split(',') {
        let (server, tls, login) = parse_one(scheme, &format!("{user}{server}/{database}"), port)?;
        all.push(server);
        common = Some((tls, login));
    }
    let (tls, login) = common.ok_or_else(|| unusable("the URL of Redis names no host"))?;
    Ok((all, tls, login))
}

fn unusable(message: &'static str) -> RegistryError {
    RegistryError::new(RegistryErrorKind::Unusable, message)
}

/// What is wrong with a URL, without repeating any of it.
fn message(fault: UrlFault) -> &'static str {
    match fault {
        UrlFault::ForeignCharacter => {
            "the URL of Redis has a space, a control character, a backslash, or a character that is not ASCII: write it \
             percent-encoded"
        }
        UrlFault::NotAbsolute => "this is not a URL of Redis",
        UrlFault::Scheme => {
            "the URL of Redis does not begin with redis://, redis+sentinel:// or redis+cluster://, or with rediss for TLS"
        }
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
        let (kind, service) = match &self.place {
            Place::Server(_) => ("", String::new()),
            Place::Sentinels { service, .. } => ("+sentinel", format!("/{service}")),
            Place::Cluster(_) => ("+cluster", String::new()),
        };
        let tls = if self.tls { "s" } else { "" };
        let servers: Vec<_> = self.servers().iter().map(ToString::to_string).collect();
        let servers = servers.join(",");
        write!(
            f,
            "redis{tls}{kind}://{servers}{service}/{}",
            self.login.db()
        )
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
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
        assert_eq!(address.servers()[0].host, "::1");
        assert_eq!(format!("{address:?}"), "redis://[::1]:6379/0");
        assert_eq!(address.login.username(), None);
        assert!(!address.tls);
    }

    #[test]
    fn a_url_names_several_sentinels_or_nodes() {
        let address =
            Address::parse("rediss+sentinel://:p%40ss@one,two:7000,[::1]/main/2").unwrap();
        assert_eq!(
            format!("{address:?}"),
            "rediss+sentinel://one:26379,two:7000,[::1]:26379/main/2"
        );
        assert_eq!(address.login.password(), Some("p@ss"));
        assert!(address.tls);
        let address = Address::parse("redis+cluster://alice:secret@one,two:7000").unwrap();
        assert_eq!(
            format!("{address:?}"),
            "redis+cluster://one:6379,two:7000/0"
        );
        assert_eq!(address.login.username(), Some("alice"));
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
            "redis://:secret@one,two",
            "redis+sentinel://:secret@one,two",
            "redis+sentinel://:secret@one,two/",
            "redis+sentinel://:secret@one,,two/main",
            "redis+sentinel://:secret@one,:secret@two/main",
            "redis+sentinel://:secret@one/main/zero",
            "redis+sentinel://:secret@one/main?insecure",
            "redis+sentinel://:secret@one/ma%69n",
            "redis+cluster://:secret@one/2",
            "redis+cluster://:secret@",
            "redis+socket://:secret@one",
            "http+cluster://:secret@one",
            "",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{url}");
            let source = std::error::Error::source(&error).map(ToString::to_string);
            assert!(!format!("{error} {error:?} {source:?}").contains("secret"));
        }
    }
}
