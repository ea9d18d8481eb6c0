//! The tower layer.

use tower::Layer;

use crate::{
    app::Hosts,
    config::CasConfig,
    service::{Cas, CasInPlace},
};

/// Signs visitors of the wrapped service in through CAS.
///
/// Put it over the whole application, last. What it does, request by request:
///
/// 1. If the app has several public hosts, the layer looks up the host that the request names. A host that is not
///    listed gets 421.
/// 2. The login, logout and logout-callback paths are the layer's own; the inner service never sees them.
/// 3. A valid session cookie puts a [`CasUser`](crate::CasUser) into the request's extensions. It has to open under a
///    key of the configuration, for this app and CAS server, and its session must not have expired or ended. Any
///    other cookie is ignored.
/// 4. Without a user, the layer answers a request for a path that requires one. A page that a browser opens is
///    redirected to the CAS server, and the visitor comes back to it. Anything else (a script's `fetch`, a form's
///    `POST`, a WebSocket handshake, an image) gets a 401 that says where to sign in.
/// 5. Every other request goes to the inner service, its body untouched.
///
/// The inner service may be any tower service of `http` requests whose response body is made from
/// [`Bytes`](bytes::Bytes), as axum's body and `Full<Bytes>` are. For others, put tower-http's `MapResponseBodyLayer`
/// between. The error type is the inner service's: the layer itself never fails.
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

/// Signs visitors in through CAS at the page that they open: callback in place.
///
/// The service URL is the page itself instead of a login endpoint, as other CAS clients have it (Java, PHP, Apache). The
/// layer needs no path of its own, so it can sit on one route:
///
/// ```
/// use axum::{Router, body::Body, response::Response, routing::{get, post}};
/// use cas_layer::{CasConfig, CasInPlaceLayer, CasUser, Key};
///
/// async fn profile(user: CasUser) -> String {
///     format!("Hello {}", user.name())
/// }
/// async fn sign_out(user: CasUser) -> Response {
///     user.sign_out().await.map(Body::from)
/// }
///
/// let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
///     .key(Key::generate())
///     .sign_in(|sign_in| sign_in.landing_path("/profile"))
///     .build()?;
/// let cas = CasInPlaceLayer::new(config);
/// let app: Router = Router::new()
///     .route("/", get(async || "for everybody"))
///     .route("/profile", get(profile).layer(cas.clone()))
///     .route("/sign-out", post(sign_out).layer(cas));
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
///
/// # Which of the two
///
/// | | [`CasLayer`] | `CasInPlaceLayer` |
/// | --- | --- | --- |
/// | sits | over the whole app | over anything, down to one route |
/// | tickets come back to | `/login`, the one URL that a CAS server has to know | every page: the CAS server has to take all URLs of the app |
/// | paths that the app cannot have | `/login`, `/logout`, `/logout_callback` | none |
/// | request bodies | never touched | the beginning of a posted form is looked at |
/// | sign-out | `/logout` | a handler of the app calls [`CasUser::sign_out`](crate::CasUser::sign_out) |
///
/// If both would do, take `CasLayer`.
///
/// # What happens to a request
///
/// Sessions, rules, pages, events and the layers below are those of [`CasLayer`], with the same [`CasConfig`]. The
/// endpoint paths in it are not answered. What is different:
///
/// 1. A page that a browser opens without a user is redirected to the CAS server. The service URL is the page's own
///    URL, with the query replaced by parameters of the layer: `cas_login`, `cas_next`, `cas_renew`, `cas_gateway`,
///    `cas_try`, `cas_round` and `cas_again`. The app cannot use `cas_login` itself. The app's query travels encoded, so no server can change
///    it.
/// 2. A `GET` with `cas_login` and a ticket is the way back. If this browser began that login, the layer validates
///    the ticket. A redirect then leads to the page, without the ticket and with its query byte for byte as it was.
///    Without a ticket, or with a used one, the redirect leads there too.
/// 3. Any other `ticket` belongs to the app, with one exception: a page that begins a login comes back without a
///    `ticket` that looks like a service ticket (`ST-…` or `PT-…`), and with SAML 1.1 without a `SAMLart`. Portals
///    link like that, and their tickets are for a login that did not begin here.
/// 4. The layer looks at the first bytes of a posted form (`application/x-www-form-urlencoded`) of up to 64 KiB, on a
///    path that is not public. If they are `logoutRequest=`, the form is a [single
///    logout](crate::guide::single_logout), and the layer answers it. Everything else goes on as it came, and a
///    stream streams. If the sender sends nothing for 10 seconds, the form is left to the app.
/// 5. The layer also answers a `GET` on such a path with a `logoutRequest` or `SAMLRequest` that can be read as a logout
///    request, and that names a session of this app, open or ended lately. Any other belongs to the app, which may
///    sign its users out by SAML too. While the registry cannot tell, the answer is 503.
/// 6. A sign-in link on a page of the layer, and the `login_url` for programs, lead to the page if it was asked for
///    by `GET`, otherwise to the [landing path](crate::SignInOptions::landing_path).
///
/// # Limits
///
/// - Some CAS servers refuse or rewrite the path of some pages: a path with quotes, `<`, `>`, `^`, ``
///   ` ``, `{`, `|` or `}`, encoded or not, with dot segments or empty ones, or with `;` or `\`. Such a page comes
///   back by way of the landing path, which this layer then has to cover.
/// - A page with its query over 2,048 bytes loses the query. A path over 2,048 bytes, or one outside of the app,
///   leads to the landing path. So does what adds over 2,800 bytes to a redirect to the CAS server.
/// - With [`bare_service_url`](crate::SignInOptions::bare_service_url), the service URL is the page without any
///   query. The query then travels in the login cookie if it has at most 256 bytes with the path. A visitor is told
///   that the sign-in was refused if they come with nothing but a ticket in the query, and their browser has begun no
///   login for that page; or that cookies are needed, if it brings none. So links in portals must not carry a ticket. A form that is posted to a page with the query
///   `cas_confirmation` belongs to the layer: with it, users confirm their name. The server's tickets have to begin
///   with `ST-` or `PT-`, or be called `SAMLart`: any other `ticket` belongs to the app.
/// - The inner service has to be `Clone`, and takes [`Peeked`](crate::Peeked) request bodies.
/// - The first bytes of a form are read before the app sees the request. This makes the server answer
///   `Expect: 100-continue`, so the app can no longer refuse such a form before its body is sent. A client that waits
///   for a response before it sends its form waits for up to 10 seconds.
/// - While more than 256 forms are on their way, a form that the layer cannot recognise within 100 milliseconds may
///   be left to the app. If the rest of a logout request does not come in that time, the answer is 503. A logout
///   request has to come in at most 128 pieces.
/// - The layer does not look for a single logout at a public path, except at the landing path.
#[derive(Clone, Debug)]
pub struct CasInPlaceLayer(Hosts);

impl CasInPlaceLayer {
    /// A layer with this configuration. Never fails and never blocks.
    #[must_use]
    pub fn new(config: CasConfig) -> Self {
        Self(config.0)
    }
}

impl<S> Layer<S> for CasInPlaceLayer {
    type Service = CasInPlace<S>;

    fn layer(&self, inner: S) -> CasInPlace<S> {
        CasInPlace::new(inner, self.0.clone())
    }
}
