//! TLS to Redis, the same as to the CAS server: the system's root certificates and those given.
//!
//! The crate `redis` has TLS too. There, root certificates of one's own replace those of the system, which are read from
//! the disk for each connection; and it panics in a program that has two providers of cryptography.

use std::sync::Arc;

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, ConfigBuilder,
        client::WantsClientCert,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::{
    registry::{RegistryError, RegistryErrorKind},
    tls,
};

/// The certificate with which a client shows who it is, and its private key, both in PEM form.
#[derive(Clone)]
pub(super) struct ClientCertificate {
    pub(super) chain: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// What is wrong, and with what.
pub(super) type Fault = (&'static str, RegistryError);

/// A connector that trusts the system's roots and these.
pub(super) fn connector(
    roots: &[Vec<u8>],
    client: Option<&ClientCertificate>,
) -> Result<TlsConnector, Fault> {
    let mut extra = Vec::new();
    for pem in roots {
        let roots = certificates(
            pem,
            "a root certificate for Redis cannot be read",
            "a root certificate for Redis is not in PEM form",
        );
        extra.extend(roots.map_err(|error| ("root_certificates", error))?);
    }
    let config = config(extra).map_err(|error| ("url", error))?;
    let config = match client {
        None => config.with_no_client_auth(),
        Some(client) => {
            with_client(config, client).map_err(|error| ("client_certificate", error))?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn with_client(
    config: ConfigBuilder<ClientConfig, WantsClientCert>,
    client: &ClientCertificate,
) -> Result<ClientConfig, RegistryError> {
    let chain = certificates(
        &client.chain,
        "the client certificate for Redis cannot be read",
        "the client certificate for Redis is not in PEM form",
    )?;
    // Its error could quote the key.
    let key = PrivateKeyDer::from_pem_slice(&client.key).map_err(|_| {
        unusable("the key of the client certificate for Redis is no private key in PEM form")
    })?;
    config.with_client_auth_cert(chain, key).map_err(|error| {
        unusable("the client certificate for Redis and its key cannot be used").with_source(error)
    })
}

/// One certificate at least.
fn certificates(
    pem: &[u8],
    unreadable: &'static str,
    missing: &'static str,
) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| unusable(unreadable).with_source(error))?;
    if all.is_empty() {
        return Err(unusable(missing));
    }
    Ok(all)
}

fn config(
    extra: Vec<CertificateDer<'static>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, RegistryError> {
    let provider = tls::provider()
        .map_err(|error| unusable("TLS to Redis cannot be set up").with_source(error))?;
    let config = |error| unusable("TLS to Redis cannot be set up").with_source(error);
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(config)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(config)?
        // Its name for a verifier that is not rustls's own.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}

fn unusable(message: &'static str) -> RegistryError {
    RegistryError::new(RegistryErrorKind::Unusable, message)
}
