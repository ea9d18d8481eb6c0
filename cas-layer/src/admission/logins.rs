//! One validation at a time for each login.
//!
//! A browser may come with its ticket twice: its user reloads the page while the CAS server is being asked, or clicks
//! twice. The browser then gives up the first request, whose ticket is used up nevertheless. So a validation always
//! runs to its end, and a request with the same ticket meanwhile gets the same answer.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::Response;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{Running, Validation};
use crate::{
    registry::Begun,
    session::{LoginValue, SessionId},
};

/// How many there may be for one login at once: requests that bring a ticket, and a validation.
const MAX_MEMBERS: usize = 6;

/// The logins whose tickets are being validated.
#[derive(Default)]
pub(crate) struct Logins(Mutex<HashMap<LoginValue, Login>>);

struct Login {
    /// Who uses it now.
    members: usize,
    state: Arc<AsyncMutex<State>>,
}

/// What the requests of a login leave for each other.
#[derive(Default)]
enum State {
    #[default]
    Nothing,
    /// The CAS server is being asked for the ticket of this session.
    Asking(SessionId, Running<Begun>),
    /// The answer to the ticket of this session.
    Answered(SessionId, Response<Bytes>),
}

impl Logins {
    /// Comes with a ticket of this login, and waits until no other ticket of it is in work. `None` if too many wait.
    pub(crate) async fn turn(self: &Arc<Self>, value: LoginValue) -> Option<Turn> {
        let (member, state) = self.enter(value)?;
        let state = state.lock_owned().await;
        Some(Turn { state, member })
    }

    fn enter(self: &Arc<Self>, value: LoginValue) -> Option<(Member, Arc<AsyncMutex<State>>)> {
        let mut logins = self.logins();
        let login = logins.entry(value).or_insert_with(|| Login {
            members: 0,
            state: Arc::default(),
        });
        if login.members >= MAX_MEMBERS {
            return None;
        }
        login.members += 1;
        let state = Arc::clone(&login.state);
        drop(logins);
        let logins = Arc::clone(self);
        Some((Member { logins, value }, state))
    }

    fn logins(&self) -> MutexGuard<'_, HashMap<LoginValue, Login>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values are what makes foreign tickets unusable.
impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("count", &self.logins().len())
            .finish()
    }
}

/// A user of a login's entry. The entry is forgotten with the last one.
pub(crate) struct Member {
    logins: Arc<Logins>,
    value: LoginValue,
}

impl Member {
    fn another(&self) -> Self {
        if let Some(login) = self.logins.logins().get_mut(&self.value) {
            login.members += 1;
        }
        Self {
            logins: Arc::clone(&self.logins),
            value: self.value,
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut logins = self.logins.logins();
        let is_last = logins.get_mut(&self.value).is_some_and(|login| {
            login.members -= 1;
            login.members == 0
        });
        let forgotten = is_last.then(|| logins.remove(&self.value));
        drop(logins);
        drop(forgotten);
    }
}

/// A request whose ticket is the only one of its login in work.
pub(crate) struct Turn {
    state: OwnedMutexGuard<State>,
    member: Member,
}

impl Turn {
    /// The answer to an earlier request with the same ticket, if that answer is still there.
    pub(crate) fn answer_to(&self, id: SessionId) -> Option<Response<Bytes>> {
        match &*self.state {
            State::Answered(answered, response) if *answered == id => Some(response.clone()),
            _ => None,
        }
    }

    /// Whether a request that went away left the validation of this ticket behind. If one of another ticket was left,
    /// waits for it.
    pub(crate) async fn takes_over(&mut self, id: SessionId) -> bool {
        match &mut *self.state {
            State::Asking(asking, _) if *asking == id => return true,
            // Nobody wants to know any more, but the CAS server has not done with it.
            State::Asking(_, other) => drop(other.end().await),
            State::Nothing | State::Answered(..) => {}
        }
        *self.state = State::Nothing;
        false
    }

    /// Begins the validation of the ticket of this session. The validation uses the login's entry too, so a later
    /// request still finds it after this request has gone away.
    pub(crate) fn ask(&mut self, id: SessionId, begin: impl FnOnce(Member) -> Running<Begun>) {
        *self.state = State::Asking(id, begin(self.member.another()));
    }

    /// The result of the validation. `None` if the runtime stops before.
    pub(crate) async fn outcome(&mut self) -> Option<Validation<Begun>> {
        let State::Asking(_, running) = &mut *self.state else {
            return None;
        };
        let end = running.end().await;
        *self.state = State::Nothing;
        end.validation()
    }

    /// Leaves the answer for later requests with the same ticket.
    pub(crate) fn answered(&mut self, id: SessionId, response: &Response<Bytes>) {
        *self.state = State::Answered(id, response.clone());
    }
}

#[cfg(test)]
mod tests;
