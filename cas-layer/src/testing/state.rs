//! What the server knows: sessions, tickets, open login forms, and how it is told to behave.

mod grants;
mod records;
mod tickets;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use self::records::{Grant, Session, Ticket};
pub(super) use self::records::{Link, Login, Redeemed, Refused};
#[cfg(feature = "jwt")]
use super::JwtIssuer;
#[cfg(feature = "released-secrets")]
use super::release::Release;
use super::{
    CasServerBuilder, Fault, FrontChannel, LoginRequest, ProxyCallback, User,
    bounded::Bounded,
    outgoing::Outgoing,
    proxy::{Callbacks, Exchange},
    quirks::Quirks,
    random::{self, NoRandomness},
    single_logout::{BackChannel, Issued},
    stopping::Stopping,
    visits::Visits,
};

/// How many sessions, unused tickets, tickets of open sessions, proxy-granting tickets, login forms
/// and logouts under way are kept, each.
const KEPT: usize = 10_000;
/// How long a session lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// Shared by all requests.
pub(super) struct Shared {
    /// Where the server is.
    #[cfg_attr(
        not(feature = "jwt"),
        expect(dead_code, reason = "only tokens name it")
    )]
    url: String,
    #[cfg(feature = "jwt")]
    jwt: Option<JwtIssuer>,
    users: Vec<User>,
    ticket_lifetime: Duration,
    stopping: Stopping,
    validations: AtomicUsize,
    proxy_requests: AtomicUsize,
    passwords: AtomicUsize,
    back_channel: BackChannel,
    callbacks: Callbacks,
    #[cfg(feature = "released-secrets")]
    release: Option<Release>,
    behaviour: Mutex<Behaviour>,
    state: Mutex<State>,
}

#[derive(Default)]
struct Behaviour {
    quirks: Quirks,
    fault: Option<Fault>,
    front_channel: Option<FrontChannel>,
    /// The services that proxy tickets are issued for; `None` for any.
    target_services: Option<Vec<String>>,
}

struct State {
    sessions: Bounded<Session>,
    tickets: Bounded<Ticket>,
    /// Every ticket until its session ends, used or not: the services to tell about a logout.
    issued: Bounded<Issued>,
    grants: Bounded<Grant>,
    /// Proxy callbacks that wait until they are let go, by their IOU.
    held: Bounded<Exchange>,
    /// What became of the newest calls to a `pgtUrl`.
    called: VecDeque<ProxyCallback>,
    /// What the newest requests for the login page asked for.
    logins: VecDeque<LoginRequest>,
    /// One-time token of the form → the cookie of the browser that was shown it.
    forms: Bounded<String>,
    /// One-time token → a logout that a browser is in the middle of.
    visits: Bounded<Visits>,
}

impl Shared {
    pub(super) fn new(
        mut builder: CasServerBuilder,
        url: String,
        stopping: watch::Receiver<()>,
    ) -> io::Result<Self> {
        let stopping = Stopping::new(stopping);
        let outgoing = Outgoing::new(&builder.ca, builder.any_certificate, stopping.clone())?;
        #[cfg(feature = "released-secrets")]
        let release = builder.service_public_key.as_deref().map(Release::new);
        Ok(Self {
            #[cfg(feature = "released-secrets")]
            release: release.transpose()?,
            url,
            #[cfg(feature = "jwt")]
            jwt: builder.jwt.take(),
            back_channel: BackChannel::new(outgoing.clone(), builder.logout_timeout),
            callbacks: Callbacks::new(outgoing, builder.callback_timeout, builder.http_callbacks),
            users: builder.take_users(),
            ticket_lifetime: builder.ticket_lifetime,
            stopping,
            validations: AtomicUsize::new(0),
            proxy_requests: AtomicUsize::new(0),
            passwords: AtomicUsize::new(0),
            behaviour: Mutex::new(Behaviour {
                quirks: builder.quirks.into_iter().collect(),
                fault: None,
                front_channel: builder.front_channel,
                target_services: builder.target_services,
            }),
            state: Mutex::new(State {
                sessions: Bounded::new(KEPT),
                tickets: Bounded::new(KEPT),
                issued: Bounded::new(KEPT),
                grants: Bounded::new(KEPT),
                held: Bounded::new(KEPT),
                called: VecDeque::new(),
                logins: VecDeque::new(),
                forms: Bounded::new(KEPT),
                visits: Bounded::new(KEPT),
            }),
        })
    }

    pub(super) fn first_user(&self) -> Option<&User> {
        self.users.first()
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

    pub(super) fn set_target_services(&self, services: Option<Vec<String>>) {
        lock(&self.behaviour).target_services = services;
    }

    /// May proxy tickets be issued for this service?
    pub(super) fn is_target(&self, service: &str) -> bool {
        let behaviour = lock(&self.behaviour);
        let listed = behaviour.target_services.as_ref();
        listed.is_none_or(|services| services.iter().any(|known| known == service))
    }

    pub(super) fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    #[cfg(feature = "released-secrets")]
    pub(super) fn release(&self) -> Option<&Release> {
        self.release.as_ref()
    }

    /// Does a proxy get its ticket in the answer?
    pub(super) fn releases(&self) -> bool {
        #[cfg(feature = "released-secrets")]
        let releases = self.release.is_some();
        #[cfg(not(feature = "released-secrets"))]
        let releases = false;
        releases
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

    /// Counts a request for a proxy ticket; says how many came before it.
    pub(super) fn count_proxy_request(&self) -> usize {
        self.proxy_requests.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn proxy_requests(&self) -> usize {
        self.proxy_requests.load(Ordering::Relaxed)
    }

    /// Counts a password that came by the REST protocol.
    pub(super) fn sessions(&self) -> usize {
        lock(&self.state).sessions.len()
    }

    pub(super) fn count_password(&self) {
        self.passwords.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn passwords(&self) -> usize {
        self.passwords.load(Ordering::Relaxed)
    }

    /// When the server is told to stop.
    pub(super) fn stopping(&self) -> &Stopping {
        &self.stopping
    }

    /// Remembers what the login page was asked for.
    pub(super) fn note_login(&self, request: LoginRequest) {
        let logins = &mut lock(&self.state).logins;
        if logins.len() >= KEPT {
            logins.pop_front();
        }
        logins.push_back(request);
    }

    /// What the login page was asked for so far, the oldest first.
    pub(super) fn login_requests(&self) -> Vec<LoginRequest> {
        lock(&self.state).logins.iter().cloned().collect()
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
            state.hand_grants_over(so_far, &id, &session.login.user);
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
        state.drop_grants_of(id);
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
        state.grants.take_where(|grant| grant.login.user == user);
        state.issued.take_where(|issued| issued.user == user)
    }
}

// A panic elsewhere leaves these maps whole, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
