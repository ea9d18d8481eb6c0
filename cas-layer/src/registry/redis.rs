//! The registry of many nodes, in Redis.
//!
//! - [`scripts`] are the steps that Redis takes, each whole or not at all. Look there for the states of a session.
//! - [`node`] is what a node knows. It imports no task; [`tasks`] starts those that run over it.
//! - They keep two connections: one for calls, and one on which [`follow`] waits for news. [`master`] finds the server.
//! - All that has ended is read by [`pages`] on a third one, which is closed afterwards. [`lent`] is how that one is logged in.
//! - [`grants`] is what Redis does for proxy-granting tickets, and [`storage`] what it keeps for open sessions.
//! - [`queue`] and [`flush`] bring sign-outs to Redis; sign-ins go there directly. [`named`] first checks whether
//!   there is anything to end.
//! - [`recovery`] and [`reopen`] restore what Redis has lost.
//! - [`number`] says which numbers of sessions are believed.

mod address;
mod builder;
mod connection;
mod entry_id;
mod facts;
mod failure;
mod flush;
mod follow;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod grants;
mod info;
mod kept;
mod keys;
mod known;
mod lent;
mod link;
mod master;
mod named;
mod node;
mod number;
mod pages;
mod pairs;
mod queue;
mod read;
mod recovery;
mod reopen;
mod replicas;
mod scripts;
mod storage;
mod stream;
mod tasks;
mod tls;
mod wait;

use std::{fmt, sync::Arc, time::Duration};

pub use builder::RedisRegistryBuilder;
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, sleep_until, timeout},
};

use self::{
    connection::Connection,
    failure::Failure,
    known::Known,
    link::State,
    node::Node,
    queue::{Ended, Ending},
    scripts::{AccountEnd, EndCall},
    tasks::Pair,
};
use super::{
    AccountId, EndedSessions, LONGEST, LogoutSender, Opened, ProxyGrants, RegisteredSession,
    Registry, RegistryError, RegistryErrorKind, RegistryFuture, SessionFamilies, SessionStorage,
};
use crate::{clock::UnixSeconds, session::SessionId};

/// How long [`RedisRegistry::shutdown`] waits for Redis.
const SHUTDOWN: Duration = Duration::from_secs(5);

#[doc = include_str!("../docs/redis.md")]
#[derive(Clone)]
pub struct RedisRegistry(Arc<Handles>);

/// What the clones share. The task shares the node alone, so that the last clone ends it.
struct Handles {
    node: Arc<Node>,
    fail_closed_after: Option<Duration>,
    task: AbortHandle,
    runtime: Handle,
}

impl Drop for Handles {
    fn drop(&mut self) {
        self.task.abort();
        let lost = self.node.queue.len();
        if lost > 0 {
            tracing::error!(
                lost,
                "the registry is gone before Redis was told of all sign-outs"
            );
        }
    }
}

impl RedisRegistry {
    fn start(
        node: Arc<Node>,
        known: Known,
        pair: Option<Pair>,
        fail_closed_after: Option<Duration>,
    ) -> Self {
        match &pair {
            Some(pair) => node.link.set(State::Up(pair.commands.clone())),
            // Sign-outs before the first connection are in force here.
            None => node.queue.redis_went(&node.ended, node.facts.longest()),
        }
        let runtime = Handle::current();
        let task = {
            let node = Arc::clone(&node);
            runtime.spawn(async move { tasks::run(&node, known, pair).await })
        };
        Self(Arc::new(Handles {
            node,
            fail_closed_after,
            task: task.abort_handle(),
            runtime,
        }))
    }

    /// Tells Redis of the sign-outs that still wait, for 5 seconds at most, and disconnects. Call it at the end of
    /// the process, when no request is served any more: later calls fail.
    ///
    /// # Errors
    /// Redis is away. The sign-outs that it was not told of are in force nowhere after this process.
    pub async fn shutdown(&self) -> Result<(), RegistryError> {
        let node = &self.0.node;
        let told = timeout(SHUTDOWN, node.queue.is_empty()).await;
        self.0.task.abort();
        node.link.set(State::Down);
        told.map_err(|_| {
            RegistryError::new(
                RegistryErrorKind::Unavailable,
                "Redis was not told of all sign-outs",
            )
            .with_source(format!("{} of them are lost", node.queue.len()))
        })
    }

    /// For everything that one call does, whatever happens at Redis.
    fn timeout(&self) -> Duration {
        self.0.node.connector.timeout()
    }

    /// Runs a call that is useful at once or not at all.
    async fn call<T>(
        &self,
        call: impl AsyncFnOnce(&Node, &Connection) -> Result<T, Failure>,
    ) -> Result<T, RegistryError> {
        let node = &self.0.node;
        let called = timeout(self.timeout(), async {
            let connection = node.link.connection().await?;
            let result = call(node, &connection).await;
            Ok(node.checked(&connection, result)?)
        });
        called.await.unwrap_or_else(|_| Err(Failure::Silent.into()))
    }

    /// Waits until Redis has recorded an end for good, until then at most. The end stays in the queue, whether a
    /// caller waits or not.
    async fn ended_in_redis(
        &self,
        ended: Result<Ended, RegistryError>,
        until: Instant,
    ) -> Result<Vec<SessionId>, RegistryError> {
        let ended = ended?;
        tokio::select! {
            biased;
            result = ended => result.unwrap_or_else(|_| Err(link::away())),
            () = self.0.node.link.is_down() => Err(link::away()),
            () = sleep_until(until) => Err(Failure::Silent.into()),
        }
    }

