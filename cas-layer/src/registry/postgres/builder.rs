//! Setting up a [`PostgresRegistry`].

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio::{
    sync::{Notify, Semaphore},
    time::timeout,
};

use super::{
    PostgresRegistry,
    connection::call,
    ears,
    facts::Facts,
    failure::{self, Failure, POOLER, unusable},
    follow::Follower,
    node::{Ears, Node},
    notes::Notes,
    queue::Queue,
    schema::Schema,
    sessions,
};
use crate::registry::{
    EndedSessions, RegistryError,
    grants::remote::Deliveries,
    limits::{self, Mistake},
    recent::RecentLogouts,
    seen::Seen,
    turns::Turns,
};

/// For each of the things that [`PostgresRegistryBuilder::connect`] does.
const STEP: Duration = Duration::from_secs(10);

/// How many connections the registry needs. It keeps two.
const MIN_CONNECTIONS: u32 = 4;

/// PostgreSQL 13.
const MIN_VERSION: i32 = 130_000;

/// Its version, whether it is a replica, how it isolates, and whether it writes to the disk.
const SERVER: &str = "SELECT current_setting('server_version_num')::integer, pg_is_in_recovery(), \
     current_setting('transaction_isolation'), current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', \
     current_setting('server_version')";

impl PostgresRegistry {
    /// Connects, with defaults for everything: see [`builder`](Self::builder) and [`PostgresRegistryBuilder::connect`].
    pub async fn connect(pool: PgPool) -> Result<Self, RegistryError> {
        Self::builder(pool).connect().await
    }

    /// Makes the tables and functions in the schema `cas_layer`, or those of an earlier version new. See
    /// [`PostgresRegistryBuilder::migrate`].
    pub async fn migrate(pool: &PgPool) -> Result<(), RegistryError> {
        Self::builder(pool.clone()).migrate().await
    }

    /// Begins a registry in the database to which the pool leads. The pool should be the registry's own, with 4 connections or
    /// more: it keeps two of them. How it connects is the app's choice, TLS too.
    pub fn builder(pool: PgPool) -> PostgresRegistryBuilder {
        PostgresRegistryBuilder {
            pool,
            schema: "cas_layer".to_owned(),
            fail_closed_after: None,
            queue: 100_000,
            longest_lifetime: Duration::from_secs(8 * 3600),
            timeout: limits::TIMEOUT,
        }
    }
}

/// Sets up a [`PostgresRegistry`].
#[must_use = "a builder does nothing until `connect()` is called"]
pub struct PostgresRegistryBuilder {
    pool: PgPool,
    schema: String,
    fail_closed_after: Option<Duration>,
    queue: usize,
    longest_lifetime: Duration,
    timeout: Duration,
}

impl PostgresRegistryBuilder {
    /// The schema of the database with the registry's tables. Registries with different schemas share nothing. A lower-case
    /// letter, and 47 more lower-case letters, digits and `_` at most. The default value is `cas_layer`.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// How long without news from PostgreSQL this node goes on trusting sessions. After that, a request with a session is
    /// answered with 503 if its path requires a user, until there is news again. At least 3 seconds. By default, the node goes
    /// on for as long as it takes.
    ///
    /// # Security
    /// Without a limit, a node that is cut off accepts sessions that were signed out at other nodes meanwhile.
    pub fn fail_closed_after(mut self, limit: Duration) -> Self {
        self.fail_closed_after = Some(limit);
        self
    }

    /// How many sign-outs of users who show a cookie wait at most while PostgreSQL is away. Further ones hold at this node, and
    /// PostgreSQL hears of them when it is back, unless the process ends before. At least 1. The default value is 100,000.
    pub fn queue(mut self, sign_outs: usize) -> Self {
        self.queue = sign_outs;
        self
    }

