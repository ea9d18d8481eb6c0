//! The private keys for what the CAS server encrypts for this app.

use zeroize::Zeroizing;

use super::CasClientBuilder;

impl CasClientBuilder {
    /// The private key of this app, for secrets that the CAS server releases as attributes: `proxyGrantingTicket`, a
    /// [proxy-granting ticket](crate::Authentication::proxy_granting_ticket), and `credential`, the user's
    /// [password](crate::Authentication::credential). The server encrypts each with the public key in the app's service
    /// definition (Apereo CAS: `publicKey`, with the algorithm `RSA`). By default there is no key.
    ///
    /// With a key, both attributes are taken out of every answer, also if they cannot be decrypted. The user is signed in
    /// without them then, and the log has a warning. The attribute `pgtIou` goes with them. Without a key,
    /// `proxyGrantingTicket` is taken out all the same, and `credential` is an attribute like any other: some servers
    /// use that name for something else.
    ///
    /// An RSA key of 2,048 to 4,096 bits, one in PEM form, as PKCS #8 (`BEGIN PRIVATE KEY`) or PKCS #1
    /// (`BEGIN RSA PRIVATE KEY`), not protected by a passphrase. May be called again, to change keys: they are tried in the
    /// order of the calls. [`build`](Self::build) refuses any other text, and any key with CAS 1, which has no attributes.
    ///
    /// `Debug` of the builder and of the client does not show it. The text is overwritten when the builder is dropped.
    ///
    /// ```no_run
    /// use cas_layer::CasClient;
    ///
    /// let client = CasClient::builder("https://cas.example.org/cas")
    ///     .service_private_key_pem(std::fs::read("/etc/portal/cas.key")?)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn service_private_key_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.service_keys.push(Zeroizing::new(pem.into()));
        self
    }
}
