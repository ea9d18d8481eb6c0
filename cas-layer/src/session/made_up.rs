//! An identity for which no CAS server has vouched: a test has made it up.

use zeroize::Zeroizing;

use super::{SessionId, attributes::Held, payload::Identity};
use crate::{attributes::Attributes, clock::UnixSeconds};

impl Identity {
    /// Nothing is said of how the user signed in.
    pub(crate) fn made_up(
        user: &str,
        attributes: Attributes,
        id: SessionId,
        issued_at: UnixSeconds,
        expires_at: UnixSeconds,
    ) -> Self {
        Self {
            payload: Zeroizing::default(),
            user: user.into(),
            id,
            family: None,
            issued_at,
            expires_at,
            authentication_date: None,
            is_from_new_login: None,
            long_term_authentication_request_token_used: None,
            remembered: false,
            credentials_at: None,
            proxies: Vec::new(),
            granting_ticket: None,
            attributes: Held::given(attributes),
        }
    }
}
