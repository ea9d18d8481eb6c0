//! Tells a backend behind us which user has signed in, by request headers that nobody else can set.

mod body;
mod scrub;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

pub use body::IdentityBody;
use http::Request;
use tower::{Layer, Service};

pub use crate::introduction::IdentityHeadersBuilder;
use crate::{
    error::ConfigError,
    introduction::Introduction,
    seldom::{Seldom, seldom},
    service::app_above,
    user::CasUser,
};

/// Tells the service below which user has signed in, by request headers such as `Remote-User`. It is for a reverse
/// proxy whose backend does not speak CAS, and goes below a [`CasLayer`](crate::CasLayer).
///
/// ```
/// use axum::{Router, routing::any};
/// use cas_layer::{CasConfig, CasLayer, IdentityHeadersLayer, Key};
/// # async fn forward() {}
///
/// let identity = IdentityHeadersLayer::builder() // the user's name as `Remote-User`
///     .attribute("mail", "Remote-Mail")
///     .attribute("memberOf", "Remote-Groups")
///     .build()?;
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .build()?;
/// let app: Router = Router::new()
///     .fallback(any(forward))
///     .layer(identity)
///     .layer(CasLayer::new(config));
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
///
/// # What it removes
///
/// From every request, with or without a signed-in user:
///
/// 1. Every header with one of the configured names, or with a name that begins with `Remote-` or another [reserved
///    prefix](IdentityHeadersBuilder::reserve_prefix), however often it comes. Upper and lower case make no
///    difference. Any character that is neither letter nor digit counts as `_`, as it does for servers that make
///    environment variables of headers (RFC 3875, section 4.1.18): `REMOTE_USER` and `remote.user` are `Remote-User`
///    too.
/// 2. The same from the trailers of the request's body. That is why the body's type changes to [`IdentityBody`].
/// 3. Such names from `Connection`, `Proxy-Connection` and `Trailer`. A proxy further on would remove what
///    `Connection` names (RFC 9110, section 7.6.1), and with it the header that is set here.
/// 4. `HTTP2-Settings`, and everything in `Upgrade` except `websocket`. A client that talks another version of HTTP
///    with the backend through a tunnel sends requests that this layer never sees.
/// 5. The session and login cookies of the app, at all its hosts: the backend could use them in its user's name. A
///    pair that the backend may read as one of them goes too. Names are compared as those of headers are, and after
///    percent-decoding, and are found behind spaces, commas, quotes and bytes that are not ASCII.
///
/// A header `Http-Remote-User` is left alone. Such servers call it `HTTP_HTTP_REMOTE_USER`, and `Remote-User`
/// `HTTP_REMOTE_USER`, so they do not confuse the two.
///
/// `Authorization` and `Proxy-Authorization` are left alone too, as they may be for the backend. If the backend takes
/// passwords or tokens there beside these headers, it would be told of two identities. In that case remove them
/// before the backend sees them, as the example `reverse_proxy` does.
///
/// # What it sets
///
/// If a user has signed in: one header for the user's name, one for each chosen attribute that has a value, and on
/// request one for the session. Each value is US-ASCII:
///
/// - `%`, control characters, spaces at either end, and every byte of what is not ASCII (in UTF-8) are
///   written as `%` and two hexadecimal digits in upper case;
/// - the values of an attribute are joined by a comma, or the configured
///   [separator](IdentityHeadersBuilder::separator), which inside values is written in the same way.
///
/// So a backend gets the exact values back if it splits an attribute at the separator and percent-decodes the pieces.
/// Most names and values need neither. Different values never become the same text. An empty header is one empty
/// value.
///
/// The value of an attribute that would have more than 8,000 bytes is left out, never cut, and the log says so. That
/// is about what servers accept in one header. A user's name always fits.
///
/// # Security
///
/// **The backend must be reachable only through this layer.** It trusts the headers, so a client that reaches the
/// backend directly can claim to be anyone. A `CONNECT` request that is answered by a tunnel to the backend is a
/// direct connection.
///
/// Without a `CasLayer` above it, this layer names no user to the backend, and logs an error. Layers that send
/// visitors to the CAS server, such as [`Require`](crate::Require), go above it, because they need the login cookie.
#[derive(Clone, Debug)]
pub struct IdentityHeadersLayer(Arc<Introduction>);

impl IdentityHeadersLayer {
    /// Begins with the user's name as `Remote-User`, and nothing else.
    #[must_use]
    pub fn builder() -> IdentityHeadersBuilder {
        IdentityHeadersBuilder::new()
    }
}

impl<S> Layer<S> for IdentityHeadersLayer {
    type Service = IdentityHeaders<S>;

    fn layer(&self, inner: S) -> IdentityHeaders<S> {
        IdentityHeaders {
            inner,
            identity: Arc::clone(&self.0),
        }
    }
}

/// The service that [`IdentityHeadersLayer`] makes of an inner one.
#[derive(Clone, Debug)]
pub struct IdentityHeaders<S> {
    inner: S,
    identity: Arc<Introduction>,
}

impl<S, ReqBody> Service<Request<ReqBody>> for IdentityHeaders<S>
where
    S: Service<Request<IdentityBody<ReqBody>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let user = parts.extensions.get::<CasUser>();
        let app = app_above(&parts.extensions);
        if app.is_none() {
            static NO_LAYER: Seldom = Seldom::new();
            seldom!(
                error,
                NO_LAYER,
                "a backend is told of nobody: no CasLayer is over its route"
            );
        }
        scrub::scrub(&mut parts.headers, &self.identity.reserved);
        if let Some((host, _)) = app {
            host.remove_own_cookies(&mut parts.headers);
        }
        if let Some(user) = user {
            self.identity.introduce(user, &mut parts.headers);
        }
        let body = IdentityBody::new(body, Arc::clone(&self.identity.reserved));
        self.inner.call(Request::from_parts(parts, body))
    }
}

impl IdentityHeadersBuilder {
    /// Checks everything.
    ///
    /// # Errors
    /// - [`ConfigError::InvalidHeaderName`] for a text that is not a header name, or is longer than 128 bytes; for a
    ///   name with a meaning of its own in HTTP, such as `Host`, `Cookie` or `Authorization`, or a prefix that would
    ///   reserve one; for two names that differ only in case or punctuation.
    /// - [`ConfigError::InvalidSeparator`].
    pub fn build(self) -> Result<IdentityHeadersLayer, ConfigError> {
        Ok(IdentityHeadersLayer(Arc::new(self.check()?)))
    }
}
