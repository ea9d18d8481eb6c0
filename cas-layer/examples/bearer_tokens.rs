//! Routes for people and for programs: people have signed in at the CAS server, and programs bring a token of the app's
//! own. With axum.
//!
//! `API_TOKENS=reports=…,backup=… cargo run --example bearer_tokens -- https://cas.example.org/cas`
//!
//! 1. The layer lets everybody through to `/api`. `identify` decides there: a request with `Authorization` is a
//!    program's, and every other one is the layer's to answer, by `Require`.
//! 2. A request that brings a token is judged by it alone. A wrong token is 401, in the browser of a user too.
//! 3. Handlers get a `Principal`, whoever it is.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use cas_layer::{Access, CasConfig, CasLayer, CasUser, CasUserRejection, Key, Paths, Require};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use sha2::{Digest as _, Sha256};
use tower::{Layer as _, ServiceExt as _};

/// The names of programs by the digests of their tokens. To look up a digest tells nobody a token, however long it takes.
#[derive(Clone)]
struct Tokens(Arc<HashMap<[u8; 32], String>>);

/// A program that has brought its token.
#[derive(Clone)]
struct Program(String);

/// Who asks.
enum Principal {
    User(CasUser),
    Program(Program),
}

#[derive(Clone)]
struct Gate {
    tokens: Tokens,
    users: Require,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1);
    let cas_url = cas_url.ok_or("usage: bearer_tokens CAS_URL")?;
    let tokens = Tokens::of(&std::env::var("API_TOKENS").unwrap_or_default());
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let gate = Gate {
        tokens,
        // What people need. What a program may do is up to the handlers.
        users: Require::new(Access::required())?,
    };
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .rule(Paths::prefix("/api"), Access::optional())
        .build()?;
    let api = Router::new()
        .route("/records", get(records))
        .layer(from_fn_with_state(gate, identify));
    let app = Router::new()
        .nest("/api", api)
        .route(
            "/profile",
            get(async |user: CasUser| user.name().to_owned()),
        )
        .layer(CasLayer::new(config)); // last, over the whole router
    axum::serve(listener, app).await?;
    Ok(())
}

async fn records(principal: Principal) -> String {
    format!("Records for {principal}")
}

/// Lets programs with a good token through, and users as the layer does.
async fn identify(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let mut response = if request.headers().contains_key(header::AUTHORIZATION) {
        let Some(program) = gate.tokens.program(request.headers()) else {
            return wrong_token();
        };
        request.extensions_mut().insert(program);
        next.run(request).await
    } else {
        match gate.users.layer(next).oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    // The layer's answer has the challenge `CAS`.
    if response.status() == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer realm=\"api\"");
        let headers = response.headers_mut();
        headers.append(header::WWW_AUTHENTICATE, bearer);
    }
    response
}

/// RFC 6750, section 3.1.
fn wrong_token() -> Response {
    let mut response = (StatusCode::UNAUTHORIZED, "wrong token").into_response();
    let headers = response.headers_mut();
    for challenge in ["CAS", "Bearer realm=\"api\", error=\"invalid_token\""] {
        let challenge = HeaderValue::from_static(challenge);
        headers.append(header::WWW_AUTHENTICATE, challenge);
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
    response
}

impl Tokens {
    /// `name=token,name=token`. The tokens are random: a digest without salt is enough for them.
    fn of(text: &str) -> Self {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        let known = pairs.filter(|(_, token)| !token.is_empty());
        let known = known.map(|(name, token)| (digest(token.as_bytes()), name.to_owned()));
        Self(Arc::new(known.collect()))
    }

    /// The program whose token these fields have: one token, and no other credentials.
    fn program(&self, headers: &HeaderMap) -> Option<Program> {
        let mut fields = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return None;
        };
        let (scheme, token) = field.as_bytes().split_at_checked("Bearer ".len())?;
        if !scheme.eq_ignore_ascii_case(b"Bearer ") {
            return None;
        }
        let name = self.0.get(&digest(token))?;
        Some(Program(name.clone()))
    }
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Where `identify` is missing, programs are let through nowhere.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = CasUserRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        if let Some(program) = parts.extensions.get().cloned() {
            return Ok(Self::Program(program));
        }
        let user = <CasUser as FromRequestParts<S>>::from_request_parts(parts, state);
        user.await.map(Self::User)
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user) => write!(f, "the user {}", user.name()),
            Self::Program(Program(name)) => write!(f, "the program {name}"),
        }
    }
}
