//! The tower layer.

use tower::Layer;

use crate::{
    config::{CasConfig, Hosts},
    service::Cas,
};

/// Signs visitors of the wrapped service in through CAS.
///
/// Put it over the whole application, last. What it does, request by request:
///
/// 1. If the app has several public hosts, the one that the request names is chosen; for another one
///    this is the wrong place: 421.
/// 2. The login, logout and logout-callback paths are the layer's own; the inner service never sees
///    them.
/// 3. A session cookie that opens under a key of the configuration, for this app and CAS server, and
///    whose session has neither expired nor ended, puts a [`CasUser`](crate::CasUser) into the
///    request's extensions. Any other cookie is as good as none.
/// 4. A request for a path that is not public, without a user, is answered here: a page that a
///    browser opens is redirected to the CAS server and comes back to where it was going; anything
///    else (a script's `fetch`, a form's `POST`, a WebSocket handshake, an image) gets a 401 that says
///    where to sign in.
/// 5. All else goes to the inner service, its body untouched.
///
/// The inner service may be any tower service of `http` requests whose response body is made from
/// [`Bytes`](bytes::Bytes): axum's body is, `Full<Bytes>` is; for others put tower-http's
/// `MapResponseBodyLayer` between. The error type is the inner service's: the layer itself always
/// answers.
///
/// ```
/// use axum::{Router, routing::get};
/// use cas_layer::{CasConfig, CasLayer, CasUser, Key};
///
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .build()?;
/// let app: Router = Router::new()
///     .route("/profile", get(|user: CasUser| async move { format!("Hello {}", user.name()) }))
///     .layer(CasLayer::new(config));
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CasLayer(Hosts);

impl CasLayer {
    /// A layer with this configuration. Never fails and never blocks.
    #[must_use]
    pub fn new(config: CasConfig) -> Self {
        Self(config.0)
    }
}

impl<S> Layer<S> for CasLayer {
    type Service = Cas<S>;

    fn layer(&self, inner: S) -> Cas<S> {
        Cas::new(inner, self.0.clone())
    }
}
