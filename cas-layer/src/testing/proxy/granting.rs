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

/// Issues a proxy-granting ticket for a ticket that was just validated and sends it to `pgt_url`;
/// gives the IOU.
pub(in crate::testing) async fn granting_ticket(
    shared: &Shared,
    redeemed: &Redeemed,
    pgt_url: &str,
    quirks: &Quirks,
) -> Result<Result<String, CallbackFailed>, NoRandomness> {
    let Some(granted) = shared.grant(redeemed, pgt_url, quirks)? else {
        return Ok(Err(CallbackFailed));
    };
    let iou = granted.iou.clone();
    let exchange = Exchange {
        granted,
        pgt_url: pgt_url.to_owned(),
        quirks: quirks.clone(),
    };
    if quirks.has(Quirk::CallbackLate) {
        shared.hold(exchange);
        return Ok(Ok(iou));
    }
    Ok(if deliver(shared, &exchange).await {
        Ok(iou)
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
