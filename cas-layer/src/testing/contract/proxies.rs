//! Pairs and proxy-granting tickets to try a registry with.

use std::{sync::Arc, time::Duration};

use tokio::{task::yield_now, time::timeout};

use super::support::{NOW, id};
use crate::registry::{Delivered, Expected, IouId, ProxyGrants, Registry, Sealed};

/// Far longer than anything takes: it decides between slow and stuck.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// So long that nothing ends by itself while somebody waits.
pub(super) const LONG: Duration = Duration::from_secs(3_600);

pub(super) fn grants(registry: &Arc<dyn Registry>) -> &dyn ProxyGrants {
    registry.proxy_grants().unwrap()
}

/// The hash of an IOU. Spread as hashes are.
pub(super) fn iou(n: u64) -> IouId {
    (*id(n).as_bytes()).into()
}

/// Sealed bytes, of every value.
pub(super) fn grant(n: u64) -> Sealed {
    let mut bytes: Vec<u8> = (0..=255).rev().collect();
    bytes.extend(n.to_be_bytes());
    Sealed::new(bytes).unwrap()
}

pub(super) async fn expect(registry: &Arc<dyn Registry>) -> Expected {
    grants(registry).expect(LONG, *NOW).await.unwrap()
}

pub(super) async fn deliver(registry: &Arc<dyn Registry>, n: u64) -> Delivered {
    let delivered = grants(registry).deliver(iou(n), grant(n), *NOW);
    delivered.await.unwrap()
}

/// What is there now.
pub(super) async fn collect(registry: &Arc<dyn Registry>, n: u64) -> Option<Sealed> {
    wait_for(registry, n, Duration::ZERO).await
}

pub(super) async fn wait_for(
    registry: &Arc<dyn Registry>,
    n: u64,
    patience: Duration,
) -> Option<Sealed> {
    let collected = grants(registry).collect(iou(n), patience, *NOW);
    collected.await.unwrap()
}

/// Delivers something until it is what is expected: an end is not waited for by those who drop it.
pub(super) async fn until(registry: &Arc<dyn Registry>, n: u64, expected: Delivered) {
    let comes = async {
        while deliver(registry, n).await != expected {
            yield_now().await;
        }
    };
    timeout(LIMIT, comes).await.expect("an end that comes");
}
