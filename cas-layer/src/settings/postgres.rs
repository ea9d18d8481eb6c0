//! A registry in PostgreSQL, set up by settings.

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use url::Url;

use super::{cas_settings::CasSettings, error::SettingsError, registry_setting::KEY};
use crate::registry::postgres::{PostgresRegistry, PostgresRegistryBuilder};

/// How many connections one process makes at most.
const CONNECTIONS: u32 = 8;

pub(super) async fn open(
    url: &str,
    settings: &CasSettings,
) -> Result<PostgresRegistry, SettingsError> {
    let builder = builder(url, settings)?;
    let of_registry = |error| SettingsError::registry(KEY, error);
    if settings.postgres.migrate.unwrap_or(true) {
        builder.migrate().await.map_err(of_registry)?;
    }
    builder.connect().await.map_err(of_registry)
}

/// Everything but the connection is checked here, with the key of what is wrong.
fn builder(url: &str, settings: &CasSettings) -> Result<PostgresRegistryBuilder, SettingsError> {
    let given = &settings.postgres;
    let connections = given.max_connections.unwrap_or(CONNECTIONS);
    let pool = PgPoolOptions::new()
        // A pool of none panics. One is too few for the registry, which says so.
        .max_connections(connections.max(1))
        .connect_lazy_with(options(url)?);
    let mut builder = PostgresRegistry::builder(pool);
    if let Some(schema) = &given.schema {
        builder = builder.schema(schema);
    }
    if let Some(limit) = given.fail_closed_after {
        builder = builder.fail_closed_after(limit);
    }
    if let Some(sign_outs) = given.queue {
        builder = builder.queue(sign_outs);
    }
    if let Some(longest) = given.longest_lifetime.or(settings.longest_lifetime()) {
        builder = builder.longest_lifetime(longest);
    }
    if let Some(limit) = given.timeout {
        builder = builder.timeout(limit);
    }
    match builder.check() {
        Ok(()) => Ok(builder),
        Err((name, error)) => Err(SettingsError::registry(&format!("postgres.{name}"), error)),
    }
}

/// Where PostgreSQL is. What is wrong is said without the URL and its parts: a password may be anywhere in it.
fn options(url: &str) -> Result<PgConnectOptions, SettingsError> {
    let wrong = |what| Err(SettingsError::new(KEY, what));
    let Ok(url) = Url::parse(url) else {
        return wrong("it is no URL of PostgreSQL: one is postgres://user:password@host/database");
    };
    // sqlx would log the name and the value of another one, and go on without it.
    if url.query_pairs().any(|(name, _)| !is_known(&name)) {
        return wrong(
            "the URL of PostgreSQL has a parameter that means nothing here: one that is known is sslmode",
        );
    }
    PgConnectOptions::from_url(&url)
        .or_else(|_| wrong("a part of the URL of PostgreSQL cannot be used"))
}

/// Whether sqlx knows a parameter of a URL.
fn is_known(name: &str) -> bool {
    let names = [
        "application_name",
        "dbname",
        "host",
        "hostaddr",
        "options",
        "password",
        "port",
        "ssl-ca",
        "ssl-cert",
        "ssl-key",
        "ssl-mode",
        "ssl-root-cert",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "statement-cache-capacity",
        "user",
    ];
    names.contains(&name)
}
