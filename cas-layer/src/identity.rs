//! Tells a backend behind us which user has signed in, by request headers that nobody else can set.

mod body;
mod encode;
mod names;
mod scrub;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

pub use body::IdentityBody;
use http::{HeaderMap, HeaderName, Request};
use tower::{Layer, Service};

use self::{encode::Encoding, names::Reserved};
use crate::{
    error::ConfigError,
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
pub struct IdentityHeadersLayer(Arc<Identity>);

/// What the backend is told, and how.
#[derive(Debug)]
struct Identity {
    user: HeaderName,
    session: Option<HeaderName>,
    /// Names of attributes, each with its header.
    attributes: Vec<(String, HeaderName)>,
    encoding: Encoding,
    reserved: Arc<Reserved>,
}

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
    identity: Arc<Identity>,
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

impl Identity {
    /// Sets the headers that say who `user` is.
    fn introduce(&self, user: &CasUser, headers: &mut HeaderMap) {
        let name = encode::single(user.name());
        let session = self.session.as_ref().map(|header| {
            let id = user.session_id().to_string();
            (header, id)
        });
        let attributes = self.attributes.iter().filter_map(|(name, header)| {
            let values = user.attributes().all(name);
            (!values.is_empty()).then(|| (header, self.encoding.joined(values)))
        });
        let all = std::iter::once((&self.user, name))
            .chain(session)
            .chain(attributes);
        for (header, value) in all {
            let bytes = value.len();
            let is_set = encode::header_value(value)
                .is_some_and(|value| headers.try_insert(header, value).is_ok());
            if !is_set {
                tracing::error!(
                    %header,
                    bytes,
                    session = %user.session_id(),
                    "an identity header is left out: its value, or all headers together, are too large"
                );
            }
        }
    }
}

/// Chooses the headers of an [`IdentityHeadersLayer`].
#[derive(Clone, Debug)]
pub struct IdentityHeadersBuilder {
    user: String,
    session: Option<String>,
    attributes: Vec<(String, String)>,
    prefixes: Vec<String>,
    separator: char,
}

impl IdentityHeadersBuilder {
    fn new() -> Self {
        Self {
            user: "Remote-User".to_owned(),
            session: None,
            attributes: Vec::new(),
            prefixes: vec!["Remote-".to_owned()],
            separator: ',',
        }
    }

    /// The header with the user's name. The default value is `Remote-User`; oauth2-proxy's is
    /// `X-Forwarded-User`.
    #[must_use]
    pub fn user(mut self, header: impl Into<String>) -> Self {
        self.user = header.into();
        self
    }

    /// A header with all values of an attribute, which is named as in
    /// [`CasUser::attributes`](crate::CasUser::attributes). A user without a value gets no such header. May be called
    /// again for other headers.
    #[must_use]
    pub fn attribute(mut self, attribute: impl Into<String>, header: impl Into<String>) -> Self {
        self.attributes.push((attribute.into(), header.into()));
        self
    }

    /// A header with the [`SessionId`](crate::SessionId), 32 hexadecimal digits, so that you can compare the logs of
    /// the backend with those of this app. There is no such header by default.
    #[must_use]
    pub fn session_id(mut self, header: impl Into<String>) -> Self {
        self.session = Some(header.into());
        self
    }

    /// Removes all headers that begin with `prefix` from requests, such as `X-CAS-` or `X-Forwarded-`. Use it for a
    /// backend that trusts more such headers than are set here. May be called again. `Remote-` is always reserved: a
    /// backend that trusts `Remote-User` may trust `Remote-Groups`, `Remote-Email` and `Remote-Name` too.
    #[must_use]
    pub fn reserve_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// The separator between the values of an attribute: ASCII punctuation other than `%`. The default value is `,`,
    /// as in `mod_auth_cas` and oauth2-proxy.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// - [`ConfigError::InvalidHeaderName`] for a text that is not a header name, or is longer than 128 bytes; for a
    ///   name with a meaning of its own in HTTP, such as `Host`, `Cookie` or `Authorization`, or a prefix that would
    ///   reserve one; for two names that differ only in case or punctuation.
    /// - [`ConfigError::InvalidSeparator`].
    pub fn build(self) -> Result<IdentityHeadersLayer, ConfigError> {
        let mut reserved = Reserved::default();
        let user = reserved.add_name(&self.user)?;
        let session = self.session.map(|header| reserved.add_name(&header));
        let session = session.transpose()?;
        let attributes = self.attributes.into_iter().map(|(attribute, header)| {
            let header = reserved.add_name(&header)?;
            Ok((attribute, header))
        });
        let attributes = attributes.collect::<Result<_, ConfigError>>()?;
        for prefix in &self.prefixes {
            reserved.add_prefix(prefix)?;
        }
        let separator = self.separator;
        Ok(IdentityHeadersLayer(Arc::new(Identity {
            user,
            session,
            attributes,
            encoding: Encoding::new(separator)
                .ok_or(ConfigError::InvalidSeparator { separator })?,
            reserved: Arc::new(reserved),
        })))
    }
}
