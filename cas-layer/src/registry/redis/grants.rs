//! Proxy-granting tickets in Redis. The registry does not follow them on its other connections: if a pair is lost, a
//! sign-in has no PGT, and nothing else is wrong.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use data_encoding::HEXLOWER;
use redis::Cmd;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::sleep,
};

use super::{
    RedisRegistry,
    connection::{COMMAND, Connection},
    failure::Failure,
    node::Node,
    scripts::{script, unexpected},
};
use crate::{
    clock::UnixSeconds,
    registry::{
        Delivered, Expected, IouId, LONGEST, ProxyGrants, RegistryError, RegistryErrorKind,
        RegistryFuture, Sealed,
    },
};

const EXPECT: &str = script!("pairs", "expect");
const UNEXPECT: &str = script!("pairs", "unexpect");
const DELIVER: &str = script!("pairs", "deliver");
const COLLECT: &str = script!("pairs", "collect");

/// The most pairs that are kept, for all nodes together: some 5 MB, if all have the greatest length.
const PAIRS: usize = 4096;

/// The first and the longest pause before the next look for a pair that another node may have received.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));

impl RedisRegistry {
    async fn expect_pair(&self, lasts: Duration) -> Result<Expected, RegistryError> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|error| {
            let message = "there is no randomness to name a validation with";
            RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error)
        })?;
        let name: Arc<str> = HEXLOWER.encode(&name).into();
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
            connection.run(&command, COMMAND).await
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
                    connection.run(&command, COMMAND).await
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
            let answer: String = connection.run(&command, COMMAND).await?;
            match answer.as_str() {
                "kept" => Ok(Delivered::Kept),
                "unexpected" => Ok(Delivered::Unexpected),
                "full" => Ok(Delivered::Full),
                "twice" => Ok(Delivered::Twice),
                _ => Err(unexpected()),
            }
        });
        let delivered = call.await?;
        if delivered == Delivered::Kept {
            // Perhaps nobody waits here.
            let _ = self.0.node.pairs.delivered.send(iou);
        }
        Ok(delivered)
    }

    async fn collect_pair(
        &self,
        iou: IouId,
        patience: Duration,
    ) -> Result<Option<Sealed>, RegistryError> {
        let started = Instant::now();
        // From here on no delivery to this node is missed.
        let mut delivered = self.0.node.pairs.delivered.subscribe();
        let mut pause = PAUSES.0;
        loop {
            let taken = self.call(async |node: &Node, connection: &Connection| {
                let mut command = on_pairs(COLLECT, node);
                command.arg(iou.to_string());
                let bytes: Option<Vec<u8>> = connection.run(&command, COMMAND).await?;
                bytes.map(sealed).transpose()
            });
            if let Some(grant) = taken.await? {
                return Ok(Some(grant));
            }
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            tokio::select! {
                () = comes(&mut delivered, iou) => {}
                () = sleep(pause.min(left)) => pause = pause.saturating_mul(2).min(PAUSES.1),
            }
        }
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
        Box::pin(self.collect_pair(iou, patience))
    }
}

/// Returns when this node received the pair, or may have received it.
async fn comes(delivered: &mut broadcast::Receiver<IouId>, iou: IouId) {
    loop {
        match delivered.recv().await {
            Ok(other) if other != iou => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            // The node is there for as long as its registry.
            Err(RecvError::Closed) => std::future::pending().await,
        }
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
