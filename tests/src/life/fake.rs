//! An app in a few lines, with a fault or without. The model has to find each fault.

use super::{
    model::{
        AHEAD, Change, IDLE, LIFETIME, Page, RENEWED_AFTER, Seconds, Seen, SessionNo, TOGETHER,
        Wrong,
    },
    steps::{BROWSERS, Channel, FIRST_KEYS},
    walk::{App, Logins, Shows, SignedIn},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// An expired session is accepted for one more second.
    LateExpiry,
    /// The same for an idle one.
    LateIdle,
    /// A cookie is replaced a second too late.
    LateRenewal,
    /// A page that anybody may see keeps sessions in use.
    PublicRenewal,
    /// A renewed cookie is that of a new session, which other copies do not end.
    RenewedApart,
    FutureCookies,
    EveryKeyOpens,
    /// A restart forgets what has ended.
    RestartForgets,
    /// So does a clock that is set back.
    RewindForgets,
    SignOutOfIdleIgnored,
    /// So is one with a cookie that has expired or is from the future.
    SignOutByTheClock,
    /// A sign-in leaves the session that it replaces.
    ReplacedStays,
    EndAllSparesOthers,
    /// It ends sessions of other users too.
    EndAllIsTooMuch,
    FrontChannelIgnored,
    /// Of two tickets in a message, the second.
    SecondTicketIgnored,
    /// A message for a ticket that was replaced by another tab ends nothing.
    TabsEndAlone,
    /// A message that comes before its ticket ends the session to come.
    EarlyMessageKept,
    OtherUsersTicket,
    /// Tabs that come back at once are of no family.
    TabsAlone,
}

impl Fault {
    pub(super) const ALL: [Self; 20] = [
        Self::LateExpiry,
        Self::LateIdle,
        Self::LateRenewal,
        Self::PublicRenewal,
        Self::RenewedApart,
        Self::FutureCookies,
        Self::EveryKeyOpens,
        Self::RestartForgets,
        Self::RewindForgets,
        Self::SignOutOfIdleIgnored,
        Self::SignOutByTheClock,
        Self::ReplacedStays,
        Self::EndAllSparesOthers,
        Self::EndAllIsTooMuch,
        Self::FrontChannelIgnored,
        Self::SecondTicketIgnored,
        Self::TabsEndAlone,
        Self::EarlyMessageKept,
        Self::OtherUsersTicket,
        Self::TabsAlone,
    ];
}

