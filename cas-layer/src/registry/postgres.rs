//! The registry of many nodes, in PostgreSQL.
//!
//! - `schema.sql` has the tables and the steps, each a function and a transaction of its own. [`schema`] sets them up, and
//!   [`steps`] calls them.
//! - [`node`] is what a node knows. Five tasks run over it:
//! - [`noter`] tells PostgreSQL of validations that begin and are given up, in order: [`notes`];
//! - [`writer`] empties the [`queue`] of ends;
//! - [`ears`] listens for notifications, which only say that there is something to read;
//! - [`follow`] reads what has ended, notices a loss by the signs in [`known`], and forgets what has expired by a clock
//!   that is [`steady`];
//! - [`again`] tells PostgreSQL of what it has lost, or was not told.
//! - [`sessions`] finds out whether a pooler is in the way;
//! - [`grants`] is what PostgreSQL does for proxy-granting tickets, and [`storage`] what it keeps for open sessions.

mod again;
mod builder;
mod connection;
mod ears;
mod facts;
mod failure;
mod follow;
mod grants;
mod known;
mod node;
mod noter;
mod notes;
mod queue;
mod schema;
mod sealed;
mod sessions;
mod steady;
mod steps;
mod storage;
mod sweep;
mod writer;

use std::{fmt, sync::Arc, time::Duration};

pub use builder::PostgresRegistryBuilder;
use sqlx::postgres::PgListener;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};

use self::{
    failure::{Failure, away},
    follow::Follower,
    node::Node,
    notes::Kind,
    queue::{AccountEnd, Ended, Ending, Named},
};
use super::{
    AccountId, EndedSessions, LONGEST, LogoutSender, Opened, ProxyGrants, RegisteredSession,
    Registry, RegistryError, RegistryErrorKind, RegistryFuture, SessionFamilies, SessionStorage,
    recent::RecentLogout,
};
use crate::{clock::UnixSeconds, session::SessionId};

/// How long [`PostgresRegistry::shutdown`] waits for PostgreSQL.
const SHUTDOWN: Duration = Duration::from_secs(5);

#[doc = include_str!("../docs/postgres.md")]
#[doc = concat!("```sql\n", include_str!("postgres/schema.sql"), "```\n")]
#[derive(Clone)]
pub struct PostgresRegistry(Arc<Handles>);

/// What the clones share. The tasks share the node alone, so that the last clone ends them.
struct Handles {
    node: Arc<Node>,
    fail_closed_after: Option<Duration>,
    tasks: [AbortHandle; 5],
    runtime: Handle,
}

impl Drop for Handles {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        let lost = self.node.queue.len();
        if lost > 0 {
            tracing::error!(
                lost,
                "the registry is gone before PostgreSQL was told of all sign-outs"
            );
        }
    }
}

impl PostgresRegistry {
    fn start(
        node: Arc<Node>,
        follower: Follower,
        listener: PgListener,
        fail_closed_after: Option<Duration>,
    ) -> Self {
        let runtime = Handle::current();
        let shared = || Arc::clone(&node);
        let (first, second, third, fourth, fifth) =
            (shared(), shared(), shared(), shared(), shared());
        let tasks = [
            runtime.spawn(async move { noter::run(&first).await }),
            runtime.spawn(async move { writer::run(&second).await }),
            runtime.spawn(async move { ears::run(&third, listener).await }),
            runtime.spawn(async move { follow::run(&fourth, follower).await }),
            runtime.spawn(async move { again::run(&fifth).await }),
        ]
        .map(|task| task.abort_handle());
        Self(Arc::new(Handles {
            node,
            fail_closed_after,
            tasks,
            runtime,
        }))
    }

    fn node(&self) -> &Arc<Node> {
        &self.0.node
    }