    /// The longest lifetime of a session of any app with this registry, up to 366 days. The default value is 8 hours,
    /// the layer's default.
    ///
    /// The registry learns of longer lifetimes when it meets such a session, and all nodes share the longest. The end of a
    /// family is remembered for that long.
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = lifetime;
        self
    }

    /// How long one call takes at most, the wait for a connection of the pool included. After that it fails, and the visitor is answered 503. A
    /// longer time helps where PostgreSQL is far or slow; each request that needs it then waits for longer when it is away. 900
    /// milliseconds to 60 seconds. The default value is 900 milliseconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Makes the schema with its tables and functions, or those of an earlier version new. Does nothing if that was done before.
    /// Several nodes may call it at once.
    ///
    /// The role of the pool has to own the schema, or be allowed to make one in the database.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Unusable`](crate::registry::RegistryErrorKind::Unusable) if the name of the schema cannot be used, or
    /// PostgreSQL does not permit it, and [`Unavailable`](crate::registry::RegistryErrorKind::Unavailable) otherwise.
    pub async fn migrate(&self) -> Result<(), RegistryError> {
        let schema = self.named_schema()?;
        let migrated = sendable(timeout(STEP, schema.migrate(&self.pool)));
        migrated.await.unwrap_or(Err(Failure::Silent.into()))
    }

    /// Connects to PostgreSQL and loads the sessions that have ended. Each step takes 10 seconds at most.
    ///
    /// The registry goes on in tasks of the current runtime, until its last clone is dropped.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Unusable`](crate::registry::RegistryErrorKind::Unusable) for a mistake in the configuration, a user
    /// name or password that PostgreSQL refuses, a schema that is missing or of another version, PostgreSQL before version 13, a
    /// replica, a default isolation other than `read committed`, and a pooler that keeps no session, such as PgBouncer in transaction
    /// mode. [`Unavailable`](crate::registry::RegistryErrorKind::Unavailable) if PostgreSQL cannot be reached, or does not say in
    /// time what has ended.
    pub async fn connect(self) -> Result<PostgresRegistry, RegistryError> {
        sendable(self.connect_now()).await
    }

    async fn connect_now(self) -> Result<PostgresRegistry, RegistryError> {
        self.check().map_err(|(_, error)| error)?;
        let schema = self.named_schema()?;
        let connections = self.pool.options().get_max_connections();
        let are_kept = sendable(sessions::are_kept(self.pool.clone(), STEP)).await;
        if !are_kept.map_err(|failure| of_schema(&schema, failure))? {
            return Err(unusable(POOLER));
        }
        self.check_server(&schema).await?;
        let checked = timeout(STEP, schema.check(&self.pool)).await;
        checked.unwrap_or(Err(Failure::Silent.into()))?;
        let strangers = usize::try_from((connections - 2) / 2).unwrap_or(1).max(1);
        let node = Arc::new(Node {
            pool: self.pool,
            schema,
            timeout: self.timeout,
            ended: EndedSessions::new(),
            facts: Facts::new(self.longest_lifetime.as_secs()),
            notes: Notes::default(),
            queue: Queue::new(self.queue),
            turns: Turns::new(),
            strangers: Semaphore::new(strangers),
            delivered: Deliveries::new(),
            seen: Seen::new(),
            unheard: RecentLogouts::new(),
            unknown: RecentLogouts::new(),
            again: Notify::new(),
            ears: Ears::default(),
        });
        // Before what was ended is read, so that none is missed.
        let listening = timeout(STEP, ears::open(&node)).await;
        let listener = listening.unwrap_or(Err(Failure::Silent.into()))?;
        let mut follower = Follower::new(&node);
        follower.read(&node).await?;
        Ok(PostgresRegistry::start(
            node,
            follower,
            listener,
            self.fail_closed_after,
        ))
    }

    /// Finds every mistake that needs no PostgreSQL, and names the setting.
    pub(crate) fn check(&self) -> Result<(), Mistake> {
        self.named_schema().map_err(|error| ("schema", error))?;
        limits::check(
            self.fail_closed_after,
            self.queue,
            self.longest_lifetime,
            self.timeout,
        )?;
        let connections = self.pool.options().get_max_connections();
        if connections < MIN_CONNECTIONS {
            let error = unusable(format!(
                "the pool has {connections} connections at most, and the registry needs {MIN_CONNECTIONS}: it keeps two"
            ));
            return Err(("max_connections", error));
        }
        Ok(())
    }

    fn named_schema(&self) -> Result<Schema, RegistryError> {
        Schema::new(&self.schema).ok_or_else(|| {
            unusable(
                "the name of the schema has to be a lower-case letter, and 47 more lower-case letters, digits and `_` at most; it may not \
                 begin with `pg_`",
            )
        })
    }

    async fn check_server(&self, schema: &Schema) -> Result<(), RegistryError> {
        type Row = (i32, bool, String, bool, bool, String);
        let asked = call(&self.pool, STEP, async |connection: &mut PgConnection| {
            Ok(sqlx::query_as::<_, Row>(SERVER)
                .fetch_one(connection)
                .await?)
        });
        let (number, is_replica, isolation, is_synced, is_whole, version) =
            asked.await.map_err(|failure| of_schema(schema, failure))?;
        check_version(number, &version)?;
        if is_replica {
            return Err(unusable(
                "PostgreSQL is a replica here, and the registry has to write",
            ));
        }
        if isolation != "read committed" {
            return Err(unusable(format!(
                "transactions of the pool are `{isolation}` by default, and the registry needs `read committed`"
            )));
        }
        if !is_synced || !is_whole {
            tracing::warn!(
                "PostgreSQL runs with `fsync` or `full_page_writes` off: if its machine crashes, it may forget sign-outs, or all of its data"
            );
        }
        Ok(())
    }
}

/// The version as a number, and as the server writes it.
fn check_version(number: i32, version: &str) -> Result<(), RegistryError> {
    if number < MIN_VERSION {
        return Err(unusable(format!(
            "PostgreSQL is of version {version}, and the registry needs 13 or later"
        )));
    }
    Ok(())
}

/// The reason for which nothing could be asked.
fn of_schema(schema: &Schema, failure: Failure) -> RegistryError {
    match failure {
        Failure::Failed(error) => failure::of_schema(&schema.name, error),
        other => other.into(),
    }
}

/// Forgets the type of a future. Without that, the compiler cannot tell everywhere that it may go to another thread, and an app
/// could not spawn it.
fn sendable<'f, T>(
    future: impl Future<Output = T> + Send + 'f,
) -> Pin<Box<dyn Future<Output = T> + Send + 'f>> {
    Box::pin(future)
}

/// Without where the pool leads.
impl fmt::Debug for PostgresRegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresRegistryBuilder")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::RegistryErrorKind;

    #[test]
    fn the_first_version_that_is_good_enough_is_13() {
        let error = check_version(120_022, "12.22").unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable);
        assert!(error.to_string().contains("12.22"), "{error}");
        check_version(130_000, "13.0").unwrap();
        check_version(180_001, "18.1").unwrap();
    }
}
