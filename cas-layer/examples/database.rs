//! Users in a database of the app's own: made at their first sign-in, with roles that rules look at, and turned away if
//! they are blocked. With axum, sqlx and SQLite.
//!
//! `cargo run --example database -- https://cas.example.org/cas sqlite:users.db alice`
//!
//! Alice is an administrator, and may block others: `POST /admin/block/bob`.
//!
//! 1. The database is asked once for each sign-in, before the session opens. What it says is in the session, and
//!    later requests need no database.
//! 2. So a change in the database counts from the next sign-in on. If it has to count at once, end the user's sessions.
//! 3. If the database is away, `?` makes a 503 of its error, and the log has it. Nobody is signed in meanwhile. Who is
//!    signed in already stays so.

use std::str::FromStr as _;

use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use cas_layer::{
    Access, CasConfig, CasLayer, CasUser, Key, NewSession, NotAdmitted, Paths, UserName, Veto,
};
use http::StatusCode;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        blocked BOOLEAN NOT NULL DEFAULT FALSE
    );
    CREATE TABLE IF NOT EXISTS roles (
        user INTEGER NOT NULL REFERENCES users (id),
        role TEXT NOT NULL,
        PRIMARY KEY (user, role)
    );";

#[derive(Clone)]
struct App {
    users: SqlitePool,
    config: CasConfig,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(cas_url), Some(database), Some(admin)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: database CAS_URL DATABASE_URL NAME_OF_ADMINISTRATOR".into());
    };
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);

    let database = SqliteConnectOptions::from_str(&database)?.create_if_missing(true);
    let users = SqlitePool::connect_with(database).await?;
    sqlx::raw_sql(TABLES).execute(&users).await?;
    let (id, _) = user(&users, &admin).await?;
    sqlx::query("INSERT OR IGNORE INTO roles (user, role) VALUES (?, 'admin')")
        .bind(id)
        .execute(&users)
        .await?;
    println!("Listening on {app_url}");

    let pool = users.clone();
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .session(|session| {
            session
                // Some CAS servers pass on a name as it was typed. `Mallory` is no other user than `mallory`.
                .user_name(UserName::AsciiLowercase)
                .admit(move |new| admit(pool.clone(), new))
        })
        .rule(
            Paths::prefix("/admin"),
            Access::required().any_of("role", ["admin"]),
        )
        .build()?;
    let app = Router::new()
        .route("/profile", get(profile))
        .route("/admin", get(async || "You may block others."))
        .route("/admin/block/{name}", post(block))
        .with_state(App {
            users,
            config: config.clone(),
        })
        .layer(CasLayer::new(config));
    axum::serve(listener, app).await?;
    Ok(())
}

/// Looks up who signs in, before their session opens.
async fn admit(users: SqlitePool, mut new: NewSession) -> Result<NewSession, NotAdmitted> {
    let (id, blocked) = user(&users, new.name()).await?;
    if blocked {
        return Err(Veto::new("Your account is blocked.").into());
    }
    let roles: Vec<String> =
        sqlx::query_scalar("SELECT role FROM roles WHERE user = ? ORDER BY role")
            .bind(id)
            .fetch_all(&users)
            .await?;
    // `set`, not `push`: roles that the CAS server may send are not ours.
    new.attributes_mut().set("id", [id.to_string()]);
    new.attributes_mut().set("role", roles);
    Ok(new)
}

/// The id of a user, who is there from now on, and whether they are blocked.
async fn user(users: &SqlitePool, name: &str) -> Result<(i64, bool), sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO users (name) VALUES (?)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name
         RETURNING id, blocked",
    )
    .bind(name)
    .fetch_one(users)
    .await
}

async fn profile(user: CasUser) -> String {
    let id = user.attributes().first("id").unwrap_or_default();
    let roles = user.attributes().all("role").join(", ");
    format!("{} is user {id} with the roles: {roles}", user.name())
}

/// Blocks a user, and ends their sessions. The cookie is `SameSite=Lax`, so no other site can post here.
async fn block(
    State(app): State<App>,
    admin: CasUser,
    Path(name): Path<String>,
) -> Result<StatusCode, StatusCode> {
    let blocked = sqlx::query("UPDATE users SET blocked = TRUE WHERE name = ?")
        .bind(&name)
        .execute(&app.users)
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    if blocked.rows_affected() == 0 {
        return Err(StatusCode::NOT_FOUND);
    }
    let ended = app.config.end_all(admin.cas_url(), &name).await;
    ended.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}
