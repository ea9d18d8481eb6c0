//! Programs that send a user name and a password with every request. Those that were right lately are known for some
//! seconds; whoever is wrong too often is turned away before the CAS server is asked.

mod options;

use std::{
    fmt,
    hash::RandomState,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use icu_normalizer::DecomposingNormalizer;
pub use options::PasswordOptions;
use quick_cache::{
    UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use sha2::Sha256;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

#[cfg(feature = "jwt")]
use super::refusal::not_remembered;
use super::refusal::{no_ticket, not_signed_in, not_validated, too_many, wrong};
use crate::{
    admission::{Failures, Peer},
    answer::Answer,
    app::{Host, Hosts},
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

/// How many requests may wait for another one with the same password.
const WAITING: usize = 1_024;

/// How long a password that was right is asked for whatever others guess.
const PROVEN_FOR: Duration = Duration::from_secs(3_600);

/// How long a password that was wrong is not asked for again. Accounts are locked after a few attempts.
const WRONG_FOR: Duration = Duration::from_secs(10);

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
    known: Known<User>,
    /// Until when passwords that were right once are asked for although others were wrong: nobody can shut a user out by guessing.
    proven: Known<Instant>,
    /// Until when passwords that were wrong are not asked for again.
    wrong: Known<Instant>,
    failures: Failures,
    /// How many requests wait for another one with the same password.
    waiting: AtomicUsize,
}

type Known<V> = Cache<Name, V, UnitWeighter, RandomState>;

/// Under which a user name and a password are known.
type Name = [u8; 32];

/// A user whose password was right.
#[derive(Clone)]
struct User {
    user: CasUser,
    until: Instant,
}

/// One request more that waits.
struct Waits<'p>(&'p AtomicUsize);

impl<'p> Waits<'p> {
    fn begin(waiting: &'p AtomicUsize) -> Option<Self> {
        let begins = |count| (count < WAITING).then_some(count + 1);
        let counted = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, begins);
        counted.is_ok().then_some(Self(waiting))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
            known: known(),
            proven: known(),
            wrong: known(),
            failures: Failures::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// The user whose password this is. Requests with the same password wait for the first of them, so that a burst is one
    /// sign-in at the CAS server.
    pub(super) async fn user(&self, host: &Arc<Host>, given: Given) -> Result<CasUser, Answer> {
        let name = self.name(host, &given);
        if self.remembered_for.is_zero() {
            return self.ask(host, name, given).await;
        }
        if let Some(known) = self.known.get(&name)
            && Instant::now() < known.until
        {
            return Ok(known.user);
        }
        let busy = || Unasked::Busy.answer(host, None);
        let waits = Waits::begin(&self.waiting).ok_or_else(busy)?;
        let deadline = Instant::now() + host.identified_within();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let known = self.known.get_value_or_guard_async(&name);
            let guard = match timeout(left, known).await {
                Ok(Ok(known)) if Instant::now() < known.until => return Ok(known.user),
                Ok(Ok(_)) => {
                    let is_over = |known: &User| known.until <= Instant::now();
                    self.known.remove_if(&name, is_over);
                    continue;
                }
                Ok(Err(guard)) => guard,
                Err(_) => return Err(busy()),
            };
            drop(waits);
            let user = self.ask(host, name, given).await?;
            let until = Instant::now() + self.remembered_for;
            // Nothing is lost if it does not fit.
            let _ = guard.insert(User {
                user: user.clone(),
                until,
            });
            return Ok(user);
        }
    }

    async fn ask(&self, host: &Arc<Host>, name: Name, given: Given) -> Result<CasUser, Answer> {
        let is_yet = |until: Option<Instant>| until.is_some_and(|until| Instant::now() < until);
        if is_yet(self.wrong.get(&name)) {
            host.tell(Refused::new(RefusedReason::WrongPassword));
            return Err(wrong());
        }
        let attempt = if is_yet(self.proven.get(&name)) {
            None
        } else {
            let account = (host.client.url(), account(&given.user));
            let attempt = self.failures.begin(account, given.peer);
            Some(attempt.ok_or_else(|| {
                host.tell(Refused::new(RefusedReason::TooManyAttempts));
                too_many()
            })?)
        };
        let unasked = |unasked: Unasked| unasked.answer(host, None);
        let leave = validation::admit_program(host, given.peer).await;
        let leave = leave.map_err(unasked)?;
        let service = service(host).ok_or_else(|| Answer::page(PageKind::InternalError, None))?;
        let asked = Attempt {
            leave,
            user: given.user,
            password: given.password,
            service: service.clone(),
        };
        let asked = asked.ask(host).await;
        let unknown = match asked.ok_or(Unasked::Busy).map_err(unasked)? {
            Ok(identity) => {
                self.proven.insert(name, Instant::now() + PROVEN_FOR);
                return Ok(CasUser::of_ticket(identity, Arc::clone(host)));
            }
            Err(unknown) => unknown,
        };
        Err(match &unknown {
            Unknown::NotSignedIn(error) => {
                if RefusedReason::from(error) == RefusedReason::WrongPassword {
                    self.proven.remove(&name);
                    self.wrong.insert(name, Instant::now() + WRONG_FOR);
                    if let Some(attempt) = attempt {
                        attempt.fail();
                    }
                }
                not_signed_in(host, error)
            }
            Unknown::NoTicket(error) => no_ticket(host, error, &service),
            Unknown::NotValidated(error) => not_validated(host, error),
            #[cfg(feature = "jwt")]
            Unknown::NotRemembered(error) => not_remembered(host, error),
            Unknown::Rejected(rejected) => opening::rejection(rejected, None),
        })
    }

    /// Under which name the user is known. The parts have their lengths before them, so no two users have one name.
    fn name(&self, host: &Host, given: &Given) -> Name {
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

/// Users who are counted together: those whose names a directory may take for one. Case, accents and width do not tell
/// them apart, nor does white space, nor a domain before or behind the name.
fn account(user: &str) -> String {
    let name = user.rsplit_once('\\').map_or(user, |(_, name)| name);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let decomposed = DecomposingNormalizer::new_nfkd()
        .normalize(name)
        .to_lowercase();
    decomposed
        .chars()
        .filter(|it| it.is_alphanumeric())
        .collect()
}

fn known<V: Clone>() -> Known<V> {
    let lifecycle = DefaultLifecycle::default();
    Cache::with(
        USERS,
        USERS as u64,
        UnitWeighter,
        RandomState::new(),
        lifecycle,
    )
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("remembered_for", &self.remembered_for)
            .finish_non_exhaustive()
    }
}
