//! axum-extra's signed cookie jar, read in a middleware function: the user's name is the cookie.

use axum::Router;
use axum::extract::{Extension, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum_extra::extract::cookie::{Cookie, Key, SignedCookieJar};

use super::{Bench, Contender, Failure, USER, cookie_set_by};

const COOKIE: &str = "session";

#[derive(Clone)]
struct User(String);

pub(super) fn contender(bench: &Bench) -> Result<Contender, Failure> {
    // How often decoding the cookie allocates depends on its bytes: the same in every run, then.
    let key = Key::from(&[7; 64]);
    let signed_in = SignedCookieJar::new(key.clone()).add(Cookie::new(COOKIE, USER));
    let cookie = cookie_set_by(&signed_in.into_response(), COOKIE)?;
    let router = Router::new()
        .route(
            "/profile",
            get(|Extension(user): Extension<User>| async move { user.0 }),
        )
        .layer(from_fn_with_state(key, require_user));
    bench.guarded("axum-extra signed cookie jar", router, cookie)
}

async fn require_user(jar: SignedCookieJar, mut request: Request, next: Next) -> Response {
    let Some(cookie) = jar.get(COOKIE) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    request
        .extensions_mut()
        .insert(User(cookie.value().to_owned()));
    next.run(request).await
}
