//! TLS to Redis, the same as to the CAS server: the system's root certificates and those given.

use std::sync::Arc;

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};

use crate::registry::{RegistryError, RegistryErrorKind};

/// A connector that trusts the system's roots and these.
pub(super) fn connector(roots: &[Vec<u8>]) -> Result<TlsConnector, RegistryError> {
    let mut extra = Vec::new();
    for pem in roots {
        let before = extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            extra.push(certificate.map_err(|error| {
                unusable("a root certificate for Redis cannot be read").with_source(error)
            })?);
        }
        if extra.len() == before {
            return Err(unusable("a root certificate for Redis is not in PEM form"));
        }
    }
    // Named, as an app may have linked a second one: rustls would then have none by default.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = |error| unusable("TLS to Redis cannot be set up").with_source(error);
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(config)?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(config)?
        // Its name for a verifier that is not rustls's own.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(client)))
}

fn unusable(message: &'static str) -> RegistryError {
    RegistryError::new(RegistryErrorKind::Unusable, message)
}