    async fn open_session(
        &self,
        family: Option<SessionId>,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryError> {
        let call = self.call(async move |node: &Node, connection: &Connection| {
            let session = node.lasting(id, expires_at, now);
            let highest = node.facts.highest();
            let opened = scripts::open(connection, &node.keys, (session, family), highest).await?;
            let is_safe = node.min_replicas == 0 || connection.replicas().have_all().await;
            Ok((opened, is_safe))
        });
        match call.await? {
            (Some(Opened::Ended), _) => {
                // Whoever has an older cookie is not let in either.
                self.ended().end(id, expires_at, now);
                Ok(Opened::Ended)
            }
            (Some(Opened::Live { number }), true) => {
                self.0.node.facts.saw_number(number);
                // A logout that this node knows of and Redis has lost.
                if self.ended().contain_id(id) {
                    return Ok(Opened::Ended);
                }
                Ok(Opened::Live { number })
            }
            (Some(Opened::Live { .. }), false) => Err(flush::not_replicated()),
            (None, _) => Err(RegistryError::new(
                RegistryErrorKind::Unavailable,
                "Redis does not know that this sign-in had begun: a logout may have been lost",
            )),
        }
    }

    fn push(&self, ending: Ending) -> Result<Ended, RegistryError> {
        let node = &self.0.node;
        let is_sure = !matches!(ending, Ending::IfOpened { .. });
        let pushed = node.queue.push(ending, &node.ended, node.facts.longest());
        if pushed.is_err() && is_sure {
            // It has ended here. Redis is told when it is compared with what this node knows.
            node.facts.leave_untold();
        }
        pushed
    }
}

impl Registry for RedisRegistry {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        let registry = self.clone();
        // It is done even if nobody waits for it. Otherwise the `abandon` that follows might take back the beginning of
        // somebody else who brings the same ticket.
        let begun = self.0.runtime.spawn(async move {
            registry
                .call(async move |node: &Node, connection: &Connection| {
                    scripts::begin(connection, &node.keys, id, lasts).await
                })
                .await
        });
        Box::pin(async move {
            begun.await.unwrap_or_else(|error| {
                let message = "nobody told Redis of a sign-in";
                Err(RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error))
            })
        })
    }

    fn abandon(&self, id: SessionId) {
        let registry = self.clone();
        self.0.runtime.spawn(async move {
            // What is not taken back is forgotten soon by itself.
            let _ = registry
                .call(async move |node: &Node, connection: &Connection| {
                    scripts::abandon(connection, &node.keys, id).await
                })
                .await;
        });
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        Box::pin(self.open_session(None, id, expires_at, now))
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        let node = &self.0.node;
        node.ended.end(id, expires_at, now);
        let ended = self.push(Ending::Session(node.lasting(id, expires_at, now)));
        Box::pin(async move {
            self.ended_in_redis(ended, Instant::now() + self.timeout())
                .await
                .map(drop)
        })
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        if ids.is_empty() {
            // Redis would have nothing to answer.
            return Box::pin(std::future::ready(Ok(ids)));
        }
        Box::pin(self.end_named(ids, sender, now))
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        let node = &self.0.node;
        let redis_time = node.facts.redis_now();
        let number = node.facts.number_of_now();
        // Users who sign in here from now on are above it.
        node.facts.saw_number(number);
        node.ended.end_all_for_now(account, number, expires_at, now);
        let seconds = expires_at.saturating_sub(now).min(LONGEST);
        node.saw_lifetime(seconds);
        let ended = self.push(Ending::Account(AccountEnd {
            account,
            number,
            expires_at,
            seconds,
            call: Some(EndCall {
                base: node.facts.base(),
                redis_time,
                at: std::time::Instant::now(),
            }),
        }));
        Box::pin(async move {
            self.ended_in_redis(ended, Instant::now() + self.timeout())
                .await
                .map(drop)
        })
    }

    fn ended(&self) -> &EndedSessions {
        &self.0.node.ended
    }

    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        let node = &self.0.node;
        let has_ended = node.ended.contain(session);
        if !has_ended && node.facts.is_recovering() {
            node.seen.note(session);
        }
        has_ended
    }

    fn is_current(&self) -> bool {
        let facts = &self.0.node.facts;
        let limit = self.0.fail_closed_after;
        facts.is_loaded() && limit.is_none_or(|limit| facts.age() <= limit)
    }

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        Some(self)
    }

    fn families(&self) -> Option<&dyn SessionFamilies> {
        Some(self)
    }

    fn storage(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }
}

impl SessionFamilies for RedisRegistry {
    fn open_in(
        &self,
        family: SessionId,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        Box::pin(self.open_session(Some(family), id, expires_at, now))
    }
}

/// Shows where Redis is and its state, but neither user name nor password.
impl fmt::Debug for RedisRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRegistry")
            .field("address", self.0.node.connector.address())
            .field("ended", &self.0.node.ended)
            .field("waiting", &self.0.node.queue.len())
            .finish_non_exhaustive()
    }
}
