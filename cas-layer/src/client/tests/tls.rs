//! A CAS server with a certificate of a private authority.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, IsCa, Issuer, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::server::{Server, ok, read_request};
use super::{ALICE, builder, failure_kind, validate};
use crate::{ProxyGrantingTicket, ServiceUrl, ValidationErrorKind};

/// A certificate authority of our own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "an authority of the tests");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A server that answers that it is Alice, at the URL returned, with a certificate for `name`.
    async fn server(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
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
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/cas", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(stream).await.ok()?;
                    read_request(&mut stream).await?;
                    stream.write_all(&ok(ALICE)).await.ok()?;
                    stream.shutdown().await.ok()
                });
            }
        });
        url
    }
}

#[tokio::test]
async fn a_private_root_is_trusted_only_when_given() {
    let authority = Authority::new();
    let url = authority.server("127.0.0.1").await;

    let client = builder(&url).build().unwrap();
    assert_eq!(
        failure_kind(&client).await,
        ValidationErrorKind::Unreachable
    );

    let client = builder(&url)
        .add_root_certificate_pem(authority.pem.clone())
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");

    let other = Authority::new();
    let client = builder(&url)
        .add_root_certificate_pem(other.pem.clone())
        .build()
        .unwrap();
    assert_eq!(
        failure_kind(&client).await,
        ValidationErrorKind::Unreachable
    );
}

#[tokio::test]
async fn roots_may_come_in_one_bundle_or_one_by_one() {
    let authority = Authority::new();
    let other = Authority::new();
    let url = authority.server("127.0.0.1").await;
    let bundle = format!("{}\n{}", other.pem, authority.pem);
    for builder in [
        builder(&url).add_root_certificate_pem(bundle),
        builder(&url)
            .add_root_certificate_pem(authority.pem.clone())
            .add_root_certificate_pem(other.pem.clone()),
    ] {
        assert_eq!(
            validate(&builder.build().unwrap()).await.unwrap().user(),
            "alice"
        );
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    let url = authority.server("cas.example.org").await;
    let client = builder(&url)
        .add_root_certificate_pem(authority.pem.clone())
        .build()
        .unwrap();
    assert_eq!(
        failure_kind(&client).await,
        ValidationErrorKind::Unreachable
    );
}

#[tokio::test]
async fn tickets_are_validated_at_the_internal_url_by_its_own_certificate() {
    let authority = Authority::new();
    let url = authority.server("127.0.0.1").await;
    // Browsers reach it; this program does not.
    let public = "https://cas.invalid/cas";
    let internal = || builder(public).internal_url(&url);
    let client = internal()
        .add_root_certificate_pem(authority.pem.clone())
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    assert!(
        client
            .login_url(&service)
            .starts_with("https://cas.invalid/cas/login?")
    );
    assert!(
        client
            .logout_url(None)
            .starts_with("https://cas.invalid/cas/logout")
    );
    assert_eq!(client.url(), public);

    let untrusted = internal().build().unwrap();
    assert_eq!(
        failure_kind(&untrusted).await,
        ValidationErrorKind::Unreachable
    );
}

#[tokio::test]
async fn proxy_tickets_come_from_the_internal_url() {
    let answer = "<serviceResponse><proxySuccess><proxyTicket>PT-1</proxyTicket></proxySuccess></serviceResponse>";
    let server = Server::with_body(answer).await;
    let client = builder("https://cas.invalid/cas")
        .internal_url(format!("{}/", server.url))
        .build()
        .unwrap();
    let ticket = ProxyGrantingTicket::parse("PGT-1").unwrap();
    let target = ServiceUrl::parse("https://mail.example.org/").unwrap();
    client.proxy_ticket(&ticket, &target).await.unwrap();
    assert!(server.requests()[0].starts_with("GET /cas/proxy?pgt=PGT-1&"));
}

#[test]
fn an_internal_url_is_as_strict_as_the_public_one() {
    for url in [
        "http://cas.internal/cas",
        "cas.internal",
        "https://cas.internal/cas?x",
        "https://cas.internal/cas/login",
        "https://a:b@cas.internal/cas",
    ] {
        let built = builder("https://cas.example.org/cas")
            .internal_url(url)
            .build();
        let error = built.unwrap_err().to_string();
        assert!(
            error.starts_with("internal URL of the CAS server"),
            "{error}"
        );
    }
    let allowed = builder("https://cas.example.org/cas")
        .internal_url("http://cas.internal/cas")
        .allow_insecure_http(true);
    assert!(allowed.build().is_ok());
}
