//! A CAS server with a certificate of a private authority.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::logs::Events;
use super::server::{Server, ok, read_request};
use super::{ALICE, builder, failure_kind, validate};
use crate::{ConfigError, ProxyGrantingTicket, ServiceUrl, ValidationErrorKind};

/// A certificate authority of our own.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
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
    pub(super) async fn server(&self, name: &str) -> String {
        self.node(name).await.url
    }

    /// The same, with a count of its requests.
    pub(super) async fn node(&self, name: &str) -> Node {
        let (certificate, key) = self.sign(name);
        serve_node(&certificate, &key).await
    }

    pub(super) fn sign(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

pub(super) struct Node {
    pub(super) url: String,
    pub(super) requests: Arc<AtomicUsize>,
}

pub(super) async fn serve(certificate: &Certificate, key: &KeyPair) -> String {
    serve_node(certificate, key).await.url
}

pub(super) fn acceptor(certificate: &Certificate, key: &KeyPair) -> TlsAcceptor {
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
    TlsAcceptor::from(Arc::new(config))
}

async fn serve_node(certificate: &Certificate, key: &KeyPair) -> Node {
    let acceptor = acceptor(certificate, key);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/cas", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                read_request(&mut stream).await?;
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(&ok(ALICE)).await.ok()?;
                stream.shutdown().await.ok()
            });
        }
    });
    Node { url, requests }
}

/// A certificate that is its own authority's, as `openssl req -x509` makes it.
pub(super) struct SelfSigned {
    params: CertificateParams,
    pub(super) key: KeyPair,
}

impl SelfSigned {
    pub(super) fn for_names(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { params, key }
    }

    pub(super) fn certificate(&self) -> Certificate {
        self.params.self_signed(&self.key).unwrap()
    }

    async fn server(&self) -> String {
        serve(&self.certificate(), &self.key).await
    }
}

async fn outcome(url: &str, roots: &[String]) -> Option<ValidationErrorKind> {
    let mut builder = builder(url);
    for root in roots {
        builder = builder.add_root_certificate_pem(root.clone());
    }
    validate(&builder.build().unwrap())
        .await
        .err()
        .map(|error| error.kind())
}

/// `tests/run` runs this without features.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
#[tokio::test]
async fn without_a_provider_the_builder_says_so_and_it_takes_the_one_of_the_program() {
    let authority = Authority::new();
    let url = authority.server("127.0.0.1").await;
    let client = || builder(&url).add_root_certificate_pem(authority.pem.clone());
    let error = client().build().unwrap_err();
    assert!(matches!(error, ConfigError::NoTlsProvider), "{error}");
    aws_lc_rs::default_provider().install_default().unwrap();
    validate(&client().build().unwrap()).await.unwrap();
}

/// `tests/run` runs all tests of this file with this feature, so a handshake with it is seen to succeed.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[test]
fn ring_is_the_provider_if_its_feature_asks_for_it() {
    builder("https://cas.example.org/cas").build().unwrap();
    let provider = rustls::crypto::CryptoProvider::get_default().unwrap();
    let description = format!("{:?}", provider.key_provider);
    assert!(description.contains("Ring"), "{description}");
}

const UNREACHABLE: Option<ValidationErrorKind> = Some(ValidationErrorKind::Unreachable);

