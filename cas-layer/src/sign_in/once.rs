//! A ticket that is a JSON web token is good once. The CAS server is not asked about it, so the registry is.

use crate::{
    admission::Unidentified,
    app::Host,
    client::{TicketInside, ValidationError},
    clock::UnixSeconds,
    protocol::ServiceTicket,
    registry::{Begun, LogoutSender, Opened, RegistryError},
    session::SessionId,
};

/// Uses a validated ticket up, for all nodes that share the registry. Any other ticket than a token was used up by the CAS
/// server.
///
/// # Errors
///
/// The ticket was used before, or the registry cannot say.
pub(super) async fn use_up(host: &Host, ticket: &ServiceTicket) -> Result<(), Unidentified> {
    let Some(inside) = host.client.ticket_inside(ticket) else {
        return Ok(());
    };
    match is_first(host, &inside, host.app.clock.now()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unidentified::NotValidated(ValidationError::used_before())),
        Err(error) => Err(Unidentified::NotRemembered(error)),
    }
}

/// Opens an entry of the registry, and ends it. Of all who do so, one ends it, and after that none.
async fn is_first(
    host: &Host,
    inside: &TicketInside,
    now: UnixSeconds,
) -> Result<bool, RegistryError> {
    let registry = &host.app.registry;
    let name = SessionId::of_used(&inside.ticket);
    let begun = Begun::new(registry, name, host.begun_for()).await?;
    if begun.open(None, inside.ends_at, now).await? == Opened::Ended {
        return Ok(false);
    }
    let ended = registry.end_if_opened(vec![name], LogoutSender::app(), now);
    Ok(ended.await?.contains(&name))
}
