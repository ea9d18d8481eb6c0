//! Logout requests to a service on https.

use std::io::ErrorKind;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::super::{CasServerBuilder, LogoutReport};
use super::CasServer;

/// A service that accepts every request, and the certificate of the authority behind it.
async fn service() -> (String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                // The end of the form that is posted.
                let mut read = Vec::new();
                while !read.ends_with(b"LogoutRequest%3E") {
                    read.push(stream.read_u8().await.ok()?);
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(answer).await.ok()?;
                stream.shutdown().await.ok()
            });
        }
    });
    (format!("https://localhost:{port}/login"), ca)
}

#[tokio::test]
async fn a_service_on_https_is_told_when_its_authority_is_trusted() {
    let (service, ca) = service().await;
    let (_, other) = self::service().await;
    for (trusted, accepted) in [
        (&[][..], 0),
        (&[&other], 0),
        (&[&ca], 1),
        (&[&other, &ca], 1),
    ] {
        let builder = trusted
            .iter()
            .fold(CasServer::builder(), CasServerBuilder::ca);
        let cas = builder.start().await.unwrap();
        let _ = cas.issue_ticket("casuser", &service);
        let report = LogoutReport { sent: 1, accepted };
        assert_eq!(cas.log_out("casuser").await, report);
    }
}

#[tokio::test]
async fn root_certificates_that_are_none_are_refused_at_the_start() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no PEM", broken] {
        let error = CasServer::builder().ca(pem).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{pem}: {error}");
    }
}
