//! Proxy-granting tickets (CAS protocol 3.3, 3.4).

use tokio::time::Instant;

use super::{
    KEPT, SESSION_LIFETIME, Shared, State, lock,
    records::{Grant, Login, Redeemed},
};
use crate::testing::{
    ProxyCallback,
    proxy::{Exchange, Granted},
    quirks::Quirks,
    random::NoRandomness,
    single_logout::Issued,
};

impl Shared {
    /// Issues a proxy-granting ticket for a ticket that was just validated; `None` when its session has
    /// ended meanwhile.
    pub(in crate::testing) fn grant(
        &self,
        redeemed: &Redeemed,
        proxy: &str,
        quirks: &Quirks,
    ) -> Result<Option<Granted>, NoRandomness> {
        let granted = Granted::new(quirks)?;
        let mut state = lock(&self.state);
        let Some(validated) = state.issued.get(&redeemed.ticket) else {
            return Ok(None);
        };
        let grant = Grant {
            login: redeemed.login.clone(),
            proxy: proxy.to_owned(),
            chain: redeemed.chain.clone(),
            session: validated.session.clone(),
            ends: Instant::now() + SESSION_LIFETIME,
        };
        state.remember_grant(granted.ticket.clone(), grant);
        Ok(Some(granted))
    }

    /// Issues a proxy-granting ticket in no session, as if that proxy had been called back.
    pub(in crate::testing) fn grant_to(
        &self,
        login: Login,
        proxy: &str,
    ) -> Result<String, NoRandomness> {
        let Granted { ticket, .. } = Granted::new(&self.quirks())?;
        let grant = Grant {
            login,
            proxy: proxy.to_owned(),
            chain: Vec::new(),
            session: None,
            ends: Instant::now() + SESSION_LIFETIME,
        };
        lock(&self.state).remember_grant(ticket.clone(), grant);
        Ok(ticket)
    }

    /// Takes back a proxy-granting ticket that its proxy did not want.
    pub(in crate::testing) fn revoke(&self, ticket: &str) {
        let mut state = lock(&self.state);
        state.grants.remove(ticket);
        state.issued.remove(ticket);
    }

    /// Makes every proxy-granting ticket worthless. Its owner still hears of the logout.
    pub(in crate::testing) fn expire_grants(&self) {
        lock(&self.state).grants.take_where(|_| true);
    }

    /// Keeps a proxy callback for later.
    pub(in crate::testing) fn hold(&self, exchange: Exchange) {
        let iou = exchange.granted.iou.clone();
        lock(&self.state).held.insert(iou, exchange);
    }

    /// The proxy callbacks that were kept, the oldest first.
    pub(in crate::testing) fn take_held(&self) -> Vec<Exchange> {
        lock(&self.state).held.take_where(|_| true)
    }

    /// Remembers a call to a `pgtUrl`.
    pub(in crate::testing) fn record(&self, call: ProxyCallback) {
        let called = &mut lock(&self.state).called;
        if called.len() >= KEPT {
            called.pop_front();
        }
        called.push_back(call);
    }

    /// The calls to a `pgtUrl` so far, the oldest first.
    pub(in crate::testing) fn called(&self) -> Vec<ProxyCallback> {
        lock(&self.state).called.iter().cloned().collect()
    }
}

impl State {
    fn remember_grant(&mut self, ticket: String, grant: Grant) {
        let issued = Issued {
            ticket: ticket.clone(),
            user: grant.login.user.clone(),
            service: grant.proxy.clone(),
            session: grant.session.clone(),
            by_proxy: true,
        };
        self.issued.insert(ticket.clone(), issued);
        self.grants.insert(ticket, grant);
    }

    pub(super) fn is_alive(&self, grant: &Grant) -> bool {
        let ends = match &grant.session {
            Some(session) => self.sessions.get(session).map(|session| session.ends),
            None => Some(grant.ends),
        };
        ends.is_some_and(|ends| Instant::now() < ends)
    }

    pub(super) fn drop_grants_of(&mut self, session: &str) {
        self.grants
            .take_where(|grant| grant.session.as_deref() == Some(session));
    }

    /// The session goes on as another one. What was granted on behalf of somebody else ends.
    pub(super) fn hand_grants_over(&mut self, from: &str, to: &str, user: &str) {
        for grant in self.grants.values_mut() {
            if grant.session.as_deref() == Some(from) && grant.login.user == user {
                grant.session = Some(to.to_owned());
            }
        }
        self.drop_grants_of(from);
    }
}
