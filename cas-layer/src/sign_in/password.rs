//! A password becomes a user: the CAS server gives a ticket for it, and the ticket is validated like any other. So the
//! user's attributes are those of this service, and a service that the CAS server does not know lets nobody in.

use std::{panic::resume_unwind, sync::Arc};

use tokio::task::JoinError;
use tracing::{Instrument as _, instrument::WithSubscriber as _};

use super::validation::{Leave, Question};
#[cfg(feature = "jwt")]
use crate::registry::RegistryError;
use crate::{
    admission::{Heard, Unidentified, Validation},
    app::Host,
    client::{CasClient, Demand, GrantWish, RestError, RestErrorKind, ValidationError},
    protocol::{Password, ServiceTicket, ServiceUrl, TicketGrantingTicket},
    seldom::{Seldom, seldom},
    session::{Identity, Rejected},
};

/// A password that may be shown to the CAS server.
pub(crate) struct Attempt {
    pub(crate) leave: Leave,
    pub(crate) user: String,
    pub(crate) password: Password,
    /// What the ticket is for.
    pub(crate) service: ServiceUrl,
}

/// Why a password gives no user.
pub(crate) enum Unknown {
    /// The CAS server does not take it.
    NotSignedIn(RestError),
    /// It takes the password, and gives no ticket for the service.
    NoTicket(RestError),
    /// It gave one, and does not vouch for anybody.
    NotValidated(ValidationError),
    /// It is a JSON web token that is good, and the registry cannot say whether it was used before.
    #[cfg(feature = "jwt")]
    NotRemembered(RegistryError),
    /// The app does not admit the user.
    Rejected(Rejected),
}

impl Attempt {
    /// Asks the CAS server whose password this is, and then the app whether it admits the user. It runs to its end even if
    /// this is dropped, so that no session is left behind at the CAS server. `None` if the runtime stopped before.
    pub(crate) async fn ask(self, host: &Arc<Host>) -> Option<Result<Identity, Unknown>> {
        let host = Arc::clone(host);
        let asking = async move { self.run(&host).await };
        let asking = asking.in_current_span().with_current_subscriber();
        match tokio::spawn(asking)
            .await
            .map_err(JoinError::try_into_panic)
        {
            Ok(result) => result,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => None,
        }
    }

    async fn run(self, host: &Arc<Host>) -> Option<Result<Identity, Unknown>> {
        let client = &host.client;
        let session = match client
            .sign_in_with_password(&self.user, &self.password)
            .await
        {
            Ok(session) => session,
            Err(error) => {
                self.leave.end(host, heard_of(&error));
                return Some(Err(Unknown::NotSignedIn(error)));
            }
        };
        let result = match client.service_ticket(&session, &self.service).await {
            Ok(ticket) => identified(host, self.leave, ticket, self.service).await,
            Err(error) => {
                self.leave.end(host, heard_of(&error));
                Some(Err(Unknown::NoTicket(error)))
            }
        };
        // The request does not wait for that.
        let ending = end(client.clone(), session);
        tokio::spawn(ending.in_current_span().with_current_subscriber());
        result
    }
}

async fn identified(
    host: &Arc<Host>,
    leave: Leave,
    ticket: ServiceTicket,
    service: ServiceUrl,
) -> Option<Result<Identity, Unknown>> {
    let question = Question {
        leave,
        ticket,
        service,
        demand: Demand {
            is_renewed: false,
            grant: GrantWish::NotWanted,
        },
        begun: (),
        member: None,
    };
    let Validation { result, .. } = question.ask(host).end().await.validation()?;
    Some(result.map_err(|unidentified| match unidentified {
        Unidentified::NotValidated(error) => Unknown::NotValidated(error),
        #[cfg(feature = "jwt")]
        Unidentified::NotRemembered(error) => Unknown::NotRemembered(error),
        Unidentified::Rejected(rejected) => Unknown::Rejected(rejected),
    }))
}

/// The session at the CAS server has done its work. Without this it would stay there for hours.
async fn end(client: CasClient, session: TicketGrantingTicket) {
    static NOT_ENDED: Seldom = Seldom::new();
    if let Err(error) = client.destroy(&session).await {
        seldom!(
            warn,
            NOT_ENDED,
            %error,
            "a session that the CAS server opened for a password may go on there until it expires"
        );
    }
}

fn heard_of(error: &RestError) -> Heard {
    match error.kind() {
        // Whoever checks passwords may be away while tickets are validated all the same, and at another node.
        RestErrorKind::TimedOut | RestErrorKind::Unreachable | RestErrorKind::NotSent => {
            Heard::NoConnection
        }
        _ => Heard::Answer,
    }
}
