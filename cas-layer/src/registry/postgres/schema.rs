//! The schema in the database: its name, its tables, and the calls of its functions.

use sqlx::{Executor as _, PgConnection, PgPool};

use super::failure::{self, unusable};
use crate::registry::RegistryError;

/// What [`migrate`] runs, for the schema of this name.
const SQL: &str = include_str!("schema.sql");

/// The name in that text.
const NAME: &str = "cas_layer";

/// The version of the schema that this code works with.
const VERSION: i32 = 1;

/// Schemas are set up one after another.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('cas_layer'), 3)";

const HAS_SCHEMA: &str = "SELECT to_regnamespace($1) IS NOT NULL";

/// The statements, with the schema's name in them.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) note: String,
    pub(super) open: String,
    pub(super) finish: String,
    pub(super) find: String,
    pub(super) reopen: String,
    pub(super) look: String,
    pub(super) enter: String,
    pub(super) read: String,
    pub(super) sweep: String,
    pub(super) keep: String,
    pub(super) kept: String,
    pub(super) forget: String,
    pub(super) deliver: String,
    pub(super) collect: String,
    pub(super) is_there: String,
    version: String,
}

impl Schema {
    /// `None` if this is no name of a schema that stands as it is in SQL.
    pub(super) fn new(name: &str) -> Option<Self> {
        let mut bytes = name.bytes();
        let is_plain = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && name.len() <= 48
            && !name.starts_with("pg_");
        is_plain.then(|| Self {
            name: name.to_owned(),
            note: format!(r#"SELECT "{name}".note($1, $2, $3)"#),
            open: format!(r#"SELECT "{name}".open($1, $2, $3, $4, $5)"#),
            finish: format!(
                r#"SELECT kind, id, expires_at, number FROM "{name}".finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#
            ),
            find: format!(
                r#"SELECT id, NULL::bigint FROM "{name}".begun WHERE id = ANY ($1) AND until > clock_timestamp()
                UNION ALL SELECT id, NULL FROM "{name}".opened WHERE id = ANY ($1)
                UNION ALL SELECT id, expires_at FROM "{name}".ended WHERE id = ANY ($1)"#
            ),
            reopen: format!(
                r#"SELECT id, expires_at FROM "{name}".reopen($1, $2, $3, $4)"#
            ),
            look: format!(
                r#"SELECT epoch, instance, last_end, micros, number, has_seen, recovering_until, log, longest FROM "{name}".look($1)"#
            ),
            enter: format!(r#"SELECT "{name}".enter($1, $2, $3, $4)"#),
            // As one value: as rows they would take several times as long to read.
            read: format!(
                r#"SELECT string_agg(int8send(seq) || id || int8send(expires_at) || int8send(coalesce(number, -1)), '' ORDER BY seq)
                FROM (SELECT * FROM "{name}".ended WHERE seq > $1 ORDER BY seq LIMIT $2) AS page"#
            ),
            sweep: format!(r#"SELECT "{name}".sweep($1, $2)"#),
            keep: format!(r#"SELECT "{name}".keep($1, $2, $3, $4)"#),
            kept: format!(
                r#"SELECT k.sealed FROM "{name}".kept k JOIN "{name}".opened o USING (id)
                WHERE k.id = $1 AND k.item = $2 AND o.expires_at > $3"#
            ),
            forget: format!(r#"DELETE FROM "{name}".kept WHERE id = $1 AND item = $2"#),
            deliver: format!(r#"SELECT "{name}".deliver($1, $2, $3)"#),
            collect: format!(
                r#"DELETE FROM "{name}".pairs WHERE iou = $1 AND until > clock_timestamp() RETURNING sealed"#
            ),
            is_there: format!("SELECT to_regclass('\"{name}\".state') IS NOT NULL"),
            version: format!(r#"SELECT version FROM "{name}".state"#),
        })
    }

    /// Makes the tables and functions where they are not there yet, or are of an earlier version.
    pub(super) async fn migrate(&self, pool: &PgPool) -> Result<(), RegistryError> {
        let migrated = async {
            let mut transaction = pool.begin().await?;
            let is_new = self.set_up(&mut transaction).await?;
            transaction.commit().await?;
            Ok(is_new)
        };
        let is_new = migrated
            .await
            .map_err(|error: sqlx::Error| failure::of_schema(&self.name, error))?;
        if is_new {
            tracing::info!(
                schema = self.name,
                version = VERSION,
                "the schema is set up"
            );
        }
        Ok(())
    }

    /// Says whether there was anything to do.
    async fn set_up(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        connection.execute(LOCK).await?;
        let is_there = sqlx::query_scalar(&self.is_there);
        if is_there.fetch_one(&mut *connection).await? {
            let version = sqlx::query_scalar(&self.version);
            let version: i32 = version.fetch_one(&mut *connection).await?;
            if version >= VERSION {
                return Ok(false);
            }
        }
        let has_schema = sqlx::query_scalar(HAS_SCHEMA).bind(&self.name);
        let mut sql = SQL.replace(NAME, &self.name);
        if has_schema.fetch_one(&mut *connection).await? {
            // Who may not make schemas may not say `IF NOT EXISTS` either.
            let make = format!("CREATE SCHEMA IF NOT EXISTS {};", self.name);
            sql = sql.replace(&make, "");
        }
        connection.execute(sql.as_str()).await?;
        Ok(true)
    }

    /// Whether this code can work with what is there.
    pub(super) async fn check(&self, pool: &PgPool) -> Result<(), RegistryError> {
        let checked = async {
            if !sqlx::query_scalar(&self.is_there).fetch_one(pool).await? {
                return Ok(None);
            }
            sqlx::query_scalar::<_, i32>(&self.version)
                .fetch_optional(pool)
                .await
        };
        let version = checked
            .await
            .map_err(|error| failure::of_schema(&self.name, error))?;
        let name = &self.name;
        match version {
            Some(VERSION) => Ok(()),
            Some(other) if other > VERSION => Err(unusable(format!(
                "the schema {name} is of version {other}, and this program knows version {VERSION} alone: a newer program has set it up"
            ))),
            Some(other) => Err(unusable(format!(
                "the schema {name} is of version {other}, and this program needs version {VERSION}: call `migrate` first"
            ))),
            None => Err(unusable(format!(
                "the schema {name} is missing in the database, or has no row in its table `state`: call `migrate` first, or run the SQL of \
                 the documentation"
            ))),
        }
    }
}
