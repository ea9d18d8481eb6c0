//! A basket that an app keeps in tower-sessions, beside the session of the layer. What belongs to one user is gone when
//! they sign out, when somebody else signs in, and when a single logout ends their session.
//!
//! `cargo run --example tower_sessions -- https://cas.example.org/cas`
//!
//! tower-sessions has a cookie of its own, which knows of no user and of no sign-out. So `keep_apart` writes into each of
//! its sessions whose it is, and looks at that with every request.

use axum::{
    Router,
    extract::{Path, Request},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cas_layer::{Access, CasConfig, CasLayer, CasUser, Key, Paths};
use http::StatusCode;
use tower_sessions::{
    Expiry, MemoryStore, Session, SessionManagerLayer,
    cookie::{SameSite, time::Duration},
};

/// Whose a session of tower-sessions is.
const OWNER: &str = "cas";
const BASKET: &str = "basket";

/// How much fits into a basket: visitors fill them.
const MAX_ITEMS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1);
    let cas_url = cas_url.ok_or("usage: tower_sessions CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        // As the layer's cookie. With `Strict`, the default, browsers do not send it when they come back from the CAS
        // server.
        .with_same_site(SameSite::Lax)
        .with_secure(app_url.starts_with("https://"))
        // As long as the layer's sessions. Without this the store keeps everything for two weeks.
        .with_expiry(Expiry::OnInactivity(Duration::hours(8)));
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .rule(Paths::exact("/"), Access::optional())
        .rule(Paths::prefix("/basket"), Access::optional())
        .build()?;
    let app = Router::new()
        .route("/", get(basket))
        .route("/basket/{item}", post(add))
        .route("/order", post(order))
        .layer(from_fn(keep_apart))
        .layer(sessions)
        .layer(CasLayer::new(config)); // last: the others ask it who the user is
    axum::serve(listener, app).await?;
    Ok(())
}

/// Empties a session of tower-sessions that belongs to somebody else than who asks now. A basket of a visitor who has not
/// signed in belongs to nobody, and goes to the user who signs in.
async fn keep_apart(
    user: Option<CasUser>,
    session: Session,
    request: Request,
    next: Next,
) -> Result<Response, Unavailable> {
    let now = user.map(|user| user.family_id().to_string());
    let owner: Option<String> = session.get(OWNER).await?;
    if owner != now {
        if owner.is_some() {
            session.flush().await?;
        }
        // After `flush` too: what is put in during the same request would otherwise get the old identifier again.
        session.cycle_id().await?;
        if now.is_some() {
            session.insert(OWNER, now).await?;
        }
    }
    Ok(next.run(request).await)
}

async fn basket(user: Option<CasUser>, session: Session) -> Result<String, Unavailable> {
    let name = user.as_ref().map_or("nobody", CasUser::name);
    Ok(format!("{name}: {}", items(&session).await?.join(", ")))
}

async fn add(session: Session, Path(item): Path<String>) -> Result<StatusCode, Unavailable> {
    let mut items = items(&session).await?;
    if items.len() >= MAX_ITEMS {
        return Ok(StatusCode::CONFLICT);
    }
    items.push(item);
    session.insert(BASKET, items).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A path without a rule: it requires a user.
async fn order(user: CasUser, session: Session) -> Result<String, Unavailable> {
    let items: Option<Vec<String>> = session.remove(BASKET).await?;
    let items = items.unwrap_or_default().join(", ");
    Ok(format!("{} has ordered: {items}", user.name()))
}

async fn items(session: &Session) -> Result<Vec<String>, Unavailable> {
    let items = session.get(BASKET).await?;
    Ok(items.unwrap_or_default())
}

/// The store of the sessions is away: 503. Its error is for the log.
struct Unavailable;

impl<E: std::error::Error> From<E> for Unavailable {
    fn from(error: E) -> Self {
        eprintln!("sessions: {error}");
        Self
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}
