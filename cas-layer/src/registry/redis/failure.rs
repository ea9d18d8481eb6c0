//! What goes wrong between a node and Redis.

use std::{error::Error, fmt};

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::registry::{RegistryError, RegistryErrorKind};

/// The code of the error with which our scripts say that Redis has lost what it knew.
const LOST: &str = "LOST";

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Redis said no, or the connection broke.
    Redis(RedisError),
    /// No answer in time.
    Silent,
    /// No connection could be made.
    Unreachable(Box<dyn Error + Send + Sync>),
    /// Redis may have lost something.
    Lost,
    /// The two connections lead to two servers.
    TwoServers,
    /// It is older than what we use, or a replica.
    Unfit(&'static str, String),
    /// A call found its connection dead.
    GivenUp,
    /// The Sentinels name another master.
    Replaced,
}

impl Failure {
    /// Whether only a new connection can help. Otherwise Redis is there, but does not do this one thing.
    pub(super) fn breaks_connection(&self) -> bool {
        let Self::Redis(error) = self else {
            return true;
        };
        if is_read_only(error) {
            return true;
        }
        match error.kind() {
            ErrorKind::Server(kind) => matches!(
                kind,
                // Another server is the right one now, or this one is starting.
                ServerErrorKind::MasterDown
                    | ServerErrorKind::BusyLoading
                    // The keys are elsewhere in the cluster, or on their way.
                    | ServerErrorKind::Moved
                    | ServerErrorKind::Ask
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
            ),
            ErrorKind::Extension => matches!(error.code(), Some(LOST | "NOAUTH")),
            _ => true,
        }
    }

    pub(super) fn is_not_permitted(&self) -> bool {
        matches!(self, Self::Redis(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm))
    }

    pub(super) fn is_unknown_command(&self) -> bool {
        matches!(self, Self::Redis(error)
            if error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)
                && error.detail().is_some_and(|detail| detail.starts_with("unknown command")))
    }

    fn kind(&self) -> RegistryErrorKind {
        match self {
            Self::Redis(error) => match error.kind() {
                ErrorKind::AuthenticationFailed
                | ErrorKind::InvalidClientConfig
                | ErrorKind::Server(ServerErrorKind::NoPerm) => RegistryErrorKind::Unusable,
                _ if error.code() == Some("NOAUTH") => RegistryErrorKind::Unusable,
                _ => RegistryErrorKind::Unavailable,
            },
            Self::Unfit(..) => RegistryErrorKind::Unusable,
            _ => RegistryErrorKind::Unavailable,
        }
    }

    fn message(&self) -> &'static str {
        match self {
            Self::Redis(error) if is_read_only(error) => "Redis is a replica",
            Self::Redis(error) => match error.kind() {
                ErrorKind::AuthenticationFailed => "Redis refuses the user name or the password",
                ErrorKind::Server(ServerErrorKind::NoPerm) => {
                    "Redis does not let this user do what the registry needs"
                }
                ErrorKind::Server(ServerErrorKind::BusyLoading) => "Redis is loading its data",
                ErrorKind::Server(
                    ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::TryAgain,
                ) => "the keys are moving to another node of the Redis Cluster",
                ErrorKind::Server(ServerErrorKind::ClusterDown) => "the Redis Cluster is down",
                ErrorKind::Io => "the connection to Redis broke",
                ErrorKind::Extension if error.code() == Some(LOST) => {
                    "Redis has lost what it knew of sessions"
                }
                ErrorKind::Extension if error.code() == Some("NOAUTH") => {
                    "Redis asks for a password"
                }
                _ => "Redis refuses",
            },
            Self::Silent => "Redis does not answer in time",
            Self::Unreachable(_) => "Redis cannot be reached",
            Self::Lost => "Redis may have lost something of what it knew",
            Self::TwoServers => "two connections to Redis lead to two servers",
            Self::Unfit(message, _) => message,
            Self::GivenUp => "Redis stopped answering",
            Self::Replaced => "another Redis has become the master",
        }
    }
}