    /// Tells PostgreSQL of the sign-outs that still wait, for 5 seconds at most, and ends the registry. Call it at the end of the
    /// process, when no request is served any more: later calls fail. The pool stays open.
    ///
    /// # Errors
    /// PostgreSQL is away. The sign-outs that it was not told of are in force nowhere after this process.
    pub async fn shutdown(&self) -> Result<(), RegistryError> {
        let node = self.node();
        let told = timeout(SHUTDOWN, node.queue.is_empty()).await;
        for task in &self.0.tasks {
            task.abort();
        }
        node.facts.set_away(true);
        told.map_err(|_| {
            RegistryError::new(
                RegistryErrorKind::Unavailable,
                "PostgreSQL was not told of all sign-outs",
            )
            .with_source(format!("{} of them are lost", node.queue.len()))
        })
    }

    /// Does something in PostgreSQL, within the time of a call. It is done even if nobody waits for it: a connection on which
    /// something was broken off could not be used again.
    fn run<T: Send + 'static, F>(
        &self,
        call: impl FnOnce(Arc<Node>) -> F,
    ) -> impl Future<Output = Result<T, RegistryError>> + Send + 'static
    where
        F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        let done = timeout(self.node().timeout, call(Arc::clone(self.node())));
        let done = self.0.runtime.spawn(done);
        async move {
            match done.await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Failure::Silent.into()),
                Err(error) => {
                    let message = "nobody asked PostgreSQL";
                    Err(RegistryError::new(RegistryErrorKind::Unavailable, message)
                        .with_source(error))
                }
            }
        }
    }

    /// Waits for what a task says, within the time of a call.
    async fn answer<T>(
        &self,
        answered: oneshot::Receiver<Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        match timeout(self.node().timeout, answered).await {
            Ok(Ok(result)) => result,
            // The registry was shut down.
            Ok(Err(_)) => Err(away()),
            Err(_) => Err(Failure::Silent.into()),
        }
    }
}

impl PostgresRegistry {
    async fn open_session(
        &self,
        family: Option<SessionId>,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryError> {
        self.run(|node| async move {
            if node.facts.is_away() {
                return Err(away());
            }
            let session = steps::lasting(id, expires_at, now);
            node.saw_lifetime(session.seconds);
            match steps::open(&node, session, family).await? {
                Some(0) => {
                    // Whoever has an older cookie is not let in either.
                    node.ended.end(id, expires_at, now);
                    Ok(Opened::Ended)
                }
                Some(number) => {
                    node.facts.saw_number(number);
                    // A logout that this node knows of and PostgreSQL does not, yet or any more.
                    if node.ended.contain_id(id) {
                        return Ok(Opened::Ended);
                    }
                    Ok(Opened::Live { number })
                }
                None => Err(RegistryError::new(
                    RegistryErrorKind::Unavailable,
                    "PostgreSQL does not know that this sign-in had begun: a logout may have been lost",
                )),
            }
        })
        .await
    }

    /// Has an end told to PostgreSQL that holds at this node. It is told whether a caller waits or not.
    fn push(&self, ending: Ending) -> Result<Ended, RegistryError> {
        let node = self.node();
        let pushed = node.queue.push(ending);
        if pushed.is_err() {
            // PostgreSQL is told when it is compared with what this node knows.
            node.facts.leave_untold();
        }
        pushed
    }

    async fn told(&self, ended: Result<Ended, RegistryError>) -> Result<(), RegistryError> {
        let ended = ended?;
        if self.node().facts.is_away() {
            return Err(away());
        }
        self.answer(ended).await.map(drop)
    }

    /// PostgreSQL may not know a session because it has lost it, and it may not have heard of the logout. Then it is told
    /// again.
    async fn end_named(&self, logout: RecentLogout) -> Result<Vec<SessionId>, RegistryError> {
        let RecentLogout { sender, now, .. } = logout;
        let asked = logout.ids.clone();
        let done = self.try_to_end_named(logout).await;
        let node = self.node();
        let logout = |ids| RecentLogout { ids, sender, now };
        match done {
            Ok((ended, unknown)) => {
                node.unknown.note(logout(unknown));
                Ok(ended)
            }
            Err(error) => {
                // Where there was no room, there is none to remember it either.
                if error.kind() == RegistryErrorKind::Unavailable {
                    node.unheard.note(logout(asked));
                    node.again.notify_one();
                }
                Err(error)
            }
        }
    }

    /// Nearly all messages of strangers name sessions that nobody has. A read finds that out; few reads run at once, and they
    /// take no room in the queue. Returns which sessions have ended now, and which are unknown.
    async fn try_to_end_named(
        &self,
        logout: RecentLogout,
    ) -> Result<(Vec<SessionId>, Vec<SessionId>), RegistryError> {
        let until = Instant::now() + self.node().timeout;
        self.run(move |node| async move {
            let RecentLogout { ids, sender, now } = logout;
            if node.facts.is_away() {
                return Err(away());
            }
            let turn = node.turns.take(sender).await?;
            let found = {
                // Never closed.
                let _stranger = node.strangers.acquire().await;
                steps::find(&node, &ids).await?
            };
            let unknown = ids
                .into_iter()
                .filter(|id| !found.live.contains(id) && !found.has_ended(*id));
            let unknown = unknown.collect();
            for end in found.ended {
                node.apply(end, now);
            }
            if found.live.is_empty() {
                return Ok((Vec::new(), unknown));
            }
            let ids = found.live;
            let named = Named {
                logout: RecentLogout { ids, sender, now },
                turn: Some(turn),
            };
            let ended = node.queue.push(Ending::Named(named))?;
            match timeout_at(until, ended).await {
                Ok(Ok(ended)) => Ok((ended?, unknown)),
                // The registry was shut down.
                Ok(Err(_)) => Err(away()),
                Err(_) => Err(Failure::Silent.into()),
            }
        })
        .await
    }
}

impl Registry for PostgresRegistry {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        if self.node().facts.is_away() {
            return Box::pin(std::future::ready(Err(away())));
        }
        let noted = self.node().notes.add(Kind::Begin, *id.as_bytes(), lasts);
        Box::pin(self.answer(noted))
    }

