//! Programs that send a user name and a password with every request. Those that were right lately are known for some
//! seconds; whoever is wrong too often is turned away before the CAS server is asked.

mod options;

use std::{fmt, hash::RandomState, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
pub use options::PasswordOptions;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use sha2::Sha256;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::refusal::{no_ticket, not_validated, too_many};
use crate::{
    admission::{Failures, Peer},
    answer::Answer,
    app::{Host, Hosts},
    client::RestErrorKind,
    error::ConfigError,
    events::{Refused, RefusedReason},
    pages::PageKind,
    protocol::{Password, ServiceUrl},
    sign_in::{
        opening,
        password::{Attempt, Unknown},
        validation::{self, Unasked},
    },
    user::CasUser,
};

/// How many users are known at once.
const USERS: usize = 4_096;

/// How many requests to the CAS server one password takes: for a session, for a ticket, to validate it.
const REQUESTS: u32 = 3;

/// The path of the URL that tickets are for.
const SERVICE_PATH: &str = "/";

/// A user name and a password that came with a request.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) user: String,
    pub(super) password: Password,
    pub(super) peer: Option<Peer>,
}

/// What this process knows of passwords.
pub(super) struct Passwords {
    remembered_for: Duration,
    /// Of this process alone. What is known is found by a hash with this key, never by the password itself.
    key: Hmac<Sha256>,
    known: Cache<[u8; 32], Known, UnitWeighter, RandomState>,
    failures: Failures,
}

/// A user whose password was right.
#[derive(Clone)]
struct Known {
    user: CasUser,
    until: Instant,
}

impl Passwords {
    pub(super) fn new(options: &PasswordOptions, hosts: &Hosts) -> Result<Self, ConfigError> {
        options.check(hosts)?;
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(|_| ConfigError::NoRandomness)?;
        let key = Hmac::new_from_slice(&*key).map_err(|_| ConfigError::NoRandomness)?;
        Ok(Self {
            remembered_for: options.remembered_for,
            key,
            known: Cache::with(
                USERS,
                USERS as u64,
                UnitWeighter,
                RandomState::new(),
                DefaultLifecycle::default(),
            ),
            failures: Failures::new(),
        })
    }

    /// The user whose password this is. Requests with the same password wait for the first of them, so that a burst is one
    /// sign-in at the CAS server.
    pub(super) async fn user(&self, host: &Arc<Host>, given: Given) -> Result<CasUser, Answer> {
        let name = self.name(host, &given);
        let patience = host.identified_within() + (REQUESTS - 1) * host.client.timeout();
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let known = self.known.get_value_or_guard_async(&name);
            let guard = match timeout(left, known).await {
                Ok(Ok(known)) if Instant::now() < known.until => return Ok(known.user),
                Ok(Ok(_)) => {
                    let is_over = |known: &Known| known.until <= Instant::now();
                    self.known.remove_if(&name, is_over);
                    continue;
                }
                Ok(Err(guard)) => guard,
                Err(_) => return Err(Unasked::Busy.answer(host, None)),
            };
            let user = self.ask(host, given).await?;
            if !self.remembered_for.is_zero() {
                let until = Instant::now() + self.remembered_for;
                // Nothing is lost if it does not fit.
                let _ = guard.insert(Known {
                    user: user.clone(),
                    until,
                });
            }
            return Ok(user);
        }
    }

    async fn ask(&self, host: &Arc<Host>, given: Given) -> Result<CasUser, Answer> {
        // CAS servers take names in any case, so another case is no other user.
        let account = (host.client.url(), given.user.to_lowercase());
        let Some(attempt) = self.failures.begin(account, given.peer) else {
            host.tell(Refused::new(RefusedReason::TooManyAttempts));
            return Err(too_many());
        };
        let unasked = |unasked: Unasked| unasked.answer(host, None);
        let leave = match validation::admit_program(host, given.peer).await {
            Ok(leave) => leave,
            Err(busy) => {
                attempt.forgive();
                return Err(unasked(busy));
            }
        };
        let Some(service) = service(host) else {
            attempt.forgive();
            return Err(Answer::page(PageKind::InternalError, None));
        };
        let asked = Attempt {
            leave,
            user: given.user,
            password: given.password,
            service,
        };
        let Some(asked) = asked.ask(host).await else {
            return Err(unasked(Unasked::Busy));
        };
        let unknown = match asked {
            Ok(identity) => {
                attempt.forgive();
                return Ok(CasUser::of_ticket(identity, Arc::clone(host)));
            }
            Err(unknown) => unknown,
        };
        if !is_failure(&unknown) {
            attempt.forgive();
        }
        Err(match &unknown {
            Unknown::NoTicket(error) => no_ticket(host, error),
            Unknown::NotValidated(error) => not_validated(host, error),
            Unknown::Rejected(rejected) => opening::rejection(rejected, None),
        })
    }

    /// Under which name the user is known. The parts have their lengths before them, so no two users have one name.
    fn name(&self, host: &Host, given: &Given) -> [u8; 32] {
        let mut mac = self.key.clone();
        let url = host.url.as_string();
        let parts = [
            url.as_str(),
            host.client.url(),
            &given.user,
            given.password.expose_secret(),
        ];
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// The URL that the CAS server gives tickets for, and has to know as a service.
pub(super) fn service(host: &Host) -> Option<ServiceUrl> {
    ServiceUrl::parse(host.url.join(SERVICE_PATH)).ok()
}

/// Whether somebody may have guessed a password.
fn is_failure(unknown: &Unknown) -> bool {
    let Unknown::NoTicket(error) = unknown else {
        return false;
    };
    RefusedReason::from(error) == RefusedReason::WrongPassword
        || error.kind() == RestErrorKind::Throttled
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("remembered_for", &self.remembered_for)
            .finish_non_exhaustive()
    }
}
