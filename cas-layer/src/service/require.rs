//! Rules for single routes, as small layers below a [`CasLayer`](crate::CasLayer).

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service};

use super::{
    Anonymous, AnswerFuture, Shows, app_above, decide::Task, extra_cookie::ExtraCookie,
    finish::Finish, in_place,
};
use crate::{
    answer,
    error::ConfigError,
    rules::{Access, Verdict},
    seldom::{Seldom, seldom},
    sign_in::{Step, decision},
    user::{CasUser, Place},
    visit::{Visit, Visitor},
};

/// Requires more on single routes than a rule of the [`CasLayer`](crate::CasLayer) above. As with the `CasLayer`, a
/// page that a browser opens is redirected to the CAS server, anything else gets 401, and a user without permission
/// gets 403.
///
/// A rule of the `CasLayer` comes first. If it requires a user on the path, visitors sign in for that rule. If this layer
/// then requires [fresh](Access::fresh) credentials, some visitors give their password twice in a row. To avoid that, write
/// the requirement as a rule, or leave the path [optional](Access::optional) there.
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, routing::get};
/// use cas_layer::{Access, CasConfig, CasLayer, Key, Paths, Require};
///
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .rule(Paths::prefix("/"), Access::optional())
///     .build()?;
/// let user = Require::new(Access::required())?;
/// let admin = Require::new(Access::required().any_of("memberOf", ["admin"]))?;
/// let lately = Require::new(Access::required().fresh(Duration::from_secs(60)))?;
/// let app: Router = Router::new()
///     .route("/", get(async || "for everybody"))
///     .route("/profile", get(async || "for users").layer(user))
///     .route("/admin", get(async || "for admins").layer(admin))
///     .route("/password", get(async || "for who gave the password lately").layer(lately))
///     .layer(CasLayer::new(config));
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Require {
    access: Arc<Access>,
}

impl Require {
    /// Lets users through who meet `access`. It has to begin with [`Access::required`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidRule`] if `access` contradicts itself, or requires no user: [`Access::public`],
    /// [`Access::optional`] and [`Access::gateway`] are for the rules of the `CasLayer` above, and would do nothing
    /// here. Another [`ConfigError`] if a chain of proxies is not possible.
    pub fn new(access: Access) -> Result<Self, ConfigError> {
        access.check()?;
        if !access.is_required() {
            return Err(ConfigError::InvalidRule {
                reason: "of a single route requires no user: begin with `Access::required()`",
            });
        }
        Ok(Self {
            access: Arc::new(access),
        })
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService {
            inner,
            access: Arc::clone(&self.access),
        }
    }
}

/// The service that [`Require`] makes of an inner one.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RequireService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = AnswerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let extensions = request.extensions();
        let user = extensions.get::<CasUser>().cloned();
        let Some((host, place)) = app_above(extensions) else {
            static NO_LAYER: Seldom = Seldom::new();
            seldom!(
                error,
                NO_LAYER,
                "a route requires a user, but no CasLayer is over it"
            );
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return AnswerFuture::ready(answer::text(status, "internal error"));
        };
        let now = host.app.clock.now();
        let verdict = self.access.judge(user.as_ref(), now);
        let renewal = user
            .as_ref()
            .filter(|_| place != Place::Request)
            .and_then(|user| ExtraCookie::renewal(&host, user, now));
        let shows = extensions.get::<Anonymous>().map(|it| it.shows.clone());
        let is_unverified = matches!(shows, Some(Shows::Unverified));
        let visitor = match (user, shows) {
            (Some(user), _) => Visitor::SignedIn(user),
            (None, Some(Shows::Lost(user))) => Visitor::Lost(user),
            (None, _) => Visitor::Anonymous,
        };
        let visit = Visit::by(&request, place, visitor, now);
        let refused = |step| AnswerFuture::reply(Task::SignIn(step).run(&host, &visit));
        match verdict {
            Verdict::Welcome => {
                let finish = Finish {
                    private: host.app.private_by_default,
                    extra: renewal,
                    frames: host.app.frames.clone(),
                };
                AnswerFuture::inner(self.inner.call(request), finish)
            }
            // As everywhere, nobody is asked to sign in who may have a session.
            Verdict::SignIn if is_unverified => {
                refused(Step::Answer(decision::not_current(&host, &visit)))
            }
            Verdict::SignIn => refused(
                in_place::unbound(&host, &visit)
                    .unwrap_or_else(|| decision::demand(&host, &visit, &self.access)),
            ),
            Verdict::SignInAfresh => refused(decision::demand_renewal(&host, &visit, &self.access)),
            Verdict::Forbidden => refused(decision::forbid(&host, &visit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_on_a_route_is_refused() {
        let refused = [
            Access::public(),
            Access::optional(),
            Access::gateway(),
            Access::optional().any_of("memberOf", ["admin"]),
            Access::gateway().no_redirect(),
            Access::required().any_of("memberOf", [""; 0]),
            Access::required().through([]),
            Access::required().fresh(std::time::Duration::ZERO),
        ];
        for access in refused {
            let require = Require::new(access.clone());
            assert!(
                matches!(require, Err(ConfigError::InvalidRule { .. })),
                "{access:?}"
            );
        }
        let accepted = Access::required()
            .no_proxy()
            .user_if(|_| true)
            .no_redirect();
        assert!(Require::new(accepted).is_ok());
    }
}
