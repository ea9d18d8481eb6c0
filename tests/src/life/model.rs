//! What must be true of sessions and their cookies. Pure: no clock, no I/O, nothing of the layer.
//!
//! A cookie is accepted if and only if
//!
//! - one of the app's keys opens it, and what the registry keeps of its session, if it does: that is sealed at the sign-in;
//! - neither its session nor the cookie itself was issued more than [`AHEAD`] in the future;
//! - its session began less than [`LIFETIME`] ago, and the cookie was issued less than [`IDLE`] ago;
//! - its session has not ended: by a sign-out with any copy of its cookie, by another sign-in in its browser, by a
//!   message of the CAS server, by an end of all sessions of its user, or with its family. An end is for good,
//!   whatever the clock says later.
//!
//! Where the answer may be either, as after a message that was answered 503, the session is [`State::Unsure`] until the
//! first answer settles it.

/// Seconds of the app's clock.
pub(super) type Seconds = u64;

/// From sign-in, used or not.
pub(super) const LIFETIME: Seconds = 1_800;
/// From the last cookie.
pub(super) const IDLE: Seconds = 1_000;
/// A cookie in use is replaced when it is so old.
pub(super) const RENEWED_AFTER: Seconds = 100;
/// How far ahead a clock may be.
pub(super) const AHEAD: Seconds = 300;
/// A login that begins so soon after a sign-in of its browser is one of tabs that were opened together.
pub(super) const TOGETHER: Seconds = 60;

/// A browser that seems to go round in circles has a count of its rounds. The first page after a sign-in ends the count,
/// in place of a renewal. After this time, it no longer does.
const COUNTED_FOR: Seconds = 120;

/// A session, by when it was opened: 0 is the first.
pub(super) type SessionNo = usize;
/// A session cookie, by when it was issued.
pub(super) type CookieNo = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Shows who is signed in, if anybody is.
    Public,
    /// Requires a user. Only such a page keeps a session in use.
    Protected,
}

/// A time at which something changes for a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// It is replaced from here on, if it is used.
    Due,
    Idle,
    Over,
    /// A login that begins from here on is no longer one of tabs that were opened together. A second after it.
    Apart,
    /// It is from the future before this.
    Ahead,
}

/// What an answer says about the session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Kept,
    Cleared,
    /// This is its value.
    Set(String),
}

/// What a user saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The user by whose name the app itself answered.
    pub(super) user: Option<String>,
    pub(super) change: Change,
}

/// What the model has to say about a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Refused,
    /// Either is right.
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Live,
    Ended,
    Unsure,
}

#[derive(Clone, Debug)]
struct Session {
    user: &'static str,
    /// The first key when it was opened.
    key: u8,
    issued_at: Seconds,
    state: State,
    /// Sessions with the same number end together.
    family: usize,
    /// It was replaced by a session of its own family: a message that names it ends that family still.
    leads_to_family: bool,
    /// Its browser may have a count of rounds, as it showed a cookie of no use when it signed in.
    may_have_count: bool,
}

#[derive(Clone, Debug)]
struct Cookie {
    session: SessionNo,
    seen_at: Seconds,
    key: u8,
}

/// Everything that the model knows.
#[derive(Clone, Debug)]
pub(super) struct Model {
    now: Seconds,
    /// In the registry.
    keeps_attributes: bool,
    /// The first seals, all open.
    keys: Vec<u8>,
    sessions: Vec<Session>,
    cookies: Vec<Cookie>,
}

/// What is wrong, in a sentence.
pub(super) type Wrong = String;

impl Model {
    #[must_use]
    pub(super) fn new(now: Seconds, keys: &[u8], keeps_attributes: bool) -> Self {
        Self {
            now,
            keeps_attributes,
            keys: keys.to_vec(),
            sessions: Vec::new(),
            cookies: Vec::new(),
        }
    }

    #[must_use]
    pub(super) fn now(&self) -> Seconds {
        self.now
    }

    pub(super) fn clock_shows(&mut self, now: Seconds) {
        self.now = now;
    }

    pub(super) fn keys_are(&mut self, keys: &[u8]) {
        self.keys = keys.to_vec();
    }

    /// How many sessions were opened.
    #[must_use]
    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many cookies were issued.
    #[must_use]
    pub(super) fn cookies(&self) -> usize {
        self.cookies.len()
    }

