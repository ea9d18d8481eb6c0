//! What a token says (RFC 7519, 4.1).

use super::{Fault, LEEWAY, MAX_AGE};
use crate::{
    clock::UnixSeconds,
    protocol::{
        Authentication, ServiceTicket,
        response::{ClaimedAttributes, Object, ResponseError, user_name},
    },
};

/// What is about the token, and not about the user.
const ABOUT_TOKEN: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// What a token has to say to count here and now.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    /// The service URL that was sent to the login page.
    pub(crate) service: &'a str,
    pub(crate) now: UnixSeconds,
    /// The user had to give their credentials.
    pub(crate) is_renewed: bool,
}

/// What a token says.
pub(crate) struct Claims {
    issuer: String,
    audience: String,
    issued_at: UnixSeconds,
    not_before: Option<UnixSeconds>,
    expires_at: UnixSeconds,
    ticket: ServiceTicket,
    authentication: Authentication,
}

impl Claims {
    /// Every claim that counts has to be there, once.
    pub(crate) fn read(json: &str) -> Result<Self, Fault> {
        let claims: Object<'_> = serde_json::from_str(json)
            .map_err(|_| Fault("what is in it is no JSON object, or a claim comes twice"))?;
        let text = |name, fault| {
            let json: Option<&str> = claims.get(name);
            let text: Option<String> = json.and_then(|json| serde_json::from_str(json).ok());
            text.ok_or(Fault(fault))
        };
        let seconds = |name, fault| match claims.get(name) {
            None => Ok(None),
            Some(json) => serde_json::from_str::<UnixSeconds>(json)
                .map(Some)
                .map_err(|_| Fault(fault)),
        };
        let no_user = |_: ResponseError| Fault("`sub` is no user name");
        let user = user_name(&text("sub", "it has no `sub`")?).map_err(no_user)?;
        let mut attributes = ClaimedAttributes::default();
        for (name, json) in claims.iter() {
            if !ABOUT_TOKEN.contains(&name) {
                attributes
                    .add(name, json)
                    .map_err(|_| Fault("a claim cannot be read as an attribute"))?;
            }
        }
        let audience = claims.get("aud").and_then(only_audience);
        Ok(Self {
            issuer: text("iss", "it has no `iss`")?,
            audience: audience.ok_or(Fault("it has no `aud`, or several"))?,
            issued_at: seconds("iat", "`iat` is no time")?.ok_or(Fault("it has no `iat`"))?,
            not_before: seconds("nbf", "`nbf` is no time")?,
            expires_at: seconds("exp", "`exp` is no time")?.ok_or(Fault("it has no `exp`"))?,
            ticket: ServiceTicket::parse(&text("jti", "it has no `jti`")?)
                .map_err(|_| Fault("`jti` is no ticket"))?,
            authentication: Authentication::new(user, attributes.finish(), Vec::new()),
        })
    }

    /// The service ticket that the token stands for: `jti`. A single logout names it.
    pub(crate) fn ticket(&self) -> &ServiceTicket {
        &self.ticket
    }

    /// From when on the token does not count any more, by any clock that is right within the leeway.
    pub(crate) fn ends_at(&self) -> UnixSeconds {
        let oldest = self.issued_at.saturating_add(MAX_AGE);
        self.expires_at.min(oldest).saturating_add(LEEWAY)
    }

    /// The user, if the token is for this service, here and now.
    pub(crate) fn check(self, expected: &Expected<'_>) -> Result<Authentication, Fault> {
        if self.issuer != expected.issuer {
            return Err(Fault("it is of another issuer"));
        }
        if self.audience != expected.service {
            return Err(Fault("it is for another service"));
        }
        let soon = expected.now.saturating_add(LEEWAY);
        let begins_at = self.issued_at.max(self.not_before.unwrap_or_default());
        if begins_at > soon {
            return Err(Fault("it is from the future: compare the clocks"));
        }
        if self.ends_at() <= expected.now {
            return Err(Fault(
                "it has expired, or was issued more than 10 minutes ago",
            ));
        }
        if expected.is_renewed && self.authentication.is_from_new_login() != Some(true) {
            return Err(Fault(
                "the user did not give their credentials for it, as was asked",
            ));
        }
        Ok(self.authentication)
    }
}

/// A text, or a list of one.
fn only_audience(json: &str) -> Option<String> {
    let list: Result<[String; 1], _> = serde_json::from_str(json);
    let one = list.map(|[only]| only);
    one.or_else(|_| serde_json::from_str(json)).ok()
}
