//! Secrets that a CAS server releases as attributes, encrypted for the app: a proxy-granting ticket and the user's
//! password. They are no part of the CAS protocol. Apereo CAS has them as `authorizedToReleaseProxyGrantingTicket` and
//! `authorizedToReleaseCredentialPassword` (`ClearPass`).

use std::fmt;

use super::{Password, ProxyGrantingTicket};

/// The attribute with the proxy-granting ticket.
pub(crate) const GRANTING_TICKET: &str = "proxyGrantingTicket";

/// The attribute with the password.
#[cfg(feature = "released-secrets")]
pub(crate) const CREDENTIAL: &str = "credential";

/// What Apereo CAS adds, encrypted too: the IOU of a ticket that went to a callback.
#[cfg(feature = "released-secrets")]
pub(crate) const IOU: &str = "pgtIou";

/// How all proxy-granting tickets of a server with this feature begin (CAS protocol 3.3).
#[cfg(feature = "released-secrets")]
const PREFIX: &str = "PGT-";

/// The secrets of one answer. Each is `None` if the server did not release it.
#[derive(Clone, Default)]
pub(crate) struct Released {
    pub(crate) granting_ticket: Option<Result<ProxyGrantingTicket, Unreadable>>,
    pub(crate) credential: Option<Result<Password, Unreadable>>,
}

/// Why a released secret counts for nothing. It has nothing of the secret in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A proxy-granting ticket as it was decrypted. What a wrong key makes of a ciphertext does not begin like one.
#[cfg(feature = "released-secrets")]
pub(crate) fn granting_ticket(text: &str) -> Option<ProxyGrantingTicket> {
    ProxyGrantingTicket::parse(text)
        .ok()
        .filter(|_| text.starts_with(PREFIX))
}

/// A password as it was decrypted. No login form takes one that is empty or has control characters in it.
#[cfg(feature = "released-secrets")]
pub(crate) fn credential(text: &str) -> Option<Password> {
    let is_one = !text.is_empty() && !text.contains(char::is_control);
    is_one.then(|| Password::new(text))
}

#[cfg(test)]
#[cfg(feature = "released-secrets")]
mod tests {
    use super::credential;

    #[test]
    fn a_password_is_neither_empty_nor_has_control_characters() {
        for text in ["p", "pass word", "pässwörd €"] {
            let password = credential(text).unwrap();
            assert_eq!(password.expose_secret(), text);
        }
        for text in ["", "\n", "pass\u{0}word", "password\r\n", "\u{85}x"] {
            assert!(credential(text).is_none(), "{text:?}");
        }
    }
}