#[derive(Clone, Debug)]
struct Session {
    user: &'static str,
    issued_at: Seconds,
    family: usize,
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cookie {
    session: usize,
    seen_at: Seconds,
    key: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visitor {
    Nobody,
    Idle(usize),
    SignedIn(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Fake {
    fault: Option<Fault>,
    now: Seconds,
    keys: Vec<u8>,
    sessions: Vec<Session>,
    /// Which of them a ticket opened.
    opened: Vec<usize>,
    cookies: Vec<Cookie>,
    held: [Option<usize>; BROWSERS],
}

impl Fake {
    #[must_use]
    pub(super) fn new(fault: Option<Fault>, now: Seconds) -> Self {
        Self {
            fault,
            now,
            keys: FIRST_KEYS.to_vec(),
            sessions: Vec::new(),
            opened: Vec::new(),
            cookies: Vec::new(),
            held: [None; BROWSERS],
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn late(&self, fault: Fault) -> Seconds {
        Seconds::from(self.has(fault))
    }

    fn cookie(&self, who: Shows<'_>) -> Option<Cookie> {
        let number = match who {
            Shows::Browser(browser) => self.held[browser]?,
            Shows::Copy(value) => value.parse().ok()?,
        };
        Some(self.cookies[number])
    }

    fn visitor(&self, who: Shows<'_>) -> Visitor {
        let Some(cookie) = self.cookie(who) else {
            return Visitor::Nobody;
        };
        let session = &self.sessions[cookie.session];
        let opens = self.has(Fault::EveryKeyOpens) || self.keys.contains(&cookie.key);
        let future = cookie.seen_at.max(session.issued_at) > self.now + AHEAD;
        let future = future && !self.has(Fault::FutureCookies);
        let expired = self.now >= session.issued_at + LIFETIME + self.late(Fault::LateExpiry);
        if !opens || future || expired || session.ended {
            Visitor::Nobody
        } else if self.now >= cookie.seen_at + IDLE + self.late(Fault::LateIdle) {
            Visitor::Idle(cookie.session)
        } else {
            Visitor::SignedIn(cookie.session)
        }
    }

    fn set(&mut self, who: Shows<'_>, session: usize) -> Change {
        let number = self.cookies.len();
        self.cookies.push(Cookie {
            session,
            seen_at: self.now,
            key: self.keys[0],
        });
        if let Shows::Browser(browser) = who {
            self.held[browser] = Some(number);
        }
        Change::Set(number.to_string())
    }

    fn clear(&mut self, who: Shows<'_>) -> Change {
        if let Shows::Browser(browser) = who {
            self.held[browser] = None;
        }
        Change::Cleared
    }

    fn end_family(&mut self, session: usize) {
        let family = self.sessions[session].family;
        for other in &mut self.sessions {
            other.ended |= other.family == family;
        }
    }

    fn forget_ends(&mut self) {
        for session in &mut self.sessions {
            session.ended = false;
        }
    }

    fn finish(&mut self, browser: usize, user: &'static str, begun_at: Seconds) -> Change {
        let who = Shows::Browser(browser);
        let shown = match self.visitor(who) {
            Visitor::SignedIn(session) => Some(session),
            _ => None,
        };
        let new = self.sessions.len();
        let mut family = new;
        if let Some(old) = shown {
            let Session {
                user: before,
                issued_at,
                family: of_old,
                ..
            } = self.sessions[old];
            if before != user && issued_at >= begun_at && !self.has(Fault::OtherUsersTicket) {
                return Change::Kept;
            }
            if before == user && begun_at <= issued_at + TOGETHER {
                family = of_old;
                self.sessions[old].ended = true;
            } else if !self.has(Fault::ReplacedStays) {
                self.end_family(old);
            }
        }
        self.sessions.push(Session {
            user,
            issued_at: self.now,
            family,
            ended: false,
        });
        self.opened.push(new);
        self.set(who, new)
    }
}

impl App for Fake {
    fn keeps_attributes(&self) -> bool {
        false
    }

    async fn show(&mut self, who: Shows<'_>, page: Page) -> Result<Seen, Wrong> {
        let Visitor::SignedIn(mut session) = self.visitor(who) else {
            let change = match page {
                Page::Public => Change::Kept,
                Page::Protected => self.clear(who),
            };
            return Ok(Seen { user: None, change });
        };
        let seen_at = self.cookie(who).map_or(0, |cookie| cookie.seen_at);
        let due = self.now >= seen_at + RENEWED_AFTER + self.late(Fault::LateRenewal);
        let renews = page == Page::Protected || self.has(Fault::PublicRenewal);
        let user = Some(self.sessions[session].user.to_owned());
        let change = if due && renews {
            if self.has(Fault::RenewedApart) {
                self.sessions.push(self.sessions[session].clone());
                session = self.sessions.len() - 1;
                self.sessions[session].family = session;
            }
            self.set(who, session)
        } else {
            Change::Kept
        };
        Ok(Seen { user, change })
    }

    async fn sign_in(
        &mut self,
        browser: usize,
        users: &[&'static str],
        how: Logins,
    ) -> Result<SignedIn, Wrong> {
        let (begun_at, mut changes) = (self.now, Vec::new());
        let (held, first) = (self.held[browser], self.sessions.len());
        for (n, user) in users.iter().enumerate() {
            if how.at_once {
                self.held[browser] = held;
            }
            let change = self.finish(browser, user, begun_at);
            let of_user = |session: &Session| session.user == *user;
            if how.at_once
                && !self.has(Fault::TabsAlone)
                && let Some(kin) = self.sessions[first..].iter().position(of_user)
                && let Some(newest) = self.sessions.last_mut()
            {
                newest.family = first + kin;
            }
            changes.push(change);
            if how.told_early && n == 0 && self.has(Fault::EarlyMessageKept) {
                let newest = self.sessions.len() - 1;
                self.sessions[newest].ended = true;
            }
        }
        Ok(SignedIn {
            cleared: false,
            changes,
        })
    }

    async fn sign_out(&mut self, who: Shows<'_>) -> Result<Change, Wrong> {
        match self.visitor(who) {
            Visitor::Idle(_) if self.has(Fault::SignOutOfIdleIgnored) => {}
            Visitor::Idle(session) | Visitor::SignedIn(session) => self.end_family(session),
            Visitor::Nobody if self.has(Fault::SignOutByTheClock) => {}
            Visitor::Nobody => {
                let genuine = self.cookie(who).filter(|it| self.keys.contains(&it.key));
                if let Some(Cookie { session, .. }) = genuine
                    && !self.sessions[session].ended
                {
                    self.end_family(session);
                }
            }
        }
        Ok(self.clear(who))
    }

    async fn end_all(&mut self, who: Shows<'_>) -> Result<bool, Wrong> {
        let Visitor::SignedIn(own) = self.visitor(who) else {
            return Ok(false);
        };
        let user = self.sessions[own].user;
        let (spares, all) = (
            self.has(Fault::EndAllSparesOthers),
            self.has(Fault::EndAllIsTooMuch),
        );
        for (number, session) in self.sessions.iter_mut().enumerate() {
            session.ended |= all || session.user == user && (number == own || !spares);
        }
        Ok(true)
    }

    async fn message(
        &mut self,
        sessions: &[SessionNo],
        channel: Channel,
    ) -> Result<(bool, Change), Wrong> {
        let heard = match channel {
            _ if self.has(Fault::SecondTicketIgnored) => &sessions[..1],
            Channel::Front(_) if self.has(Fault::FrontChannelIgnored) => &[],
            _ => sessions,
        };
        for &named in heard {
            let session = self.opened[named];
            if self.sessions[session].ended && self.has(Fault::TabsEndAlone) {
                continue;
            }
            self.end_family(session);
        }
        Ok((true, Change::Kept))
    }

    fn clear_cookies(&mut self, browser: usize) {
        self.held[browser] = None;
    }

    fn clock_shows(&mut self, now: Seconds) {
        if now < self.now && self.has(Fault::RewindForgets) {
            self.forget_ends();
        }
        self.now = now;
    }

    fn restart(&mut self, keys: &[u8]) {
        self.keys = keys.to_vec();
        if self.has(Fault::RestartForgets) {
            self.forget_ends();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime;

    use super::*;
    use crate::life::{steps::steps, trials::search, walk::walk};

    const START: Seconds = 1_000_000;

    fn try_out(fault: Option<Fault>) -> Result<(), String> {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        search(2_000, 1, &steps(), |steps| {
            let mut fake = Fake::new(fault, START);
            runtime.block_on(walk(&mut fake, START, &steps))
        })
    }

    #[test]
    fn an_app_without_a_fault_is_as_the_model_says() {
        assert_eq!(try_out(None), Ok(()));
    }

    #[test]
    fn each_fault_is_found() {
        for fault in Fault::ALL {
            let found = try_out(Some(fault)).expect_err(&format!("{fault:?} is not found"));
            println!("{fault:?}: {found}");
        }
    }
}
