//! Tickets that are JSON web tokens: validated here, by a key, without a request to the CAS server.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use crate::{
    clock::UnixSeconds,
    error::ConfigError,
    protocol::{
        Authentication, Claims, Expected, Fault, JwtContentKey, JwtKey, ServerUrl, ServiceTicket,
        ServiceUrl, TokenKeys,
    },
};

/// How many tickets are remembered to have been used, each until it has expired.
const MAX_USED: usize = 100_000;

/// How often those that have expired are looked for once there is no room, in seconds.
const SEARCH_EVERY: UnixSeconds = 5;

/// Takes tickets that are JSON web tokens (JWT), as Apereo CAS issues them to a service with the property
/// `jwtAsServiceTicket`. Given to [`CasClientBuilder::jwt_tickets`](crate::CasClientBuilder::jwt_tickets).
///
/// Such a ticket is validated here, by a key, and the CAS server is not asked. Any other ticket is validated at the server as
/// always. A token counts only if
///
/// - it is signed with the key and its one algorithm, and also encrypted if there is a [key for that](Self::encrypted_with),
///   in the order of Apereo CAS (`ENCRYPT_AND_SIGN`) or the other one (`SIGN_AND_ENCRYPT`),
/// - `iss` is the [issuer](Self::issuer), and `aud` is the service URL and nothing else, byte for byte,
/// - `exp` and `nbf` say that it counts now, and `iat` was at most 10 minutes ago; clocks may differ by 30 seconds,
/// - `jti`, which is the service ticket behind it, has not come before,
/// - `sub` is a [user name](Authentication::user), and no claim comes twice,
/// - and with a demand for fresh credentials, the claim `isFromNewLogin` is true.
///
/// All other claims are attributes. There is no proxy-granting ticket.
///
/// Each process remembers up to 100,000 used tickets until they have expired. Beyond that, tickets are refused for a
/// while. The layers also ask their registry, so where nodes share one, a ticket that was used at one is refused at all.
///
/// ```
/// use cas_layer::{CasClient, JwtContentKey, JwtKey, JwtTickets};
///
/// # let (signing_key, encryption_key) = (["0123456789abcdef"; 4].concat(), "b3VyIGtleSBvZiAzMiBieXRlcywgZm9yIGEgdGVzdCE");
/// let client = CasClient::builder("https://cas.example.org/cas")
///     .jwt_tickets(
///         JwtTickets::signed_by(JwtKey::hs512(signing_key))
///             .encrypted_with(JwtContentKey::a128cbc_hs256(encryption_key)),
///     )
///     .build()?;
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
///
/// # Security
///
/// The CAS server is not asked, so nothing that it learns after it has issued a ticket has an effect on that ticket.
///
/// With a [`MemoryRegistry`](crate::MemoryRegistry), a token that was used before a restart, or at another node, counts again
/// until it is 10 minutes old. Use a registry that outlives the process, and that nodes share.
///
/// Whoever has the secret of [`JwtKey::hs512`] can issue tickets. If it is that of the whole CAS server, each service that has
/// it can sign in here as anybody. Give each service a secret of its own, or use RSA.
#[derive(Debug)]
#[must_use = "it does nothing until a client is built with it"]
pub struct JwtTickets {
    key: JwtKey,
    content_key: Option<JwtContentKey>,
    issuer: Option<String>,
}

impl JwtTickets {
    /// Takes tokens that are signed with this key. One that is encrypted is refused.
    pub fn signed_by(key: JwtKey) -> Self {
        Self {
            key,
            content_key: None,
            issuer: None,
        }
    }

    /// Takes tokens that are also encrypted with this key, and refuses those that are not.
    pub fn encrypted_with(mut self, key: JwtContentKey) -> Self {
        self.content_key = Some(key);
        self
    }

    /// What tokens have in `iss`: the setting `cas.server.prefix` of Apereo CAS. The default value is
    /// [`CasClient::url`](crate::CasClient::url).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    pub(super) fn check(self, server: &ServerUrl) -> Result<Tokens, ConfigError> {
        Ok(Tokens {
            keys: TokenKeys::new(&self.key, self.content_key.as_ref())?,
            issuer: self.issuer.unwrap_or_else(|| server.as_str().to_owned()),
            used: Mutex::default(),
        })
    }
}

/// How tokens are validated, and which have come.
pub(super) struct Tokens {
    keys: TokenKeys,
    issuer: String,
    /// Until when each is remembered.
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    until: HashMap<[u8; 32], UnixSeconds>,
    /// When those that have expired were last looked for.
    searched_at: UnixSeconds,
}

impl Tokens {
    /// `None` if the ticket is no token.
    pub(super) fn claims(&self, ticket: &ServiceTicket) -> Option<Result<Claims, Fault>> {
        let token = ticket.expose_secret();
        TokenKeys::is_token(token).then(|| Claims::read(&self.keys.open(token)?))
    }

    /// Uses a token up, if it is for this service, here and now.
    pub(super) fn take(
        &self,
        claims: Claims,
        (service, now, is_renewed): (&ServiceUrl, UnixSeconds, bool),
    ) -> Result<Authentication, Fault> {
        let expected = Expected {
            issuer: &self.issuer,
            service: service.as_str(),
            now,
            is_renewed,
        };
        let name = Sha256::digest(claims.ticket().expose_secret()).into();
        let ends_at = claims.ends_at();
        let authentication = claims.check(&expected)?;
        // A panic elsewhere leaves it whole.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.until.len() >= MAX_USED && used.searched_at.abs_diff(now) >= SEARCH_EVERY {
            used.searched_at = now;
            used.until.retain(|_, ends_at| *ends_at > now);
        }
        if used.until.contains_key(&name) {
            return Err(Fault("it was used before"));
        }
        if used.until.len() >= MAX_USED {
            return Err(Fault("too many were used in the last minutes"));
        }
        used.until.insert(name, ends_at);
        Ok(authentication)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
