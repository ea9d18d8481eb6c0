//! Proxy-granting tickets at validation (CAS protocol 2.5.4).

use super::Exchange;
use crate::testing::{
    Quirk,
    quirks::Quirks,
    random::NoRandomness,
    state::{Redeemed, Shared},
};

/// The proxy was not called back, or did not take it.
pub(in crate::testing) struct CallbackFailed;

/// What an answer has of a proxy-granting ticket.
pub(in crate::testing) enum InAnswer {
    /// The IOU of a ticket that went to the proxy.
    Iou(String),
    /// The ticket itself, for a server that releases it.
    #[cfg_attr(
        not(feature = "released-secrets"),
        allow(dead_code, reason = "without a key nothing is released")
    )]
    Ticket(String),
}

/// Issues a proxy-granting ticket for a ticket that was just validated, and sends it to `pgt_url` unless the server
/// releases it.
pub(in crate::testing) async fn granting_ticket(
    shared: &Shared,
    redeemed: &Redeemed,
    pgt_url: &str,
    quirks: &Quirks,
) -> Result<Result<InAnswer, CallbackFailed>, NoRandomness> {
    let Some(granted) = shared.grant(redeemed, pgt_url, quirks)? else {
        return Ok(Err(CallbackFailed));
    };
    let is_released = shared.releases();
    let in_answer = if is_released {
        InAnswer::Ticket(granted.ticket.clone())
    } else {
        InAnswer::Iou(granted.iou.clone())
    };
    let exchange = Exchange {
        granted,
        pgt_url: pgt_url.to_owned(),
        quirks: quirks.clone(),
        is_released,
    };
    if quirks.has(Quirk::CallbackLate) && !is_released {
        shared.hold(exchange);
        return Ok(Ok(in_answer));
    }
    Ok(if deliver(shared, &exchange).await {
        Ok(in_answer)
    } else {
        Err(CallbackFailed)
    })
}

/// Calls the proxy back. When it does not take the ticket, that is worth nothing any more.
pub(super) async fn deliver(shared: &Shared, exchange: &Exchange) -> bool {
    let record = |call| shared.record(call);
    let taken = shared.callbacks().make(exchange, record).await;
    if !taken {
        shared.revoke(&exchange.granted.ticket);
    }
    taken
}
