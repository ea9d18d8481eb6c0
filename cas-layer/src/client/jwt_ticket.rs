//! A ticket that is a JSON web token, in the hands of a client.

use super::{CasClient, error::ValidationError, validate::Demand};
use crate::{
    clock::UnixSeconds,
    protocol::{Authentication, ServiceTicket, ServiceUrl, TokenKeys},
};

/// A service ticket that stands in a token.
#[derive(Debug)]
pub(crate) struct TicketInside {
    pub(crate) ticket: ServiceTicket,
    /// From then on the token does not count any more.
    pub(crate) ends_at: UnixSeconds,
}

impl CasClient {
    /// The service ticket that this one stands for, if it is a token that the keys accept. Whether it counts here and now is
    /// another matter.
    pub(crate) fn ticket_inside(&self, ticket: &ServiceTicket) -> Option<TicketInside> {
        let claims = self.inner.tokens.as_ref()?.claims(ticket)?.ok()?;
        Some(TicketInside {
            ticket: claims.ticket().clone(),
            ends_at: claims.ends_at(),
        })
    }

    /// Whether the server is not asked about this ticket.
    pub(crate) fn validates_here(&self, ticket: &ServiceTicket) -> bool {
        self.inner.tokens.is_some() && TokenKeys::is_token(ticket.expose_secret())
    }

    /// Validates a ticket that is a token; `None` for any other.
    pub(super) fn validate_token(
        &self,
        demand: Demand,
        ticket: &ServiceTicket,
        service: &ServiceUrl,
    ) -> Option<Result<Authentication, ValidationError>> {
        let tokens = self.inner.tokens.as_ref()?;
        let asked = (service, self.clock.now(), demand.is_renewed);
        let claims = tokens.claims(ticket)?;
        Some(
            claims
                .and_then(|claims| tokens.take(claims, asked))
                .map_err(ValidationError::token),
        )
    }
}
