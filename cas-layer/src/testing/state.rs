//! What the server knows: sessions, tickets, open login forms, and how it is told to behave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::bounded::Bounded;
use super::quirks::Quirks;
use super::random::{self, NoRandomness};
use super::{CasServerBuilder, Fault, Quirk, User, service};

/// How many sessions, tickets and login forms are kept, each.
const KEPT: usize = 10_000;
/// How long a session lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// Shared by all requests.
pub(super) struct Shared {
    users: Vec<User>,
    ticket_lifetime: Duration,
    stopping: watch::Receiver<()>,
    validations: AtomicUsize,
    behaviour: Mutex<Behaviour>,
    state: Mutex<State>,
}

#[derive(Default)]
struct Behaviour {
    quirks: Quirks,
    fault: Option<Fault>,
}

struct State {
    sessions: Bounded<Session>,
    tickets: Bounded<Ticket>,
    /// One-time token of the form → the cookie of the browser that was shown it.
    forms: Bounded<String>,
}

#[derive(Clone)]
struct Session {
    login: Login,
    ends: Instant,
}

/// Who typed a password, and when.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) at: Timestamp,
}

struct Ticket {
    login: Login,
    service: String,
    from_password: bool,
    session: Option<String>,
    /// Never, when that is further off than the clock can tell.
    ends: Option<Instant>,
}

/// What a good ticket says.
pub(super) struct Redeemed {
    pub(super) login: Login,
    pub(super) from_password: bool,
}

/// Why a ticket is not good.
pub(super) enum Refused {
    Unknown,
    Expired,
    OtherService,
    FromCookie,
}

impl Shared {
    pub(super) fn new(mut builder: CasServerBuilder, stopping: watch::Receiver<()>) -> Self {
        Self {
            users: builder.take_users(),
            ticket_lifetime: builder.ticket_lifetime,
            stopping,
            validations: AtomicUsize::new(0),
            behaviour: Mutex::new(Behaviour {
                quirks: builder.quirks.into_iter().collect(),
                fault: None,
            }),
            state: Mutex::new(State {
                sessions: Bounded::new(KEPT),
                tickets: Bounded::new(KEPT),
                forms: Bounded::new(KEPT),
            }),
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name() == name)
    }

    pub(super) fn set_quirks(&self, quirks: Quirks) {
        lock(&self.behaviour).quirks = quirks;
    }

    pub(super) fn quirks(&self) -> Quirks {
        lock(&self.behaviour).quirks.clone()
    }

    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        lock(&self.behaviour).fault = fault;
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        lock(&self.behaviour).fault.clone()
    }

    /// Counts a validation request; says how many came before it.
    pub(super) fn count_validation(&self) -> usize {
        self.validations.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn validations(&self) -> usize {
        self.validations.load(Ordering::Relaxed)
    }

    /// Waits until the server is told to stop.
    pub(super) async fn stopped(&self) {
        // Nothing is ever sent: the sender goes away, which is the signal.
        let _ = self.stopping.clone().changed().await;
    }

    /// Remembers a login form shown to the browser with that cookie; gives the form's token.
    pub(super) fn open_form(&self, cookie: String) -> Result<String, NoRandomness> {
        let token = random::hex::<16>()?;
        lock(&self.state).forms.insert(token.clone(), cookie);
        Ok(token)
    }

    /// Uses up a form's token. Was that form shown to the browser with this cookie?
    pub(super) fn take_form(&self, token: &str, cookie: &str) -> bool {
        lock(&self.state)
            .forms
            .remove(token)
            .is_some_and(|shown_to| shown_to == cookie)
    }

    pub(super) fn open_session(&self, login: Login) -> Result<String, NoRandomness> {
        let id = format!("TGT-{}", random::hex::<24>()?);
        let session = Session {
            login,
            ends: Instant::now() + SESSION_LIFETIME,
        };
        lock(&self.state).sessions.insert(id.clone(), session);
        Ok(id)
    }

    pub(super) fn session(&self, id: &str) -> Option<Login> {
        let state = lock(&self.state);
        let session = state.sessions.get(id)?;
        (Instant::now() < session.ends).then(|| session.login.clone())
    }

    /// Forgets a session and the tickets that came from it.
    pub(super) fn end_session(&self, id: &str) {
        let mut state = lock(&self.state);
        state.sessions.remove(id);
        state
            .tickets
            .retain(|ticket| ticket.session.as_deref() != Some(id));
    }

    /// Issues a service ticket (CAS protocol 3.1).
    pub(super) fn issue(
        &self,
        login: Login,
        service: &str,
        from_password: bool,
        session: Option<String>,
    ) -> Result<String, NoRandomness> {
        let name = ticket_name(&self.quirks())?;
        self.keep_ticket(&name, login, service, from_password, session);
        Ok(name)
    }

    /// Issues a SAML artifact in place of a service ticket (SAML 1.1 bindings, 4.1.1.8).
    pub(super) fn issue_artifact(
        &self,
        login: Login,
        service: &str,
        from_password: bool,
        session: String,
    ) -> Result<String, NoRandomness> {
        let name = random::artifact()?;
        self.keep_ticket(&name, login, service, from_password, Some(session));
        Ok(name)
    }

    fn keep_ticket(
        &self,
        name: &str,
        login: Login,
        service: &str,
        from_password: bool,
        session: Option<String>,
    ) {
        let ticket = Ticket {
            login,
            service: service.to_owned(),
            from_password,
            session,
            ends: Instant::now().checked_add(self.ticket_lifetime),
        };
        lock(&self.state).tickets.insert(name.to_owned(), ticket);
    }

    /// Uses a service ticket up and says what it was good for.
    pub(super) fn redeem(
        &self,
        ticket: &str,
        service: &str,
        renew: bool,
        quirks: &Quirks,
    ) -> Result<Redeemed, Refused> {
        let ticket = lock(&self.state)
            .tickets
            .remove(ticket)
            .ok_or(Refused::Unknown)?;
        if ticket.ends.is_some_and(|ends| Instant::now() >= ends) {
            return Err(Refused::Expired);
        }
        if !service::same(&ticket.service, service, quirks) {
            return Err(Refused::OtherService);
        }
        if renew && !ticket.from_password {
            return Err(Refused::FromCookie);
        }
        Ok(Redeemed {
            login: ticket.login,
            from_password: ticket.from_password,
        })
    }
}

fn ticket_name(quirks: &Quirks) -> Result<String, NoRandomness> {
    let mut name = format!("ST-{}", random::hex::<20>()?);
    if quirks.has(Quirk::PunctuatedTickets) {
        name = format!("ST-{}.node_1~{}", random::hex::<20>()?, random::hex::<4>()?);
    }
    if quirks.has(Quirk::LongTickets) {
        name.push_str(&random::hex::<128>()?);
        name.truncate(256);
    }
    Ok(name)
}

// A panic elsewhere leaves these maps whole, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
