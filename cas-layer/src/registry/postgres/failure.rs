//! What can go wrong with PostgreSQL, as errors of the registry.

use std::borrow::Cow;

use sqlx::Error;

use crate::registry::{RegistryError, RegistryErrorKind};

/// PostgreSQL did not answer in time.
#[derive(Debug)]
pub(super) enum Failure {
    Silent,
    Failed(Error),
    /// It answered something that no registry has written.
    Unexpected,
}

impl Failure {
    /// Whether a connection on which this happened may be used again.
    pub(super) fn leaves_connection(&self) -> bool {
        matches!(self, Self::Failed(Error::Database(_)) | Self::Unexpected)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// For the log: without what was sent.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => f.write_str("PostgreSQL did not answer in time"),
            Self::Failed(error) => error.fmt(f),
            Self::Unexpected => {
                f.write_str("PostgreSQL answered something that no registry has written")
            }
        }
    }
}

impl From<Failure> for RegistryError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Silent | Failure::Unexpected => {
                Self::new(RegistryErrorKind::Unavailable, failure.to_string())
            }
            Failure::Failed(error) => of_call(error),
        }
    }
}

fn of_call(error: Error) -> RegistryError {
    let (kind, message) = match code(&error).as_deref() {
        Some("53100") => (RegistryErrorKind::Full, "the disk of PostgreSQL is full"),
        // A prepared statement that is not there, or is there already.
        Some("26000" | "42P05") => (RegistryErrorKind::Unusable, POOLER),
        Some("42501") => (
            RegistryErrorKind::Unavailable,
            "PostgreSQL does not permit this to the registry's role",
        ),
        Some("25006") => (
            RegistryErrorKind::Unavailable,
            "PostgreSQL is read-only: it is a replica, perhaps",
        ),
        _ => (
            RegistryErrorKind::Unavailable,
            "PostgreSQL did not do what it was asked",
        ),
    };
    RegistryError::new(kind, message).with_source(error)
}

/// An error of looking at the schema, or setting it up.
pub(super) fn of_schema(schema: &str, error: Error) -> RegistryError {
    match code(&error).as_deref() {
        Some("42501") => unusable(format!(
            "PostgreSQL does not permit the registry's role to use or set up the schema {schema}"
        )),
        Some("26000" | "42P05") => unusable(POOLER),
        Some(code) if code.starts_with("28") => {
            unusable("PostgreSQL refuses the user name or password")
        }
        _ => RegistryError::new(
            RegistryErrorKind::Unavailable,
            format!("PostgreSQL cannot be asked for the schema {schema}"),
        ),
    }
    .with_source(error)
}

pub(super) fn unusable(message: impl Into<Cow<'static, str>>) -> RegistryError {
    RegistryError::new(RegistryErrorKind::Unusable, message)
}

pub(super) fn away() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Unavailable,
        "there is no connection to PostgreSQL at the moment",
    )
}

/// What a pooler does that gives each statement another session.
pub(super) const POOLER: &str = "PostgreSQL keeps no session: between it and the registry is a pooler in transaction mode, perhaps, such as \
     PgBouncer with `pool_mode = transaction`. The registry needs session mode, or no pooler";

fn code(error: &Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// What PostgreSQL says with this code.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn codes_of_postgres_have_words() {
        use RegistryErrorKind::{Full, Unavailable, Unusable};
        for (code, of_call_kind, of_call_says, of_schema_kind, of_schema_says) in [
            ("53100", Full, "disk", Unavailable, "cannot be asked"),
            ("26000", Unusable, "pooler", Unusable, "pooler"),
            ("42P05", Unusable, "pooler", Unusable, "pooler"),
            (
                "42501",
                Unavailable,
                "does not permit",
                Unusable,
                "does not permit",
            ),
            (
                "25006",
                Unavailable,
                "read-only",
                Unavailable,
                "cannot be asked",
            ),
            ("28P01", Unavailable, "did not do", Unusable, "password"),
            (
                "40001",
                Unavailable,
                "did not do",
                Unavailable,
                "cannot be asked",
            ),
        ] {
            let said = || Error::Database(Box::new(Said(code)));
            let error = RegistryError::from(Failure::from(said()));
            assert_eq!(error.kind(), of_call_kind, "{code}");
            assert!(error.to_string().contains(of_call_says), "{code}: {error}");
            let error = of_schema("app", said());
            assert_eq!(error.kind(), of_schema_kind, "{code}");
            assert!(
                error.to_string().contains(of_schema_says),
                "{code}: {error}"
            );
            assert!(Failure::from(said()).leaves_connection());
        }
        for failure in [Failure::Silent, Failure::Unexpected] {
            let is_there = matches!(failure, Failure::Unexpected);
            assert_eq!(failure.leaves_connection(), is_there);
            let error = RegistryError::from(failure);
            assert_eq!(error.kind(), Unavailable);
            assert!(error.to_string().contains("PostgreSQL"), "{error}");
        }
        assert!(!Failure::from(Error::PoolClosed).leaves_connection());
    }
}