    fn abandon(&self, id: SessionId) {
        self.node().notes.take_back(Kind::Abandon, *id.as_bytes());
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
        self.node().ended.end(id, expires_at, now);
        let ended = self.push(Ending::Session(steps::lasting(id, expires_at, now)));
        Box::pin(self.told(ended))
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        if ids.is_empty() {
            return Box::pin(std::future::ready(Ok(ids)));
        }
        Box::pin(self.end_named(RecentLogout { ids, sender, now }))
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        let node = self.node();
        let number = node.facts.number_of_now();
        // Users who sign in here from now on are above it.
        node.facts.saw_number(number);
        node.ended.end_all(account, number, expires_at, now);
        let ended = self.push(Ending::Account(AccountEnd {
            account,
            number,
            expires_at,
            seconds: expires_at.saturating_sub(now).min(LONGEST),
            is_prompt: true,
        }));
        Box::pin(self.told(ended))
    }

    fn ended(&self) -> &EndedSessions {
        &self.node().ended
    }

    fn is_ended(&self, session: &RegisteredSession<'_>) -> bool {
        let node = self.node();
        let has_ended = node.ended.contain(session);
        if !has_ended && node.facts.is_recovering() {
            node.seen.note(session);
        }
        has_ended
    }

    fn is_current(&self) -> bool {
        let limit = self.0.fail_closed_after;
        limit.is_none_or(|limit| self.node().facts.age() <= limit)
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

impl SessionFamilies for PostgresRegistry {
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

/// Shows its state, but not where PostgreSQL is.
impl fmt::Debug for PostgresRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresRegistry")
            .field("schema", &self.node().schema.name)
            .field("ended", &self.node().ended)
            .field("waiting", &self.node().queue.len())
            .finish_non_exhaustive()
    }
}