#[tokio::test]
async fn a_self_signed_certificate_of_the_server_is_trusted_when_it_is_given() {
    let own = SelfSigned::for_names(&["cas.example.org", "127.0.0.1"]);
    let certificate = own.certificate();
    let url = serve(&certificate, &own.key).await;
    assert_eq!(outcome(&url, &[certificate.pem()]).await, None);
    // Others beside it do no harm, and count as before.
    let authority = Authority::new();
    let roots = [authority.pem.clone(), certificate.pem()];
    assert_eq!(outcome(&url, &roots).await, None);
    let usual = authority.server("127.0.0.1").await;
    assert_eq!(outcome(&usual, &roots).await, None);
    assert_eq!(outcome(&url, &[]).await, UNREACHABLE);
    assert_eq!(
        outcome(&url, std::slice::from_ref(&authority.pem)).await,
        UNREACHABLE
    );
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_only_whole_for_its_name_and_in_its_time() {
    // The same key and names, but another certificate.
    let mut own = SelfSigned::for_names(&["127.0.0.1"]);
    let given = own.certificate().pem();
    own.params.serial_number = Some(7_u64.into());
    assert_eq!(
        outcome(&own.server().await, std::slice::from_ref(&given)).await,
        UNREACHABLE
    );
    // The same names, but another key.
    let other = SelfSigned::for_names(&["127.0.0.1"]);
    assert_eq!(outcome(&other.server().await, &[given]).await, UNREACHABLE);

    // For another name, and for another name beside one that is right.
    let elsewhere = SelfSigned::for_names(&["cas.example.org"]);
    let certificate = elsewhere.certificate();
    let url = serve(&certificate, &elsewhere.key).await;
    assert_eq!(outcome(&url, &[certificate.pem()]).await, UNREACHABLE);
    let ours = SelfSigned::for_names(&["127.0.0.1"]).certificate().pem();
    assert_eq!(outcome(&url, &[certificate.pem(), ours]).await, UNREACHABLE);

    for (from, to) in [(1990, 2000), (2990, 3000)] {
        let mut own = SelfSigned::for_names(&["127.0.0.1"]);
        own.params.not_before = date_time_ymd(from, 1, 1);
        own.params.not_after = date_time_ymd(to, 1, 1);
        let certificate = own.certificate();
        let url = serve(&certificate, &own.key).await;
        assert_eq!(
            outcome(&url, &[certificate.pem()]).await,
            UNREACHABLE,
            "{from}"
        );
        let client = builder(&url).add_root_certificate_pem(certificate.pem());
        let error = validate(&client.build().unwrap()).await.unwrap_err();
        assert!(!error.is_temporary(), "{error}");
    }

    // One that it has signed is not the one that was given, whatever its name is.
    let own = SelfSigned::for_names(&["127.0.0.1"]);
    let given = own.certificate().pem();
    let mut params = CertificateParams::new(vec!["cas.example.org".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(own.params.clone(), own.key);
    let signed = params.signed_by(&key, &issuer).unwrap();
    assert_eq!(
        outcome(&serve(&signed, &key).await, &[given]).await,
        UNREACHABLE
    );
}

/// Of a root the time is not checked, so this would be good for ever.
#[tokio::test]
async fn what_the_key_of_a_server_s_own_certificate_has_signed_is_not_trusted() {
    let own = SelfSigned::for_names(&["127.0.0.1"]);
    let given = own.certificate().pem();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let signed = params
        .signed_by(&key, &Issuer::new(own.params, own.key))
        .unwrap();
    let url = serve(&signed, &key).await;
    assert_eq!(outcome(&url, &[given]).await, UNREACHABLE);
}

#[tokio::test]
async fn settings_about_tls_count_unless_the_server_has_an_own_authority_s_certificate() {
    for (is_ca, counts) in [
        (IsCa::NoCa, true),
        (IsCa::ExplicitNoCa, true),
        (IsCa::Ca(BasicConstraints::Unconstrained), false),
    ] {
        let mut own = SelfSigned::for_names(&["127.0.0.1"]);
        own.params.is_ca = is_ca;
        let certificate = own.certificate();
        let url = serve(&certificate, &own.key).await;
        assert_eq!(outcome(&url, &[certificate.pem()]).await, None);

        // A setting that shows whether it counts, and that nobody should use.
        let untrusted = Authority::new().server("127.0.0.1").await;
        let events = Events::default();
        let listening = events.listen();
        let client = builder(&untrusted)
            .add_root_certificate_pem(certificate.pem())
            .http_client(|http| http.tls_danger_accept_invalid_certs(true))
            .build()
            .unwrap();
        drop(listening);
        assert_eq!(validate(&client).await.is_ok(), counts);
        let warned = events.text().contains("have no effect");
        assert_eq!(warned, !counts, "{}", events.text());
    }
}

#[test]
fn a_broken_root_is_reported_beside_a_good_one_too() {
    let own = SelfSigned::for_names(&["127.0.0.1"]).certificate().pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let error = builder("https://127.0.0.1:1/cas")
        .add_root_certificate_pem(own)
        .add_root_certificate_pem(broken)
        .build()
        .unwrap_err();
    assert!(
        matches!(error, ConfigError::InvalidCertificate { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_of_tls_says_what_is_wrong_with_the_certificate() {
    let authority = Authority::new();
    for (name, roots, says) in [
        ("127.0.0.1", &[][..], "UnknownIssuer"),
        (
            "cas.example.org",
            std::slice::from_ref(&authority.pem),
            "cas.example.org",
        ),
    ] {
        let url = authority.server(name).await;
        let mut builder = builder(&url);
        for root in roots {
            builder = builder.add_root_certificate_pem(root.clone());
        }
        let error = validate(&builder.build().unwrap()).await.unwrap_err();
        let mut causes = String::new();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            causes.push_str(&cause.to_string());
            source = cause.source();
        }
        assert!(causes.contains(says), "{causes}");
        // It does not become right by itself.
        assert_eq!(error.kind(), ValidationErrorKind::Unreachable);
        assert!(
            !error.is_temporary() && error.reference().is_some(),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains("certificate is not trusted: "), "{text}");
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
