//! Services on https.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use super::super::{CasServerBuilder, LogoutReport};
use super::{CasServer, Receiver, StatusCode};

/// Somebody who signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(super) pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// Listens on a free port with a certificate for `localhost`.
    pub(super) async fn listener(&self) -> Https {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &self.issuer)
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
        Https {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

/// Accepts who trusts its certificate.
pub(super) struct Https {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Https {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, addr) = axum::serve::Listener::accept(&mut self.listener).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, addr);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[tokio::test]
async fn a_service_on_https_is_told_when_its_authority_is_trusted() {
    let [ca, other] = [Authority::new(), Authority::new()];
    let service = Receiver::https(&ca, |_| std::future::ready(StatusCode::OK)).await;
    let (ca, other) = (ca.pem, other.pem);
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
        let _ = cas.issue_ticket("casuser", &service.at("/login"));
        let report = LogoutReport { sent: 1, accepted };
        assert_eq!(cas.log_out("casuser").await, report);
    }
}

#[tokio::test]
async fn certificates_can_be_left_unchecked() {
    let ca = Authority::new();
    let service = Receiver::https(&ca, |_| std::future::ready(StatusCode::OK)).await;
    let builder = CasServer::builder().accept_any_certificate(true);
    let cas = builder.start().await.unwrap();
    // Not the name in the certificate either.
    let service = service.at("/").replace("localhost", "127.0.0.1");
    let _ = cas.issue_ticket("casuser", &service);
    let report = LogoutReport {
        sent: 1,
        accepted: 1,
    };
    assert_eq!(cas.log_out("casuser").await, report);
}

#[tokio::test]
async fn root_certificates_that_are_none_are_refused_at_the_start() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no PEM", broken] {
        let error = CasServer::builder().ca(pem).start().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{pem}: {error}");
    }
}
