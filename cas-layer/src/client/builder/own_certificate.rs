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
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

/// TLS for the server at `host`, if one of these roots (in PEM form) is its own certificate. `None` if not: the HTTP
/// library's own TLS is for all others.
pub(super) fn tls(host: &str, roots: &[Vec<u8>]) -> Result<Option<ClientConfig>, Error> {
    // An IPv6 address has brackets in a URL.
    let name = ServerName::try_from(host.trim_matches(['[', ']']));
    let Ok(name) = name else { return Ok(None) };
    let roots: Vec<CertificateDer<'static>> = roots
        .iter()
        .flat_map(|pem| CertificateDer::pem_slice_iter(pem))
        .filter_map(Result::ok)
        .collect();
    let is_own = |root: &&CertificateDer<'_>| is_for(root, &name).is_ok();
    let own: Vec<_> = roots.iter().filter(is_own).cloned().collect();
    if own.is_empty() {
        return Ok(None);
    }
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let verifier = OrOwn {
        usual: Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?,
        own,
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
    usual: Verifier,
    own: Vec<CertificateDer<'static>>,
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
        let usual = self.usual.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match usual {
            Err(error) if is_of_authority(&error) && self.own.contains(end_entity) => {
                is_for(end_entity, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    // That the server has the key of the certificate is checked as always.

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether a certificate was refused for nothing but being an authority's. webpki looks at the time before that, so
/// the certificate is valid now; a test holds it to this.
fn is_of_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else {
        return false;
    };
    matches!(
        other.0.downcast_ref(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

fn is_for(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
}
