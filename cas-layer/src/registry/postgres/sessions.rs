//! Whether each connection has a session of PostgreSQL to itself.

use std::time::Duration;

use sqlx::{Executor as _, PgConnection, PgPool, Row as _};

use super::{connection::Kept, failure::Failure};

/// A pooler in transaction mode gives two connections the same session in turn, or one connection two of them. This is the first
/// thing that is looked at: behind such a pooler, a prepared statement may be somebody else's, and any answer wrong.
pub(super) async fn are_kept(pool: PgPool, limit: Duration) -> Result<bool, Failure> {
    let (mut first, mut second) = (Kept::new(pool.clone()), Kept::new(pool));
    let mut processes = Vec::new();
    for _ in 0..2 {
        for connection in [&mut first, &mut second] {
            // By no prepared statement.
            let asked = connection.call(limit, async |connection: &mut PgConnection| {
                let row = connection.fetch_one("SELECT pg_backend_pid()").await?;
                Ok(row.try_get::<i32, _>(0)?)
            });
            processes.push(asked.await?);
        }
    }
    Ok(
        matches!(*processes, [first, second, first_again, second_again]
        if first == first_again && second == second_again && first != second),
    )
}