    #[must_use]
    pub(super) fn user_of(&self, cookie: CookieNo) -> &'static str {
        self.sessions[self.cookies[cookie].session].user
    }

    /// When it is this moment for a cookie.
    #[must_use]
    pub(super) fn time_of(&self, cookie: CookieNo, moment: Moment) -> Seconds {
        let (seen_at, issued_at) = (
            self.cookies[cookie].seen_at,
            self.session_of(cookie).issued_at,
        );
        match moment {
            Moment::Due => seen_at + RENEWED_AFTER,
            Moment::Idle => seen_at + IDLE,
            Moment::Over => issued_at + LIFETIME,
            Moment::Apart => issued_at + TOGETHER + 1,
            Moment::Ahead => seen_at.max(issued_at) - AHEAD,
        }
    }

    /// Whether an app accepts the cookie.
    #[must_use]
    pub(super) fn verdict(&self, cookie: CookieNo) -> Verdict {
        let key_of_attributes = self.session_of(cookie).key;
        let is_whole = !self.keeps_attributes || self.keys.contains(&key_of_attributes);
        let counts = is_whole
            && self.opens(cookie)
            && !self.is_from_the_future(cookie)
            && !self.has_expired(cookie)
            && !self.is_idle(cookie);
        match self.session_of(cookie).state {
            _ if !counts => Verdict::Refused,
            State::Live => Verdict::Accepted,
            State::Ended => Verdict::Refused,
            State::Unsure => Verdict::Either,
        }
    }

    /// A page was opened with this cookie, or without any. A cookie that the answer sets becomes the newest.
    pub(super) fn showed(
        &mut self,
        cookie: Option<CookieNo>,
        page: Page,
        seen: &Seen,
    ) -> Result<(), Wrong> {
        let Some(cookie) = cookie else {
            return nobody(seen);
        };
        let name = self.user_of(cookie);
        match (self.verdict(cookie), seen.user.as_deref()) {
            (Verdict::Refused, _) | (Verdict::Either, None) => {
                nobody(seen)?;
                // What has expired or come out of use says nothing about its end.
                self.settle(cookie, State::Ended);
                return Ok(());
            }
            (Verdict::Accepted | Verdict::Either, Some(user)) if user == name => {
                self.settle(cookie, State::Live);
            }
            (_, user) => return Err(format!("a cookie of {name} shows {user:?}")),
        }
        let is_due = page == Page::Protected
            && self.now >= self.cookies[cookie].seen_at.saturating_add(RENEWED_AFTER);
        let no = self.cookies[cookie].session;
        let is_new = self.now.abs_diff(self.sessions[no].issued_at) < COUNTED_FOR;
        match (&seen.change, is_due) {
            (Change::Kept, false) => Ok(()),
            (Change::Kept, true) if is_new && self.sessions[no].may_have_count => {
                self.sessions[no].may_have_count = false;
                Ok(())
            }
            (Change::Set(_), true) => {
                self.issue(no);
                Ok(())
            }
            (change, _) => Err(format!("due: {is_due}, and the cookie is {change:?}")),
        }
    }

    /// A browser came back with a ticket for `user`, for a login that began at `begun_at`, and showed a cookie that is
    /// accepted, or none that counts. `set` is whether the answer set a cookie, which becomes the newest.
    pub(super) fn signed_in(
        &mut self,
        user: &'static str,
        shown: Option<CookieNo>,
        begun_at: Seconds,
        set: bool,
    ) -> Result<(), Wrong> {
        let old = shown.filter(|&cookie| self.verdict(cookie) == Verdict::Accepted);
        let old = old.map(|cookie| self.cookies[cookie].session);
        // Somebody else's ticket may have been sent to this browser.
        let refused = old.is_some_and(|old| {
            self.sessions[old].issued_at >= begun_at && self.sessions[old].user != user
        });
        if refused || !set {
            return if refused && !set {
                Ok(())
            } else {
                Err(format!("refused: {refused}, and a cookie is set: {set}"))
            };
        }
        let new = self.sessions.len();
        let beside = old.filter(|&old| {
            self.sessions[old].user == user
                && begun_at <= self.sessions[old].issued_at.saturating_add(TOGETHER)
        });
        let family = beside.map_or(new, |old| self.sessions[old].family);
        self.open(Session {
            user,
            key: self.keys[0],
            issued_at: self.now,
            state: State::Live,
            family,
            leads_to_family: false,
            may_have_count: old.map_or(shown.is_some(), |old| self.sessions[old].may_have_count),
        });
        if let Some(old) = old {
            if beside.is_some() {
                self.sessions[old].leads_to_family = true;
                self.sessions[old].state = State::Ended;
            } else {
                self.end(old);
            }
        }
        Ok(())
    }

    /// The same for one of several tabs that came back at once. None of them has seen the sessions of the others, of which
    /// the `first` is this one. Those of one user are a family.
    pub(super) fn signed_in_at_once(
        &mut self,
        user: &'static str,
        shown: Option<CookieNo>,
        first: SessionNo,
        set: bool,
    ) -> Result<(), Wrong> {
        if !set {
            return Err("a tab is not signed in".to_owned());
        }
        let new = self.sessions.len();
        let kin = (first..new).find(|&other| self.sessions[other].user == user);
        self.open(Session {
            user,
            key: self.keys[0],
            issued_at: self.now,
            state: State::Live,
            family: kin.unwrap_or(new),
            leads_to_family: false,
            may_have_count: shown.is_some(),
        });
        Ok(())
    }

    fn open(&mut self, session: Session) {
        let new = self.sessions.len();
        self.sessions.push(session);
        self.issue(new);
    }

    /// Somebody signed out with this cookie. It counts if the cookie is genuine, whatever the clock says.
    pub(super) fn signed_out(&mut self, cookie: CookieNo) {
        let session = self.cookies[cookie].session;
        if !self.opens(cookie) {
            return;
        }
        match self.sessions[session].state {
            State::Live => self.end(session),
            State::Unsure => {
                self.may_end(session);
                self.sessions[session].state = State::Ended;
            }
            State::Ended => {}
        }
    }

    /// Somebody asked with this cookie for the end of all sessions of its user. `done` is whether the app said so.
    pub(super) fn ended_all(&mut self, cookie: Option<CookieNo>, done: bool) -> Result<(), Wrong> {
        let verdict = cookie.map_or(Verdict::Refused, |cookie| self.verdict(cookie));
        match (verdict, cookie, done) {
            (Verdict::Refused | Verdict::Either, _, false) => {
                if let Some(cookie) = cookie {
                    self.settle(cookie, State::Ended);
                }
                Ok(())
            }
            (Verdict::Accepted | Verdict::Either, Some(cookie), true) => {
                let user = self.user_of(cookie);
                let all = self.sessions.iter_mut();
                for session in all.filter(|session| session.user == user) {
                    session.state = State::Ended;
                }
                Ok(())
            }
            _ => Err(format!("{verdict:?}, and all sessions ended: {done}")),
        }
    }

    /// The CAS server said that these sessions are over. It is `sure` if the answer was 200.
    pub(super) fn told(&mut self, named: &[SessionNo], sure: bool) {
        for &session in named {
            let Session {
                state,
                leads_to_family,
                ..
            } = self.sessions[session];
            match (state, sure) {
                (State::Ended, _) if !leads_to_family => {}
                (State::Live | State::Ended, true) => self.end(session),
                (_, false) => self.may_end(session),
                (State::Unsure, true) => {
                    self.may_end(session);
                    self.sessions[session].state = State::Ended;
                }
            }
        }
    }

    fn session_of(&self, cookie: CookieNo) -> &Session {
        &self.sessions[self.cookies[cookie].session]
    }

    fn opens(&self, cookie: CookieNo) -> bool {
        self.keys.contains(&self.cookies[cookie].key)
    }

    fn is_from_the_future(&self, cookie: CookieNo) -> bool {
        let issued_at = self.session_of(cookie).issued_at;
        self.cookies[cookie].seen_at.max(issued_at) > self.now.saturating_add(AHEAD)
    }

    fn has_expired(&self, cookie: CookieNo) -> bool {
        self.now >= self.session_of(cookie).issued_at.saturating_add(LIFETIME)
    }

    fn is_idle(&self, cookie: CookieNo) -> bool {
        self.now >= self.cookies[cookie].seen_at.saturating_add(IDLE)
    }

    fn issue(&mut self, session: SessionNo) {
        self.cookies.push(Cookie {
            session,
            seen_at: self.now,
            key: self.keys[0],
        });
    }

    /// An answer says which of the two it is, if the cookie is refused for no other reason.
    fn settle(&mut self, cookie: CookieNo, state: State) {
        if self.verdict(cookie) == Verdict::Either {
            let session = self.cookies[cookie].session;
            self.sessions[session].state = state;
        }
    }

    /// A session ends with its family.
    fn end(&mut self, session: SessionNo) {
        let family = self.sessions[session].family;
        for other in &mut self.sessions {
            if other.family == family {
                other.state = State::Ended;
            }
        }
    }

    /// It may have ended, with its family.
    fn may_end(&mut self, session: SessionNo) {
        let family = self.sessions[session].family;
        for other in &mut self.sessions {
            if other.family == family && other.state == State::Live {
                other.state = State::Unsure;
            }
        }
    }
}

/// Nobody is signed in, and the answer signs nobody in.
fn nobody(seen: &Seen) -> Result<(), Wrong> {
    match seen {
        Seen {
            user: None,
            change: Change::Kept | Change::Cleared,
        } => Ok(()),
        Seen { user, change } => Err(format!("refused, but {user:?} is seen, {change:?}")),
    }
}
