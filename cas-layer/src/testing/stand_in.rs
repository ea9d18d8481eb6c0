//! What a layer tells the app about a request, told by a test.

use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower::{Layer, Service};

use super::cas_user::app;
use crate::{
    service::{Anonymous, Shows},
    user::{CasUser, Place},
};

/// Stands in for a [`CasLayer`](crate::CasLayer) in a test: each request comes from one user, or from a visitor who has
/// not signed in. No path requires anything, no cookie is read, and there is no CAS server.
///
/// ```
/// use axum::{Router, body::{Body, to_bytes}, http::Request, routing::get};
/// use cas_layer::{CasUser, testing::{CasUserBuilder, StandIn}};
/// use tower::ServiceExt;
///
/// async fn home(user: Option<CasUser>) -> String {
///     user.map_or("Please sign in".to_owned(), |user| format!("Hello {}", user.name()))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let alice = CasUserBuilder::new("alice").build();
/// for (stand_in, shown) in [(StandIn::user(alice), "Hello alice"), (StandIn::visitor(), "Please sign in")] {
///     let app: Router = Router::new().route("/", get(home)).layer(stand_in);
///     let response = app.oneshot(Request::get("/").body(Body::empty())?).await?;
///     assert_eq!(to_bytes(response.into_body(), 100).await?, shown);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Require`](crate::Require) and [`IdentityHeadersLayer`](crate::IdentityHeadersLayer) below it work. `Require` sends
/// a visitor to the CAS server of the user's app, by default `https://cas.example.org/cas`.
#[derive(Clone, Debug)]
pub struct StandIn(Who);

#[derive(Clone, Debug)]
enum Who {
    User(CasUser),
    // Boxed, as it is larger than a user, and a copy is made for each request.
    Visitor(Box<Anonymous>),
}

impl StandIn {
    /// Everything comes from this user, whom a [`CasUserBuilder`](super::CasUserBuilder) makes.
    #[must_use]
    pub fn user(user: CasUser) -> Self {
        Self(Who::User(user))
    }

    /// Everything comes from somebody who has not signed in: `Option<CasUser>` is `None`, and the extractor `CasUser`
    /// answers with 401.
    ///
    /// # Panics
    ///
    /// If the operating system gives no randomness.
    #[must_use]
    pub fn visitor() -> Self {
        let host = app("https://cas.example.org/cas", "https://app.example.org");
        Self(Who::Visitor(Box::new(Anonymous {
            host,
            place: Place::Endpoint,
            shows: Shows::Nothing,
        })))
    }

    /// Tells one request alone.
    pub fn put_on(&self, extensions: &mut Extensions) {
        match &self.0 {
            Who::User(user) => {
                extensions.remove::<Anonymous>();
                extensions.insert(user.clone());
            }
            Who::Visitor(visitor) => {
                extensions.remove::<CasUser>();
                extensions.insert(Anonymous::clone(visitor));
            }
        }
    }
}

impl<S> Layer<S> for StandIn {
    type Service = StandInService<S>;

    fn layer(&self, inner: S) -> StandInService<S> {
        StandInService {
            inner,
            stand_in: self.clone(),
        }
    }
}

/// The service that [`StandIn`] makes of an inner one.
#[derive(Clone, Debug)]
pub struct StandInService<S> {
    inner: S,
    stand_in: StandIn,
}

impl<S, B> Service<Request<B>> for StandInService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.stand_in.put_on(request.extensions_mut());
        self.inner.call(request)
    }
}
