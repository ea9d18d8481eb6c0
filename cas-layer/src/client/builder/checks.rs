//! Finds mistakes before anything is sent.

use std::time::Duration;

use reqwest::{Certificate, ClientBuilder};

use crate::{
    error::ConfigError,
    protocol::{Protocol, ResponseFormat},
};

/// No ticket lives longer, so no longer wait can succeed.
const MAX_TIMEOUT: Duration = Duration::from_secs(300);
/// Assertions are made to last for half a minute or for minutes. Beyond this the window would mean nothing.
const MAX_SAML_CLOCK_TOLERANCE: Duration = Duration::from_secs(600);

/// The longest namespace, in bytes.
const MAX_NAMESPACE_BYTES: usize = 1_024;

/// Parameters that belong to the protocol, to the form of its login page, or to this crate (CAS protocol 2.1.1, 2.2.1,
/// 2.4.1, 2.5.1, 4.2).
const RESERVED_PARAMETERS: [&str; 20] = [
    "service",
    "renew",
    "gateway",
    "method",
    "ticket",
    "format",
    "pgtUrl",
    "pgt",
    "targetService",
    "url",
    "TARGET",
    "SAMLart",
    "SAMLRequest",
    "RelayState",
    "logoutRequest",
    "username",
    "password",
    "lt",
    "execution",
    "_eventId",
];

pub(super) fn check_duration(what: &'static str, value: Duration) -> Result<(), ConfigError> {
    ConfigError::check_duration(
        what,
        value,
        &[
            (value.is_zero(), "it must be more than zero"),
            (value > MAX_TIMEOUT, "it must be at most 300 seconds"),
        ],
    )
}

pub(super) fn check_saml_clock_tolerance(value: Duration) -> Result<(), ConfigError> {
    ConfigError::check_duration(
        "clock tolerance of SAML",
        value,
        &[(
            value > MAX_SAML_CLOCK_TOLERANCE,
            "it must be at most 10 minutes",
        )],
    )
}

pub(super) fn check_format(format: ResponseFormat, protocol: Protocol) -> Result<(), ConfigError> {
    match (format, protocol) {
        (ResponseFormat::Json, Protocol::Cas1 | Protocol::Saml1) => {
            Err(ConfigError::FormatWithoutProtocol { protocol })
        }
        _ => Ok(()),
    }
}

pub(super) fn check_login_parameters(parameters: &[(String, String)]) -> Result<(), ConfigError> {
    match fault_of(parameters) {
        None => Ok(()),
        Some((name, reason)) => Err(ConfigError::InvalidLoginParameter { name, reason }),
    }
}

pub(super) fn check_validation_parameters(
    parameters: &[(String, String)],
) -> Result<(), ConfigError> {
    match fault_of(parameters) {
        None => Ok(()),
        Some((name, reason)) => Err(ConfigError::InvalidValidationParameter { name, reason }),
    }
}

/// The first parameter that cannot be sent, and why.
fn fault_of(parameters: &[(String, String)]) -> Option<(String, &'static str)> {
    for (index, (name, value)) in parameters.iter().enumerate() {
        let reason = if name.is_empty() {
            "it has no name"
        } else if RESERVED_PARAMETERS
            .iter()
            .any(|reserved| name.eq_ignore_ascii_case(reserved))
        {
            "it belongs to the CAS protocol or to the login form"
        } else if parameters
            .iter()
            .take(index)
            .any(|(earlier, _)| earlier == name)
        {
            "it is given twice"
        } else if name.chars().chain(value.chars()).any(char::is_control) {
            "it has control characters"
        } else {
            continue;
        };
        return Some((name.clone(), reason));
    }
    None
}

pub(super) fn check_namespaces(
    namespaces: &[String],
    protocol: Protocol,
) -> Result<(), ConfigError> {
    for namespace in namespaces {
        let reason = if namespace.is_empty() {
            "it is empty"
        } else if namespace.len() > MAX_NAMESPACE_BYTES {
            "it has more than 1,024 bytes"
        } else if namespace
            .chars()
            .any(|c| c.is_control() || c.is_whitespace())
        {
            "it has white space or control characters"
        } else if matches!(protocol, Protocol::Cas1 | Protocol::Saml1) {
            "CAS 1 and SAML 1.1 have no answers in such a namespace"
        } else {
            continue;
        };
        return Err(ConfigError::InvalidResponseNamespace {
            namespace: namespace.clone(),
            reason,
        });
    }
    Ok(())
}

pub(super) fn read_certificates(pem: &[u8]) -> Result<Vec<Certificate>, ConfigError> {
    let invalid = |reason: &str| ConfigError::InvalidCertificate {
        reason: reason.to_owned(),
    };
    let certificates =
        Certificate::from_pem_bundle(pem).map_err(|_| invalid("it is not valid PEM"))?;
    if certificates.is_empty() {
        return Err(invalid("there is no PEM certificate in it"));
    }
    // What is inside the PEM is only read when a client is built. One of its own tells this mistake from others.
    ClientBuilder::new()
        .tls_certs_only(certificates.clone())
        .build()
        .map_err(|_| invalid("the PEM holds something other than a certificate"))?;
    Ok(certificates)
}
