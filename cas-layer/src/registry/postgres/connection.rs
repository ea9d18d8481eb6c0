//! Calls on connections of the app's pool.

use std::time::Duration;

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::time::{Instant, timeout_at};

use super::failure::Failure;

/// Makes a call on a connection of the pool, within the limit.
pub(super) async fn call<T>(
    pool: &PgPool,
    limit: Duration,
    call: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    Kept::new(pool.clone()).call(limit, call).await
}

/// A connection that is kept, and replaced when a call on it fails.
#[derive(Debug)]
pub(super) struct Kept {
    pool: PgPool,
    connection: Option<PoolConnection<Postgres>>,
}

impl Kept {
    pub(super) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            connection: None,
        }
    }

    /// Makes a call within the limit. A connection on which it did not come to an end is closed.
    pub(super) async fn call<T>(
        &mut self,
        limit: Duration,
        call: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let until = Instant::now() + limit;
        let acquired = match self.connection.take() {
            Some(connection) => connection,
            None => timeout_at(until, self.pool.acquire())
                .await
                .map_err(|_| Failure::Silent)??,
        };
        let mut at_work = AtWork(Some(acquired));
        let Some(connection) = &mut at_work.0 else {
            return Err(Failure::Silent);
        };
        let result = timeout_at(until, call(connection)).await;
        let result = result.unwrap_or(Err(Failure::Silent));
        if result.as_ref().err().is_none_or(Failure::leaves_connection) {
            self.connection = at_work.0.take();
        }
        result
    }
}

/// A connection on which a call may be under way.
struct AtWork(Option<PoolConnection<Postgres>>);

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            // Not back to the pool, which would wait until it answers.
            drop(connection.detach());
        }
    }
}
