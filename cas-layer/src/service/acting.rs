//! What a user does through the app that they are signed in to.

use std::{future::pending, pin::pin, time::Duration};

use bytes::Bytes;
use http::Response;

use crate::{
    admission::{Heard, Party},
    answer::{Answer, Reader},
    app::Host,
    client::{NodeChange, ProxyTicketError, ProxyTicketErrorKind},
    events::{Event, SignOutCause},
    protocol::{ProxyTicket, ServiceUrl},
    registry::RegistryError,
    session::Binding,
    sign_in::granting::{self, Granted},
    user::{Act, CasUser, Holds, Home},
};

impl Home for Host {
    fn cas_url(&self) -> &str {
        self.client.url()
    }

    fn app_url(&self) -> String {
        self.url.as_string()
    }

    fn ended<'a>(&'a self, user: &'a CasUser) -> Act<'a, ()> {
        Box::pin(ended(self, user))
    }

    fn sign_out<'a>(&'a self, user: &'a CasUser) -> Act<'a, Response<Bytes>> {
        Box::pin(sign_out(self, user))
    }

    fn end_all<'a>(&'a self, user_name: &'a str) -> Act<'a, Result<(), RegistryError>> {
        Box::pin(self.end_all_of(user_name))
    }

    fn proxy_ticket<'a>(
        &'a self,
        user: &'a CasUser,
        target: &'a str,
    ) -> Act<'a, Result<ProxyTicket, ProxyTicketError>> {
        Box::pin(async move {
            let ticket = proxy_ticket(self, user, target).await;
            let result = ticket.as_ref().map(drop).map_err(ProxyTicketError::kind);
            self.tell(Event::ProxyTicket(result));
            ticket
        })
    }
}

async fn ended(host: &Host, user: &CasUser) {
    let app = &host.app;
    let expires_at = user.identity().expires_at;
    let left = || Duration::from_secs(expires_at.saturating_sub(app.clock.now()));
    let Some(session) = user.session() else {
        let mut never = pin!(pending());
        while !left().is_zero() {
            app.watch.wait_for(never.as_mut(), left()).await;
        }
        return;
    };
    let session = host.registered(session);
    let mut ended = pin!(app.registry.ended().wait_for(&session));
    while !left().is_zero() && app.registry.is_current() {
        if app.watch.wait_for(ended.as_mut(), left()).await {
            return;
        }
    }
}

async fn sign_out(host: &Host, user: &CasUser) -> Response<Bytes> {
    let (place, now) = (user.place(), host.app.clock.now());
    host.end(user, SignOutCause::SignOut, now).await;
    let mut answer = Answer::redirect(place.after_sign_out(host));
    // Without a session, cookies that came along belong to a browser's session, which goes on.
    if user.session().is_some() {
        // The browser's own is not at hand.
        let mut binding = Binding::default();
        binding.signed_out(now);
        if let Some(confirmations) = &host.confirmations {
            binding.know(confirmations.tag_of(user.name()), now);
        }
        answer = answer
            .with_cookie(host.session_cookie.clear())
            .with_cookie(place.kept_login_cookie(host, &binding, now));
    }
    answer.render(host, &Reader::handler(place))
}

async fn proxy_ticket(
    host: &Host,
    user: &CasUser,
    target: &str,
) -> Result<ProxyTicket, ProxyTicketError> {
    let target = ServiceUrl::parse(target).map_err(ProxyTicketError::invalid_target)?;
    let granted = match user.holds() {
        Holds::Session(session) => granting::of_session(host, session).await,
        Holds::Ticket(identity) => Ok(granting::of_ticket(host, identity)),
    };
    let granting_ticket = match granted {
        Ok(Granted::Ticket(ticket)) => ticket,
        Ok(Granted::None) => return Err(ProxyTicketError::no_granting_ticket()),
        Ok(Granted::Ended) => return Err(ProxyTicketError::ended()),
        Err(error) => return Err(ProxyTicketError::registry_unavailable(&error)),
    };
    let breaker = &host.validations.breaker;
    let pass = breaker.ask(Party::Anybody);
    let pass = pass.ok_or_else(ProxyTicketError::cas_away)?;
    let tell = |change: &NodeChange<'_>| host.tell(Event::CasNode(change));
    let asked = host
        .client
        .proxy_ticket_as(&granting_ticket, &target, &tell);
    let ticket = asked.await;
    let kind = ticket.as_ref().map(drop).map_err(ProxyTicketError::kind);
    if let Some(change) = breaker.tell(pass, heard_of(kind)) {
        host.tell(Event::CasServer(change));
    }
    if let Err(error) = &ticket
        && error.kind() == ProxyTicketErrorKind::Expired
        && let Some(session) = user.session()
    {
        granting::forget(host, session).await;
    }
    ticket
}

fn heard_of(result: Result<(), ProxyTicketErrorKind>) -> Heard {
    match result {
        Err(ProxyTicketErrorKind::TimedOut) => Heard::Nothing,
        Err(ProxyTicketErrorKind::Unreachable) => Heard::NoConnection,
        _ => Heard::Answer,
    }
}
