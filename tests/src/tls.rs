//! A test's own certificate authority, and https in front of a server on plain http.

use std::{
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

/// Somebody who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    key: String,
}

/// Https for one server, on a port of its own. Gone when it is dropped.
#[derive(Debug)]
pub struct HttpsFront {
    url: String,
    target: Arc<OnceLock<String>>,
    server: JoinHandle<()>,
}

impl Authority {
    /// A new one, which nobody trusts yet.
    #[must_use]
    #[allow(
        clippy::new_without_default,
        reason = "an authority is someone, not a default"
    )]
    pub fn new() -> Self {
        Self::with_key(KeyPair::generate().expect("a key"))
    }

    /// The one with the key that [`Authority::key`] gave.
    #[must_use]
    pub fn of_key(pem: &str) -> Self {
        Self::with_key(KeyPair::from_pem(pem).expect("a key"))
    }

    fn with_key(key: KeyPair) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // Not the name that certificates have by default: one with the name of its issuer passes for self-signed.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let private = key.serialize_pem();
        let issuer = Issuer::new(params, key);
        Self {
            issuer,
            pem,
            key: private,
        }
    }

    /// Its private key, in PEM form, for another program that is to be the same authority.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Writes its own certificate, in PEM form, to where somebody reads whom to trust.
    pub fn publish(&self, path: &Path) {
        fs::write(path, &self.pem).expect("a file that can be written");
    }

    /// Its own certificate, in PEM form.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes a certificate for `127.0.0.1` and its key, in PEM form, to where a server reads them.
    pub fn certify(&self, certificate: &Path, key: &Path) {
        let (signed, private) = self.sign();
        fs::write(certificate, signed.pem()).expect("a file that can be written");
        fs::write(key, private.serialize_pem()).expect("a file that can be written");
    }

    /// Listens on a free port of `127.0.0.1`, with a certificate for that.
    pub async fn front(&self) -> HttpsFront {
        let acceptor = TlsAcceptor::from(Arc::new(self.config()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let target = Arc::new(OnceLock::<String>::new());
        let known = Arc::clone(&target);
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), known.get().cloned());
                connections.spawn(async move {
                    // Whoever does not trust the certificate goes away, and whoever has enough too.
                    if let Some(target) = target
                        && let Ok(mut stream) = acceptor.accept(stream).await
                        && let Ok(mut server) = TcpStream::connect(target).await
                    {
                        let _ = copy_bidirectional(&mut stream, &mut server).await;
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        HttpsFront {
            url: format!("https://{address}"),
            target,
            server,
        }
    }

    fn sign(&self) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate, key)
    }

    fn config(&self) -> ServerConfig {
        let (certificate, key) = self.sign();
        let private_key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private_key)
            .expect("a certificate for its key")
    }
}

impl HttpsFront {
    /// Passes on what comes from now on to the server at `address`, `127.0.0.1:PORT`.
    pub fn pass_on_to(&self, address: &str) {
        self.target.set(address.to_owned()).expect("one server");
    }

    /// Its URL with a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for HttpsFront {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}
