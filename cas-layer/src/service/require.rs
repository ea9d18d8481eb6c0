//! Rules for single routes, as small layers below a [`CasLayer`](crate::CasLayer).

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service};

use super::{CasFuture, app_above, extra_cookie::ExtraCookie, in_place};
use crate::{
    answer,
    rules::{Access, Verdict},
    seldom::{Seldom, seldom},
    sign_in::begin,
    user::{CasUser, Place},
    visit::{Visit, Visitor},
};

/// Lets signed-in users through, on a route that a rule of the [`CasLayer`](crate::CasLayer) above leaves
/// open. A page that a browser opens is redirected to the CAS server, anything else gets 401, just as the
/// `CasLayer` does it.
///
/// ```
/// use axum::{Router, routing::get};
/// use cas_layer::{Access, CasConfig, CasLayer, Key, Paths, RequireAttribute, RequireUser};
///
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .rule(Paths::prefix("/"), Access::optional())
///     .build()?;
/// let app: Router = Router::new()
///     .route("/", get(async || "for everybody"))
///     .route("/profile", get(async || "for users").layer(RequireUser::new()))
///     .route(
///         "/admin",
///         get(async || "for admins").layer(RequireAttribute::any_of("memberOf", ["admin"])),
///     )
///     .layer(CasLayer::new(config));
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequireUser(());

/// Lets signed-in users through who have certain values of an attribute; others get 403. See
/// [`RequireUser`].
#[derive(Clone, Debug)]
pub struct RequireAttribute(Access);

/// Lets signed-in users through who gave their credentials lately; others are asked for them again. See
/// [`RequireUser`] and [`Access::fresh`].
#[derive(Clone, Debug)]
pub struct RequireFresh(Duration);

impl RequireUser {
    /// Lets every signed-in user through.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

impl Default for RequireUser {
    fn default() -> Self {
        Self::new()
    }
}

impl RequireAttribute {
    /// Lets users through who have at least one of these values, exactly.
    #[must_use]
    pub fn any_of(
        attribute: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self(Access::required().any_of(attribute, values))
    }

    /// Lets users through who have all of these values, exactly.
    #[must_use]
    pub fn all_of(
        attribute: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self(Access::required().all_of(attribute, values))
    }
}

impl RequireFresh {
    /// Lets users through who gave their credentials within this time, in whole seconds.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self(time)
    }
}

impl<S> Layer<S> for RequireUser {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, Access::required())
    }
}

impl<S> Layer<S> for RequireAttribute {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, self.0.clone())
    }
}

impl<S> Layer<S> for RequireFresh {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Require<S> {
        Require::new(inner, Access::required().fresh(self.0))
    }
}

/// The service that [`RequireUser`], [`RequireAttribute`] and [`RequireFresh`] make of an inner one.
#[derive(Clone, Debug)]
pub struct Require<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S> Require<S> {
    fn new(inner: S, access: Access) -> Self {
        Self {
            inner,
            access: Arc::new(access),
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Require<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = CasFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let extensions = request.extensions();
        let user = extensions.get::<CasUser>().cloned();
        let Some((shared, place)) = app_above(extensions) else {
            static NO_LAYER: Seldom = Seldom::new();
            seldom!(
                error,
                NO_LAYER,
                "a route requires a user, but no CasLayer is over it"
            );
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return CasFuture::ready(answer::text(status, "internal error"));
        };
        let now = shared.clock.now();
        let verdict = self.access.judge(user.as_ref(), now);
        let renewal = user
            .as_ref()
            .filter(|_| place != Place::Request)
            .and_then(|user| ExtraCookie::renewal(&shared, user, now));
        let visitor = user.map_or(Visitor::Anonymous, Visitor::SignedIn);
        let visit = Visit::seen_before(&request, place, visitor, now);
        match verdict {
            Verdict::Welcome => {
                let is_private = shared.private_by_default;
                CasFuture::inner(self.inner.call(request), is_private, renewal)
            }
            Verdict::SignIn => CasFuture::ready(
                in_place::unbound(&shared, &visit)
                    .unwrap_or_else(|| begin::demand(&shared, &visit)),
            ),
            Verdict::SignInAfresh => CasFuture::ready(begin::demand_renewal(&shared, &visit)),
            Verdict::Forbidden => CasFuture::ready(begin::forbid(&shared, &visit)),
        }
    }
}
