//! axum-login over tower-sessions' memory store, with one user who has signed in.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, login_required};
use tower::ServiceExt as _;
use tower_sessions::{MemoryStore, SessionManagerLayer};

use super::{Bench, Contender, Failure, USER, cookie_set_by};

/// The fields of the users in axum-login's own examples.
#[derive(Clone, Debug)]
struct User {
    name: String,
    password_hash: String,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password_hash.as_bytes()
    }
}

/// The cheapest user store there is, so that the crate is measured and not a database.
#[derive(Clone, Debug)]
struct Users(Arc<HashMap<String, User>>);

impl AuthnBackend for Users {
    type User = User;
    type Credentials = String;
    type Error = Infallible;

    async fn authenticate(&self, name: String) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(&name).cloned())
    }

    async fn get_user(&self, name: &String) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(name).cloned())
    }
}

pub(super) fn contender(bench: &Bench) -> Result<Contender, Failure> {
    let users = Users(Arc::new(HashMap::from([(
        USER.to_owned(),
        User {
            name: USER.to_owned(),
            password_hash: "$argon2id$v=19$m=19456,t=2,p=1".to_owned(),
        },
    )])));
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let layer = AuthManagerLayerBuilder::new(users, sessions).build();

    let sign_in = Router::new()
        .route("/login", post(sign_in))
        .layer(layer.clone());
    let request = Request::post("/login").body(Body::empty())?;
    let Ok(response) = bench.runtime.block_on(sign_in.oneshot(request));
    let cookie = cookie_set_by(&response, "id")?;

    let router = Router::new()
        .route("/profile", get(profile))
        .route_layer(login_required!(Users))
        .layer(layer);
    bench.guarded("axum-login, memory store", router, cookie)
}

async fn sign_in(mut session: AuthSession<Users>) -> StatusCode {
    let Ok(Some(user)) = session.authenticate(USER.to_owned()).await else {
        return StatusCode::UNAUTHORIZED;
    };
    match session.login(&user).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn profile(session: AuthSession<Users>) -> Result<String, StatusCode> {
    session
        .user
        .map(|user| user.name)
        .ok_or(StatusCode::UNAUTHORIZED)
}
