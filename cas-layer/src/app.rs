//! A configuration at work: hosts, paths, cookies, sources, and what all of them share.

mod auth_request;
mod ending;
mod endpoints;
mod frames;
mod granting;
mod hosts;
mod kept;
mod rebroadcast;
mod replaced;
mod route;
mod vault;
mod watch;

use std::{sync::Arc, time::Duration};

pub(crate) use auth_request::{AuthRequest, OriginalFields};
pub(crate) use endpoints::{Endpoint, Endpoints};
pub(crate) use frames::Frames;
pub(crate) use granting::Granting;
pub(crate) use hosts::Hosts;
use http::HeaderMap;
pub(crate) use kept::{Kept, NotKept, NotThere, Owner};
pub(crate) use rebroadcast::{NodeMessage, Rebroadcast};
pub(crate) use replaced::Replaced;
pub(crate) use route::Route;
pub(crate) use vault::{Label, Vault};
pub(crate) use watch::Watch;

use crate::{
    admission::{Forms, Peers, Sources, Validations},
    client::CasClient,
    clock::{Clock, UnixSeconds},
    events::{Event, Hooks},
    pages::Pages,
    paths::{AppUrl, ReturnPath},
    protocol::{LoginPage, ServiceTicket, ServiceUrl},
    registry::{AccountId, RegisteredSession, Registry},
    rules::Rules,
    session::{
        BindingCookie, Confirmations, Content, Lifetimes, RoundsCookie, Sealer, SessionCookie,
        SessionData, SessionId, remove_cookies,
    },
};

/// How long a session may take to open once its ticket is validated.
const OPENING: Duration = Duration::from_secs(30);

/// What the layer works with at one public host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) app: Arc<App>,
    pub(crate) url: AppUrl,
    pub(crate) client: CasClient,
    pub(crate) session_cookie: SessionCookie,
    pub(crate) binding_cookie: BindingCookie,
    pub(crate) rounds_cookie: RoundsCookie,
    /// Where a sign-in of a user who is new to the browser waits until the user confirms it.
    pub(crate) confirmations: Option<Confirmations>,
    /// The names of the cookies of all hosts.
    pub(crate) own_cookies: Arc<[String]>,
    pub(crate) service_tag: Sealer,
    /// Where the CAS server sends the visitor after sign-out.
    pub(crate) logged_out_url: ServiceUrl,
    /// Shared by hosts with the same CAS server. A slow CAS server does not hold up the others.
    pub(crate) validations: Arc<Validations>,
    /// The other nodes, if single logouts are passed on to them.
    pub(crate) rebroadcast: Option<Arc<Rebroadcast>>,
}

/// What is the same at every host.
#[derive(Debug)]
pub(crate) struct App {
    /// Whether a reverse proxy removes the app URL's path before a request gets here.
    pub(crate) prefix_stripped: bool,
    pub(crate) endpoints: Endpoints,
    /// How questions of a reverse proxy are answered, if there is an endpoint for them.
    pub(crate) auth_request: Option<AuthRequest>,
    pub(crate) rules: Rules,
    pub(crate) sign_in: SignIn,
    pub(crate) login_page: AskedPage,
    pub(crate) landing: ReturnPath,
    /// How long a browser is not sent to the CAS server again by a gateway rule, in seconds.
    pub(crate) gateway_interval: UnixSeconds,
    pub(crate) sign_out: SignOut,
    pub(crate) after_logout: Option<ReturnPath>,
    pub(crate) peers: Peers,
    /// Without a list they may come from anywhere.
    pub(crate) logout_sources: Option<Sources>,
    /// How the app gets proxy-granting tickets, if it asks for them.
    pub(crate) granting: Option<Granting>,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) watch: Watch,
    pub(crate) vault: Vault,
    pub(crate) kept: Kept,
    pub(crate) replaced: Replaced,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) content: Content,
    pub(crate) forms: Forms,
    pub(crate) private_by_default: bool,
    /// Who may frame the app, if other sites may: then its cookies come with requests of other sites too.
    pub(crate) frames: Option<Arc<Frames>>,
    pub(crate) pages: Pages,
    pub(crate) clock: Clock,
    pub(crate) hooks: Hooks,
}

impl Host {
    /// Tells the log, the metrics and the app what has happened.
    pub(crate) fn tell<'e>(&'e self, event: impl Into<Event<'e>>) {
        self.app.hooks.tell(&event.into().at(self.client.url()));
    }

    /// A session as the registry sees it.
    pub(crate) fn registered<'s>(&'s self, session: &'s SessionData) -> RegisteredSession<'s> {
        RegisteredSession::of(session, self.client.url())
    }

    /// Whose attributes the registry keeps for this session.
    pub(crate) fn owner(&self, session: &SessionData) -> Owner {
        Owner {
            session: session.id,
            account: AccountId::of(self.client.url(), session.user()),
        }
    }

    /// Removes the cookies of this app from a request, and leaves all others. Browsers ignore ports, so they send
    /// those of another host of the app too.
    pub(crate) fn remove_own_cookies(&self, headers: &mut HeaderMap) {
        remove_cookies(headers, &self.own_cookies);
    }

    /// The name of the session that a ticket opens: that of the ticket which a single logout names.
    pub(crate) fn session_of(&self, ticket: &ServiceTicket) -> SessionId {
        #[cfg(feature = "jwt")]
        if let Some(inside) = self.client.ticket_inside(ticket) {
            return SessionId::of(&inside.ticket);
        }
        SessionId::of(ticket)
    }

    /// How long a session is begun at most before it is open.
    pub(crate) fn begun_for(&self) -> Duration {
        self.identified_within() + OPENING
    }

    /// How long it takes at most until the CAS server and the app have said who the user of a ticket is.
    pub(crate) fn identified_within(&self) -> Duration {
        let admit = self.app.content.admit.as_ref();
        self.client.timeout() + admit.map_or(Duration::ZERO, |admit| admit.limit)
    }

    /// The public path that a sign-in leads to; without `next`, the landing path.
    pub(crate) fn destination(&self, next: Option<&ReturnPath>) -> String {
        self.url
            .public_path(next.unwrap_or(&self.app.landing).as_str())
    }
}

/// How a visitor signs in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignIn {
    /// With credentials every time.
    pub(crate) is_renewed: bool,
    /// With a service URL that has no query.
    pub(crate) is_bare: bool,
    /// The CAS server is asked to have the browser post the ticket.
    pub(crate) is_by_post: bool,
}

/// What the CAS server's login page is asked for besides a ticket.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskedPage {
    /// At every login.
    pub(crate) always: LoginPage,
    pub(crate) links: PageLinks,
}

/// What a link to the login endpoint may ask of that page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageLinks {
    pub(crate) choose_locale: bool,
    pub(crate) remember: bool,
}

/// How a visitor signs out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignOut {
    /// Not at the CAS server.
    pub(crate) is_local: bool,
    /// By `POST` from a page of this app alone.
    pub(crate) is_post_only: bool,
}
