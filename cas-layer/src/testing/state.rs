//! What the server knows: sessions, tickets, open login forms, and how it is told to behave.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::bounded::Bounded;
use super::logout::Visits;
use super::quirks::Quirks;
use super::random::{self, NoRandomness};
use super::single_logout::{BackChannel, Issued};
use super::{CasServerBuilder, Fault, FrontChannel, Quirk, User, service};

/// How many sessions, unused tickets, tickets of open sessions, login forms and logouts under way
/// are kept, each.
const KEPT: usize = 10_000;
/// How long a session lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// Shared by all requests.
pub(super) struct Shared {
    users: Vec<User>,
    ticket_lifetime: Duration,
    stopping: watch::Receiver<()>,
    validations: AtomicUsize,
    back_channel: BackChannel,
    behaviour: Mutex<Behaviour>,
    state: Mutex<State>,
}

#[derive(Default)]
struct Behaviour {
    quirks: Quirks,
    fault: Option<Fault>,
    front_channel: Option<FrontChannel>,
}

struct State {
    sessions: Bounded<Session>,
    tickets: Bounded<Ticket>,
    /// Every ticket until its session ends, used or not: the services to tell about a logout.
    issued: Bounded<Issued>,
    /// One-time token of the form → the cookie of the browser that was shown it.
    forms: Bounded<String>,
    /// One-time token → a logout that a browser is in the middle of.
    visits: Bounded<Visits>,
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
    pub(super) fn new(
        mut builder: CasServerBuilder,
        stopping: watch::Receiver<()>,
    ) -> io::Result<Self> {
        Ok(Self {
            back_channel: BackChannel::new(&builder.ca, builder.logout_timeout)?,
            users: builder.take_users(),
            ticket_lifetime: builder.ticket_lifetime,
            stopping,
            validations: AtomicUsize::new(0),
            behaviour: Mutex::new(Behaviour {
                quirks: builder.quirks.into_iter().collect(),
                fault: None,
                front_channel: builder.front_channel,
            }),
            state: Mutex::new(State {
                sessions: Bounded::new(KEPT),
                tickets: Bounded::new(KEPT),
                issued: Bounded::new(KEPT),
                forms: Bounded::new(KEPT),
                visits: Bounded::new(KEPT),
            }),
        })
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

    pub(super) fn set_front_channel(&self, front_channel: Option<FrontChannel>) {
        lock(&self.behaviour).front_channel = front_channel;
    }

    pub(super) fn front_channel(&self) -> Option<FrontChannel> {
        lock(&self.behaviour).front_channel
    }

    pub(super) fn back_channel(&self) -> &BackChannel {
        &self.back_channel
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

    /// Remembers the rest of a logout; gives the token to go on with.
    pub(super) fn open_visits(&self, visits: Visits) -> Result<String, NoRandomness> {
        let token = random::hex::<16>()?;
        lock(&self.state).visits.insert(token.clone(), visits);
        Ok(token)
    }

    pub(super) fn take_visits(&self, token: &str) -> Option<Visits> {
        lock(&self.state).visits.remove(token)
    }

    /// Opens a session. It takes over what the browser's session so far has to tell at its end,
    /// or the services of that one would never hear of a logout.
    pub(super) fn open_session(
        &self,
        login: Login,
        so_far: Option<&str>,
    ) -> Result<String, NoRandomness> {
        let id = format!("TGT-{}", random::hex::<24>()?);
        let session = Session {
            login,
            ends: Instant::now() + SESSION_LIFETIME,
        };
        let mut state = lock(&self.state);
        if let Some(so_far) = so_far {
            state.sessions.remove(so_far);
            state.drop_tickets_of(so_far);
            for issued in state.issued.values_mut() {
                if issued.session.as_deref() == Some(so_far) {
                    issued.session = Some(id.clone());
                }
            }
        }
        state.sessions.insert(id.clone(), session);
        Ok(id)
    }

    pub(super) fn session(&self, id: &str) -> Option<Login> {
        let state = lock(&self.state);
        let session = state.sessions.get(id)?;
        (Instant::now() < session.ends).then(|| session.login.clone())
    }

    /// Ends a session; gives the tickets that were issued in it, the oldest first.
    pub(super) fn end_session(&self, id: &str) -> Vec<Issued> {
        let mut state = lock(&self.state);
        state.sessions.remove(id);
        state.drop_tickets_of(id);
        state
            .issued
            .take_where(|issued| issued.session.as_deref() == Some(id))
    }

    /// Ends every session of a user; gives the tickets that were issued to that user, the oldest
    /// first.
    pub(super) fn end_sessions_of(&self, user: &str) -> Vec<Issued> {
        let mut state = lock(&self.state);
        state
            .sessions
            .take_where(|session| session.login.user == user);
        state.tickets.take_where(|ticket| ticket.login.user == user);
        state.issued.take_where(|issued| issued.user == user)
    }

    /// Issues a service ticket (CAS protocol 3.1) to somebody who has just typed the password, in
    /// no session.
    pub(super) fn issue(&self, login: Login, service: &str) -> Result<String, NoRandomness> {
        let name = ticket_name(&self.quirks())?;
        let ticket = self.ticket(login, service, true, None);
        lock(&self.state).remember(name.clone(), ticket);
        Ok(name)
    }

    /// Issues a service ticket in a session, or a SAML artifact in its place (SAML 1.1 bindings, 4.1.1.8);
    /// `None` when the session has ended meanwhile.
    pub(super) fn issue_in(
        &self,
        session: String,
        login: Login,
        service: &str,
        from_password: bool,
        as_artifact: bool,
    ) -> Result<Option<String>, NoRandomness> {
        let name = if as_artifact {
            random::artifact()?
        } else {
            ticket_name(&self.quirks())?
        };
        let mut state = lock(&self.state);
        if !state.sessions.contains(&session) {
            return Ok(None);
        }
        let ticket = self.ticket(login, service, from_password, Some(session));
        state.remember(name.clone(), ticket);
        Ok(Some(name))
    }

    fn ticket(
        &self,
        login: Login,
        service: &str,
        from_password: bool,
        session: Option<String>,
    ) -> Ticket {
        Ticket {
            login,
            service: service.to_owned(),
            from_password,
            session,
            ends: Instant::now().checked_add(self.ticket_lifetime),
        }
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

impl State {
    fn remember(&mut self, name: String, ticket: Ticket) {
        let issued = Issued {
            ticket: name.clone(),
            user: ticket.login.user.clone(),
            service: ticket.service.clone(),
            session: ticket.session.clone(),
        };
        self.issued.insert(name.clone(), issued);
        self.tickets.insert(name, ticket);
    }

    /// Makes the unused tickets of a session worthless.
    fn drop_tickets_of(&mut self, session: &str) {
        self.tickets
            .take_where(|ticket| ticket.session.as_deref() == Some(session));
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

#[cfg(test)]
mod tests {
    use super::{CasServerBuilder, Login, Shared, Timestamp, watch};

    #[test]
    fn a_session_that_has_ended_gives_no_ticket() {
        let (_stop, stopping) = watch::channel(());
        let shared = Shared::new(CasServerBuilder::new(), stopping).unwrap();
        let login = Login {
            user: "casuser".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let issue = |session: &str| {
            let service = "http://127.0.0.1/";
            let issued = shared.issue_in(session.to_owned(), login.clone(), service, false, false);
            issued.unwrap().is_some()
        };
        let [first, second] = [(); 2].map(|()| shared.open_session(login.clone(), None).unwrap());
        assert!(issue(&first) && issue(&second));
        assert_eq!(shared.end_session(&first).len(), 1);
        assert!(!issue(&first) && issue(&second));
        assert_eq!(shared.end_sessions_of("casuser").len(), 2);
        assert!(!issue(&second));
    }
}
