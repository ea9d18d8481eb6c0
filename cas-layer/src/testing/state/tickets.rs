//! Service tickets and proxy tickets (CAS protocol 3.1, 3.2).

use tokio::time::Instant;

use super::{
    Shared, State, lock,
    records::{Link, Login, Redeemed, Refused, Ticket},
};
use crate::testing::{
    quirks::{Quirk, Quirks},
    random::{self, NoRandomness, ticket_name},
    service,
    single_logout::Issued,
};

impl Shared {
    /// Issues a service ticket (CAS protocol 3.1) to a user who has just typed the password, in
    /// no session.
    pub(in crate::testing) fn issue(
        &self,
        login: Login,
        service: &str,
    ) -> Result<String, NoRandomness> {
        let name = ticket_name("ST", &self.quirks())?;
        let ticket = self.ticket(login, service, true, None);
        let mut state = lock(&self.state);
        state.supersede(&ticket, &self.quirks());
        let shown = self.shown(&name, &ticket);
        state.remember(name, shown.clone(), ticket);
        Ok(shown)
    }

    /// Issues a proxy ticket (3.2) that came through these, the newest first, in no session.
    pub(in crate::testing) fn issue_through(
        &self,
        login: Login,
        service: &str,
        chain: Vec<Link>,
    ) -> Result<String, NoRandomness> {
        let name = ticket_name("PT", &self.quirks())?;
        let ticket = Ticket {
            chain,
            ..self.ticket(login, service, false, None)
        };
        lock(&self.state).remember(name.clone(), name.clone(), ticket);
        Ok(name)
    }

    /// Issues a proxy ticket (3.2) on a proxy-granting ticket; `None` when that is not good.
    pub(in crate::testing) fn issue_on(
        &self,
        granting: &str,
        service: &str,
        quirks: &Quirks,
    ) -> Result<Option<String>, NoRandomness> {
        let name = ticket_name("PT", quirks)?;
        let mut state = lock(&self.state);
        let Some(grant) = state.grants.get(granting) else {
            return Ok(None);
        };
        if !state.is_alive(grant) {
            return Ok(None);
        }
        let ticket = Ticket {
            chain: grant.chain_to(service),
            ..self.ticket(grant.login.clone(), service, false, grant.session.clone())
        };
        state.remember(name.clone(), name.clone(), ticket);
        Ok(Some(name))
    }

    /// Issues a service ticket in a session, or a SAML artifact in its place (SAML 1.1 bindings, 4.1.1.8);
    /// `None` when the session has ended meanwhile.
    pub(in crate::testing) fn issue_in(
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
            ticket_name("ST", &self.quirks())?
        };
        let mut state = lock(&self.state);
        if !state.sessions.contains(&session) {
            return Ok(None);
        }
        let ticket = self.ticket(login, service, from_password, Some(session));
        state.supersede(&ticket, &self.quirks());
        let shown = if as_artifact {
            name.clone()
        } else {
            self.shown(&name, &ticket)
        };
        state.remember(name, shown.clone(), ticket);
        Ok(Some(shown))
    }

    /// What the browser gets for a service ticket: its name, or a token that stands for it.
    #[cfg_attr(
        not(feature = "jwt"),
        expect(clippy::unused_self, reason = "only tokens depend on the server")
    )]
    fn shown(&self, name: &str, ticket: &Ticket) -> String {
        #[cfg(feature = "jwt")]
        if let Some(issuer) = &self.jwt {
            let Ticket {
                login,
                service,
                from_password,
                ..
            } = ticket;
            let user = self.user(&login.user);
            return match issuer.stand_for(name, (&self.url, service), login, *from_password, user) {
                Ok(token) => token,
                Err(error) => panic!("{error}"),
            };
        }
        let _ = ticket;
        name.to_owned()
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
            chain: Vec::new(),
            ends: Instant::now().checked_add(self.ticket_lifetime),
        }
    }

    /// Uses a ticket up and says what it was good for.
    pub(in crate::testing) fn redeem(
        &self,
        name: &str,
        service: &str,
        renew: bool,
        quirks: &Quirks,
    ) -> Result<Redeemed, Refused> {
        let ticket = lock(&self.state)
            .tickets
            .remove(name)
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
            ticket: name.to_owned(),
            chain: ticket.chain.clone(),
            login: ticket.login.clone(),
            from_password: ticket.from_password,
            spent: ticket,
        })
    }

    /// Makes a ticket good again, unless its session has ended meanwhile.
    pub(in crate::testing) fn put_back(&self, redeemed: &Redeemed) {
        let ticket = redeemed.spent.clone();
        let mut state = lock(&self.state);
        let session = ticket.session.as_deref();
        if session.is_none_or(|session| state.sessions.contains(session)) {
            state.tickets.insert(redeemed.ticket.clone(), ticket);
        }
    }
}

impl State {
    /// A logout names the ticket, and a validation what the browser was shown.
    fn remember(&mut self, name: String, shown: String, ticket: Ticket) {
        let issued = Issued {
            ticket: name.clone(),
            user: ticket.login.user.clone(),
            service: ticket.service.clone(),
            session: ticket.session.clone(),
            by_proxy: name.starts_with("PT-"),
        };
        self.issued.insert(name, issued);
        self.tickets.insert(shown, ticket);
    }

    /// Makes the unused tickets worthless whose place a new one takes.
    fn supersede(&mut self, new: &Ticket, quirks: &Quirks) {
        if !quirks.has(Quirk::OnlyNewestTicket) {
            return;
        }
        let loosely = Quirks::from_iter([Quirk::CompareWithoutQuery]);
        self.tickets.take_where(|ticket| {
            ticket.chain.is_empty()
                && ticket.session == new.session
                && service::same(&ticket.service, &new.service, &loosely)
        });
    }

    /// Makes the unused tickets of a session worthless.
    pub(super) fn drop_tickets_of(&mut self, session: &str) {
        self.tickets
            .take_where(|ticket| ticket.session.as_deref() == Some(session));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::sync::watch;

    use super::{Login, Shared};
    use crate::testing::CasServerBuilder;

    #[test]
    fn a_session_that_has_ended_gives_no_ticket() {
        let (_stop, stopping) = watch::channel(());
        let shared = Shared::new(CasServerBuilder::new(), String::new(), stopping).unwrap();
        let login = Login {
            user: "casuser".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            is_remembered: false,
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
