//! What a registry answers, and what can go wrong with it.

use std::{borrow::Cow, error::Error, fmt, pin::Pin};

/// What a [`Registry`](super::Registry) answers, some time later.
pub type RegistryFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, RegistryError>> + Send + 'a>>;

/// Why a registry did not do what it was asked. The text is for the operator: visitors get a page without it.
#[derive(Debug)]
pub struct RegistryError {
    kind: RegistryErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`RegistryError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryErrorKind {
    /// The registry cannot be reached, or does not answer in time.
    Unavailable,
    /// There is no room for more.
    Full,
    /// What the registry stored is damaged.
    Damaged,
    /// Another process uses the registry's file.
    InUse,
    /// The configuration, or the server's version or settings, cannot be used.
    Unusable,
}

impl RegistryError {
    /// An error of this kind. `message` says in words what happened, without any secret.
    #[must_use]
    pub fn new(kind: RegistryErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong, for code that acts on it.
    #[must_use]
    pub fn kind(&self) -> RegistryErrorKind {
        self.kind
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for RegistryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
