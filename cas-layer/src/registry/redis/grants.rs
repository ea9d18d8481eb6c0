//! Proxy-granting tickets in Redis. The registry does not follow them on its other connections: if a pair is lost, a
//! sign-in has no PGT, and nothing else is wrong.

use std::{sync::Arc, time::Duration};

use data_encoding::HEXLOWER;
use redis::Cmd;

use super::{
    RedisRegistry,
    connection::Connection,
    failure::Failure,
    node::Node,
    scripts::{script, unexpected},
};
use crate::{
    clock::UnixSeconds,
    registry::{
        Delivered, Expected, IouId, LONGEST, ProxyGrants, RegistryError, RegistryFuture, Sealed,
        grants::remote,
    },
};
const EXPECT: &str = script!("pairs", "expect");
const UNEXPECT: &str = script!("pairs", "unexpect");
const DELIVER: &str = script!("pairs", "deliver");
const COLLECT: &str = script!("pairs", "collect");

/// The most pairs that are kept, for all nodes together: some 5 MB, if all have the greatest length.
const PAIRS: usize = 4096;

impl RedisRegistry {
    async fn expect_pair(&self, lasts: Duration) -> Result<Expected, RegistryError> {
        let name: Arc<str> = HEXLOWER.encode(&remote::new_name()?).into();
        // Made first: a future that is dropped half-way may have told Redis already.
        let expected = Expected::new({
            let (registry, name) = (self.clone(), Arc::clone(&name));
            move || registry.unexpect_pair(name)
        });
        self.call(async move |node: &Node, connection: &Connection| {
            let mut command = on_pairs(EXPECT, node);
            // Never nothing, nor longer than Redis can count.
            let lasts = lasts.clamp(Duration::from_millis(1), Duration::from_secs(LONGEST));
            command.arg(&*name).arg(lasts.as_millis().to_string());
            connection.run(&command).await
        })
        .await
        .map(|()| expected)
    }

    fn unexpect_pair(&self, name: Arc<str>) {
        let registry = self.clone();
        self.0.runtime.spawn(async move {
            // What is not taken back is forgotten soon by itself.
            let _: Result<(), _> = registry
                .call(async move |node: &Node, connection: &Connection| {
                    let mut command = on_pairs(UNEXPECT, node);
                    command.arg(&*name);
                    connection.run(&command).await
                })
                .await;
        });
    }

    async fn deliver_pair(&self, iou: IouId, grant: Sealed) -> Result<Delivered, RegistryError> {
        let call = self.call(async |node: &Node, connection: &Connection| {
            // Never closed.
            let _turn = node.pairs.deliveries.acquire().await;
            let mut command = on_pairs(DELIVER, node);
            command
                .arg(iou.to_string())
                .arg(grant.as_bytes())
                .arg(PAIRS);
            let answer: String = connection.run(&command).await?;
            remote::delivered(&answer).ok_or_else(unexpected)
        });
        let delivered = call.await?;
        if delivered == Delivered::Kept {
            self.0.node.pairs.delivered.note(iou);
        }
        Ok(delivered)
    }

    async fn take_pair(&self, iou: IouId) -> Result<Option<Sealed>, RegistryError> {
        self.call(async |node: &Node, connection: &Connection| {
            let mut command = on_pairs(COLLECT, node);
            command.arg(iou.to_string());
            let bytes: Option<Vec<u8>> = connection.run(&command).await?;
            bytes.map(sealed).transpose()
        })
        .await
    }
}

impl ProxyGrants for RedisRegistry {
    fn expect(&self, lasts: Duration, _: UnixSeconds) -> RegistryFuture<'_, Expected> {
        Box::pin(self.expect_pair(lasts))
    }

    fn deliver(&self, iou: IouId, grant: Sealed, _: UnixSeconds) -> RegistryFuture<'_, Delivered> {
        Box::pin(self.deliver_pair(iou, grant))
    }

    fn collect(
        &self,
        iou: IouId,
        patience: Duration,
        _: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>> {
        let delivered = &self.0.node.pairs.delivered;
        Box::pin(delivered.collect(iou, patience, move || self.take_pair(iou)))
    }
}

/// A script for pairs.
fn on_pairs(code: &str, node: &Node) -> Cmd {
    let keys = node.keys.pairs();
    let mut command = redis::cmd("EVAL");
    command.arg(code).arg(keys.len()).arg(&keys);
    command
}

/// Redis has what some node put there, and nothing longer.
pub(super) fn sealed(bytes: Vec<u8>) -> Result<Sealed, Failure> {
    Sealed::new(bytes).ok_or_else(unexpected)
}
