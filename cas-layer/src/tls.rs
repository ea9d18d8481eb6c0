//! Whose cryptography TLS uses.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::ConfigError;

/// The provider that the program has installed for itself, otherwise that of this crate's features.
///
/// reqwest looks for the installed one too, and panics if it finds none and knows no other. So this is asked before a
/// client of it is built.
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, ConfigError> {
    let installed = CryptoProvider::get_default().cloned();
    installed
        .or_else(of_features)
        .ok_or(ConfigError::NoTlsProvider)
}

/// reqwest knows this one by itself.
#[cfg(feature = "aws-lc-rs")]
#[allow(
    clippy::unnecessary_wraps,
    reason = "with other features there may be none"
)]
fn of_features() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

/// reqwest does not know it, so it is installed, as rustls does by itself where it has one provider only.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn of_features() -> Option<Arc<CryptoProvider>> {
    // If somebody else was faster, theirs is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    CryptoProvider::get_default().cloned()
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn of_features() -> Option<Arc<CryptoProvider>> {
    None
}
