//! What can be wrong with a configuration.

use std::time::Duration;

use crate::protocol::Protocol;

/// A mistake in a configuration, found by `build()` before anything is served.
///
/// Every variant says what was wrong, without any secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL of the CAS server or of the app cannot be used.
    #[error("{what} `{url}`: {reason}")]
    InvalidUrl {
        /// Which URL: "CAS server URL", "internal URL of the CAS server", "fallback URL of the CAS server", "app URL", "proxy callback URL".
        what: &'static str,
        /// The URL as it was given, with `…` in place of a possible user name or password.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The URL of the CAS server is that of its login page or another of its endpoints.
    #[error(
        "{what} `{url}` is the address of one of the server's endpoints: it should be `{should_be}`, to which the endpoints are added"
    )]
    CasUrlOfEndpoint {
        /// Which URL: "CAS server URL", "internal URL of the CAS server", "fallback URL of the CAS server".
        what: &'static str,
        /// The URL as it was given.
        url: String,
        /// The URL without the endpoint.
        should_be: String,
    },
    /// Plain http was given for a host that is not loopback, without the setting that allows it.
    #[error(
        "{what} `{url}` is plain http and not loopback: tickets and cookies would travel unprotected; use https, or call `{allow}` if the network in between is trusted"
    )]
    InsecureHttp {
        /// Which URL: "CAS server URL", "internal URL of the CAS server", "fallback URL of the CAS server", "app URL", "proxy callback URL".
        what: &'static str,
        /// The URL as it was given.
        url: String,
        /// The method that allows it.
        allow: &'static str,
    },
    /// Neither this crate nor the program brings the cryptography for TLS.
    #[error(
        "TLS has no cryptography: enable the feature `aws-lc-rs` or `ring` of cas-layer, or install a provider with `rustls::crypto::CryptoProvider::install_default` first"
    )]
    NoTlsProvider,
    /// No key was given.
    #[error("no key: sign the session cookie with `.key(…)`, at least 64 random bytes")]
    KeyMissing,
    /// A key has too few bytes.
    #[error("key {position} has {bytes} bytes, at least 64 random bytes are needed")]
    KeyTooShort {
        /// Which of the keys, counted from 1.
        position: usize,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A key is one byte repeated, which is a placeholder and not a key.
    #[error("key {position} is one byte repeated, not random bytes")]
    KeyNotRandom {
        /// Which of the keys, counted from 1.
        position: usize,
    },
    /// A key given as base64 is not base64.
    #[error("the key is not base64")]
    KeyNotBase64,
    /// A key for tickets that are JSON web tokens cannot be one (feature `jwt`).
    #[error("{what} of tickets that are JSON web tokens: {reason}")]
    InvalidJwtKey {
        /// Which key: "signing key", "encryption key".
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A path is not one that the layer can match or redirect to.
    #[error("{what} `{path}`: {reason}")]
    InvalidPath {
        /// What the path is for.
        what: &'static str,
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two endpoints have the same path.
    #[error("{first} and {second} are both `{path}`")]
    PathsCollide {
        /// One of the two.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// The path they share.
        path: String,
    },
    /// Two public hosts have the same name and port, so a request cannot say which of them it is for.
    #[error(
        "a request cannot tell the hosts `{first}` and `{second}` apart: give each a name or a port of its own"
    )]
    HostsCollide {
        /// The app URL of one of the two.
        first: String,
        /// The app URL of the other.
        second: String,
    },
    /// Passwords were to be taken or sent over plain http.
    #[error(
        "passwords at an API: the URL of the {what}, `{url}`, is plain http and not this machine, so passwords would travel unprotected"
    )]
    PasswordsInClear {
        /// Which URL: "CAS server", "app".
        what: &'static str,
        /// The URL.
        url: String,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
    /// Tickets by `POST` were configured for an app on plain http.
    #[error(
        "tickets by POST at `{url}`: browsers send the login cookie with a form from the CAS server only over https"
    )]
    PostWithoutHttps {
        /// The app URL.
        url: String,
    },
    /// Tickets by `POST` were configured together with a bare service URL.
    #[error(
        "tickets by POST and a bare service URL do not go together: the login cookie also comes with forms of other sites, and nothing in the URL says which login a ticket is for, so another site could sign a visitor in under a foreign name; drop one of the two"
    )]
    PostWithBareServiceUrl,
    /// Frames of other sites were configured for an app on plain http.
    #[error(
        "frames of other sites at `{url}`: browsers keep cookies in them only over https, or on loopback"
    )]
    FramesWithoutHttps {
        /// The app URL.
        url: String,
    },
    /// A page that frames the app was not given by its origin.
    #[error(
        "origin of a page that frames the app `{origin}`: {reason}; give it like `https://portal.example.org`"
    )]
    InvalidFrameAncestor {
        /// The origin as it was given, with `…` in place of a possible user name or password.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Sessions were to be in the registry, and the registry keeps nothing.
    #[error(
        "sessions in the registry: this registry keeps nothing for sessions (`Registry::storage`); choose another registry or another `SessionPlace`"
    )]
    NoStorage,
    /// Browsers or this layer cannot use this cookie name.
    #[error("cookie name `{name}`: {reason}")]
    InvalidCookieName {
        /// The name as it was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A duration is zero, too long, or contradicts another.
    #[error("{what} of {value:?}: {reason}")]
    InvalidDuration {
        /// What the duration is for.
        what: &'static str,
        /// The duration as it was given.
        value: Duration,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A limit is zero or contradicts another.
    #[error("{what} of {value}: {reason}")]
    InvalidLimit {
        /// What the limit is for.
        what: &'static str,
        /// The limit as it was given.
        value: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A rule contradicts itself.
    #[error("a rule {reason}")]
    InvalidRule {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A network that logout requests or proxy callbacks may come from cannot be read.
    #[error("source of logout requests or proxy callbacks `{network}`: {reason}")]
    InvalidNetwork {
        /// The network as it was given.
        network: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is a list of sources, but the layer does not know where a request comes from.
    #[error(
        "a list of sources (`logout_sources`, `callback_sources`) needs the address of each sender: call `.peer_address(…)`"
    )]
    PeerAddressMissing,
    /// The rest of the configuration does not allow the app to act for its users.
    #[error("proxy callback: {reason}")]
    ProxyCallback {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The layer's own pages cannot be shown as they were set up.
    #[error("pages: {what} `{value}`: {reason}")]
    InvalidPageSetting {
        /// Which setting.
        what: &'static str,
        /// It, or the part of it that is wrong, as it was given.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The settings for an attribute contradict each other.
    #[error("attribute `{name}`: {reason}")]
    InvalidAttribute {
        /// The attribute's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The endpoint for a reverse proxy's questions cannot be as it is configured.
    #[error("`auth_request`: {reason}")]
    InvalidAuthRequest {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header with the user's identity cannot have this name, or this prefix.
    #[error("header `{name}`: {reason}")]
    InvalidHeaderName {
        /// The name or prefix as it was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A separator could be taken for a part of the values.
    #[error("separator {separator:?}: only ASCII punctuation other than `%` can separate values")]
    InvalidSeparator {
        /// The separator as it was given.
        separator: char,
    },
    /// A validation parameter has the name of one of the protocol's, or cannot be sent.
    #[error("validation parameter `{name}`: {reason}")]
    InvalidValidationParameter {
        /// The name of the parameter.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A namespace that no answer of a CAS server can be in.
    #[error("response namespace `{namespace}`: {reason}")]
    InvalidResponseNamespace {
        /// The namespace as it was given.
        namespace: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A login parameter has the name of one of the protocol's, or cannot be sent.
    #[error("login parameter `{name}`: {reason}")]
    InvalidLoginParameter {
        /// The parameter's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// JSON was configured with a version of the protocol that does not have it.
    #[error(
        "JSON with {protocol}: only CAS 2 and 3 have it; drop the format or change the protocol"
    )]
    FormatWithoutProtocol {
        /// The protocol as it was given.
        protocol: Protocol,
    },
    /// Proxies were configured with a version of the protocol that has none.
    #[error(
        "proxies with {protocol}: only CAS 2 and 3 have them; drop the proxies or change the protocol"
    )]
    ProxiesWithoutProtocol {
        /// The protocol as it was given.
        protocol: Protocol,
    },
    /// An accepted chain of proxies can admit nobody, or does not mean what it seems to.
    #[error("proxy `{proxy}` in an accepted chain: {reason}")]
    InvalidProxyChain {
        /// The proxy in the chain as it was given, with `…` in place of a possible user name or password. Empty if
        /// the chain has no proxy.
        proxy: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An extra root certificate cannot be read.
    #[error("root certificate: {reason}")]
    InvalidCertificate {
        /// What is wrong with it.
        reason: String,
    },
    /// A private key for secrets that the CAS server releases cannot be used.
    #[error("private key {position} of the service: {reason}")]
    InvalidServiceKey {
        /// Which of the keys, counted from 1.
        position: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    HttpClient(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ConfigError {
    /// The error for a duration that has one of these faults, each with what is said of it.
    pub(crate) fn check_duration(
        what: &'static str,
        value: Duration,
        faults: &[(bool, &'static str)],
    ) -> Result<(), Self> {
        match faults.iter().find(|(is_so, _)| *is_so) {
            None => Ok(()),
            Some(&(_, reason)) => Err(Self::InvalidDuration {
                what,
                value,
                reason,
            }),
        }
    }
}