/// Before Redis 7, it is said inside the error of the script that ran into it.
fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        || error
            .detail()
            .is_some_and(|detail| detail.contains("READONLY"))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match self {
            Self::Redis(error) => write!(f, ": {error}"),
            Self::Unreachable(error) => write!(f, ": {error}"),
            Self::Unfit(_, found) => write!(f, ": {found}"),
            _ => Ok(()),
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<Failure> for RegistryError {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.kind(), failure.message());
        match failure {
            Failure::Redis(source) => error.with_source(source),
            Failure::Unreachable(source) => error.with_source(source),
            Failure::Unfit(_, found) => error.with_source(found),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: ErrorKind) -> Failure {
        RedisError::from((kind, "what Redis says")).into()
    }

    /// Each with what the operator reads, and whether a new connection may help.
    #[test]
    fn what_redis_refuses_has_words_of_its_own() {
        use ServerErrorKind::{
            Ask, BusyLoading, ClusterDown, MasterDown, Moved, NoPerm, ReadOnly, ResponseError,
            TryAgain,
        };
        let moving = "the keys are moving to another node of the Redis Cluster";
        for (kind, message, is_helped) in [
            (ReadOnly, "Redis is a replica", true),
            (MasterDown, "Redis refuses", true),
            (BusyLoading, "Redis is loading its data", true),
            (Moved, moving, true),
            (Ask, moving, true),
            (TryAgain, moving, true),
            (ClusterDown, "the Redis Cluster is down", true),
            (
                NoPerm,
                "Redis does not let this user do what the registry needs",
                false,
            ),
            (ResponseError, "Redis refuses", false),
        ] {
            let failure = failure(ErrorKind::Server(kind));
            assert_eq!(failure.message(), message);
            assert_eq!(failure.breaks_connection(), is_helped, "{message}");
            let is_right = failure.kind() == RegistryErrorKind::Unusable;
            assert_eq!(is_right, kind == NoPerm, "{message}");
        }
        let said = |line: &str| {
            let value = redis::parse_redis_value(line.as_bytes()).unwrap();
            Failure::from(value.extract_error().unwrap_err())
        };
        for (line, message, is_helped) in [
            // As Redis 6.2 says that it is a replica by now.
            (
                "-ERR Error running script (call to f_1): @user_script:9: -READONLY You can't write against a read only replica.\r\n",
                "Redis is a replica",
                true,
            ),
            (
                "-ERR Error running script (call to f_1): something else\r\n",
                "Redis refuses",
                false,
            ),
            (
                "-LOST what was known of sessions\r\n",
                "Redis has lost what it knew of sessions",
                true,
            ),
            (
                "-NOAUTH Authentication required.\r\n",
                "Redis asks for a password",
                true,
            ),
            ("-STRANGE as of a later version\r\n", "Redis refuses", false),
        ] {
            let failure = said(line);
            assert_eq!(failure.message(), message, "{line}");
            assert_eq!(failure.breaks_connection(), is_helped, "{line}");
        }
        let away = Failure::Unreachable("nobody is there".into());
        assert!(away.to_string().ends_with(": nobody is there"));
        let broken = failure(ErrorKind::Io);
        assert_eq!(broken.message(), "the connection to Redis broke");
        assert!(broken.breaks_connection());
        assert!(broken.to_string().contains("what Redis says"));
    }

    #[test]
    fn a_caller_and_the_operator_read_what_was_found() {
        let found = || {
            [
                (failure(ErrorKind::Io), "what Redis says"),
                (
                    Failure::Unreachable("nobody is there".into()),
                    "nobody is there",
                ),
                (Failure::Unfit("it is too old", "5.0".to_owned()), "5.0"),
            ]
        };
        for (failure, what) in found() {
            assert!(failure.to_string().contains(what), "{failure}");
        }
        for (failure, what) in found() {
            let error = RegistryError::from(failure);
            let source = error.source().expect("a source").to_string();
            assert!(source.contains(what), "{source}");
        }
    }
}
