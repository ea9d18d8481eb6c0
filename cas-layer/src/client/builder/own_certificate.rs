//! A server whose certificate is its own root.
//!
//! `openssl req -x509` and many appliances make such a certificate: self-signed, marked as an authority's, and used by
//! the server itself. OpenSSL takes it once it is trusted. rustls takes no authority's certificate for a server's,
//! although nothing could be more trusted than the very certificate that somebody has configured.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;
use webpki::{EndEntityCert, KeyUsage};

/// TLS for the server at these hosts, if one of these roots (in PEM form) is the own certificate of one. `None` if not: the
/// HTTP library's own TLS is for all others.
pub(super) fn tls<'h>(
    hosts: impl Iterator<Item = &'h str>,
    roots: &[Vec<u8>],
    provider: Arc<CryptoProvider>,
) -> Result<Option<ClientConfig>, Error> {
    // An IPv6 address has brackets in a URL.
    let names = hosts.map(|host| ServerName::try_from(host.trim_matches(['[', ']'])));
    let names: Vec<ServerName<'_>> = names.filter_map(Result::ok).collect();
    let is_own = |root: &CertificateDer<'_>| {
        let is_for_one = names.iter().any(|name| is_for(root, name).is_ok());
        is_for_one && is_of_authority(root, &provider)
    };
    let roots = roots
        .iter()
        .flat_map(|pem| CertificateDer::pem_slice_iter(pem))
        .filter_map(Result::ok);
    let (own, others): (Vec<CertificateDer<'static>>, Vec<_>) = roots.partition(is_own);
    if own.is_empty() {
        return Ok(None);
    }
    let has_others = !others.is_empty();
    // An own one is no root here: of a root the time is not checked, so what it has signed would be good for ever.
    let usual = match Verifier::new_with_extra_roots(others, Arc::clone(&provider)) {
        Ok(usual) => Some(usual),
        Err(error) if has_others => return Err(error),
        // The system has no roots, and needs none for this server.
        Err(_) => None,
    };
    let verifier = OrOwn {
        usual,
        own,
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // Its name for a verifier that is not rustls's own.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(config))
}

/// The usual checks, or a certificate that is byte for byte one of these.
#[derive(Debug)]
struct OrOwn {
    usual: Option<Verifier>,
    own: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OrOwn {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.contains(end_entity) {
            check_own(end_entity, &self.provider, now)?;
            is_for(end_entity, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let Some(usual) = &self.usual else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    // That the server has the key of the certificate is checked as always.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Whether webpki refuses a certificate as a server's because it is marked as an authority's, at whatever time.
fn is_of_authority(certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> bool {
    let fault = match fault_at(certificate, provider, UnixTime::now()) {
        Some(webpki::Error::CertExpired { not_after, .. }) => {
            fault_at(certificate, provider, not_after)
        }
        Some(webpki::Error::CertNotValidYet { not_before, .. }) => {
            fault_at(certificate, provider, not_before)
        }
        fault => fault,
    };
    matches!(fault, Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether one that is an authority's is valid now. webpki looks at the time before it looks at the mark; a test holds
/// it to this. What the key may be used for (`extendedKeyUsage`) it would look at afterwards, so nobody does.
fn check_own(
    certificate: &CertificateDer<'_>,
    provider: &CryptoProvider,
    now: UnixTime,
) -> Result<(), Error> {
    Err(match fault_at(certificate, provider, now) {
        Some(webpki::Error::CaUsedAsEndEntity) => return Ok(()),
        Some(webpki::Error::CertExpired { time, not_after }) => {
            CertificateError::ExpiredContext { time, not_after }
        }
        Some(webpki::Error::CertNotValidYet { time, not_before }) => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        _ => CertificateError::BadEncoding,
    }
    .into())
}

/// What is wrong with a certificate as a server's, if no root is trusted.
fn fault_at(
    certificate: &CertificateDer<'_>,
    provider: &CryptoProvider,
    time: UnixTime,
) -> Option<webpki::Error> {
    let certificate = match EndEntityCert::try_from(certificate) {
        Ok(certificate) => certificate,
        Err(error) => return Some(error),
    };
    let algorithms = provider.signature_verification_algorithms.all;
    let usage = KeyUsage::server_auth();
    let path = certificate.verify_for_usage(algorithms, &[], &[], time, usage, None, None);
    path.err()
}

fn is_for(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
}
