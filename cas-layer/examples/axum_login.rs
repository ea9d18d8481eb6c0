//! An app that uses axum-login, with CAS as its sign-in. Handlers, `AuthSession` and `login_required!` stay as they are.
//! The accounts stay in the app's own table.
//!
//! `cargo run --example axum_login -- https://cas.example.org/cas alice=admin bob=member`
//!
//! 1. The credentials are the `CasUser`: the CAS server vouches for the name, so nothing is left to check here.
//! 2. `follow` logs in and out as the layer does. What the app keeps in the session is gone with the user.
//! 3. Sign-out is the layer's: `/logout`, or a handler that calls `CasUser::sign_out`.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, login_required,
    tower_sessions::{
        Expiry, MemoryStore, SessionManagerLayer,
        cookie::{SameSite, time::Duration},
    },
};
use cas_layer::{Access, CasConfig, CasLayer, CasUser, Key, Paths, UserName};
use http::StatusCode;

/// Which sign-in of the layer's the session belongs to.
const OWNER: &str = "cas";
const NOTE: &str = "note";

#[derive(Clone, Debug)]
struct Account {
    name: String,
    role: String,
}

impl AuthUser for Account {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    /// Who gets another role is logged in anew. An account has no password here.
    fn session_auth_hash(&self) -> &[u8] {
        self.role.as_bytes()
    }
}

/// Stands for a table of the app's own.
#[derive(Clone, Debug)]
struct Accounts(Arc<HashMap<String, Account>>);

impl AuthnBackend for Accounts {
    type User = Account;
    type Credentials = CasUser;
    type Error = Infallible;

    async fn authenticate(&self, user: CasUser) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(user.name()).cloned())
    }

    async fn get_user(&self, name: &String) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(name).cloned())
    }
}

type Auth = AuthSession<Accounts>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let cas_url = arguments.next();
    let cas_url = cas_url.ok_or("usage: axum_login CAS_URL [NAME=ROLE]…")?;
    let accounts = Accounts(Arc::new(arguments.filter_map(|it| account(&it)).collect()));
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        // As the layer's cookie. With `Strict`, the default, browsers do not send it when they come back from the CAS
        // server.
        .with_same_site(SameSite::Lax)
        .with_secure(app_url.starts_with("https://"))
        .with_expiry(Expiry::OnInactivity(Duration::hours(8)));
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        // `Alice` is no other account than `alice`.
        .session(|session| session.user_name(UserName::AsciiLowercase))
        .rule(Paths::exact("/"), Access::optional())
        .build()?;
    let app = Router::new()
        .route("/profile", get(profile))
        .route("/note/{text}", post(note))
        .route_layer(login_required!(Accounts))
        .route("/", get(home))
        .route("/sign-out", post(sign_out))
        .layer(from_fn(follow))
        .layer(AuthManagerLayerBuilder::new(accounts, sessions).build())
        .layer(CasLayer::new(config)); // last: `follow` asks it who the user is
    axum::serve(listener, app).await?;
    Ok(())
}

fn account(argument: &str) -> Option<(String, Account)> {
    let (name, role) = argument.split_once('=')?;
    let (name, role) = (name.to_owned(), role.to_owned());
    Some((name.clone(), Account { name, role }))
}

/// Logs in who has signed in at the layer, and logs out who has not.
async fn follow(
    user: Option<CasUser>,
    mut auth: Auth,
    mut request: Request,
    next: Next,
) -> Result<Response, Unavailable> {
    let now = user.as_ref().map(|user| user.family_id().to_string());
    let owner: Option<String> = auth.session.get(OWNER).await?;
    let is_anothers = owner.is_some() || auth.user.is_some();
    if owner != now && is_anothers {
        auth.logout().await?;
        // What comes next would otherwise get the old identifier again.
        auth.session.cycle_id().await?;
    }
    if let Some(user) = user
        && auth.user.is_none()
    {
        let Some(account) = auth.authenticate(user).await? else {
            let no_account = (StatusCode::FORBIDDEN, "You have no account here.");
            return Ok(no_account.into_response());
        };
        auth.login(&account).await?;
        auth.session.insert(OWNER, now).await?;
    }
    // What handlers extract is a copy.
    request.extensions_mut().insert(auth);
    Ok(next.run(request).await)
}

async fn home(auth: Auth) -> String {
    let user = auth.user.map(|account| account.name);
    format!("Hello {}", user.as_deref().unwrap_or("visitor"))
}

async fn profile(auth: Auth) -> Result<Response, Unavailable> {
    let Some(account) = auth.user else {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    };
    let note: Option<String> = auth.session.get(NOTE).await?;
    let note = note.as_deref().unwrap_or("none");
    let page = format!("{}, {}, note: {note}", account.name, account.role);
    Ok(page.into_response())
}

async fn note(auth: Auth, Path(text): Path<String>) -> Result<StatusCode, Unavailable> {
    auth.session.insert(NOTE, text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A button of the app's own. `/logout` works too: `follow` sees it with the next request.
async fn sign_out(user: CasUser, mut auth: Auth) -> Result<Response, Unavailable> {
    auth.logout().await?;
    Ok(user.sign_out().await.map(Body::from))
}

/// The store of the sessions is away: 503. Its error is for the log.
struct Unavailable;

impl<E: std::error::Error> From<E> for Unavailable {
    fn from(error: E) -> Self {
        eprintln!("sessions or accounts: {error}");
        Self
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}
