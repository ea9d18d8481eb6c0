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
/// Where both would do, take `CasLayer`.
///
/// # What happens to a request
///
/// Sessions, rules, pages, events and the layers below are those of [`CasLayer`], with the same [`CasConfig`]. The paths
/// of endpoints that it names are not answered. What is different:
///
/// 1. A page that a browser opens without a user is redirected to the CAS server with its own URL as the service URL, in
///    which the query is replaced by parameters of the layer: `cas_login`, `cas_next`, `cas_renew`, `cas_gateway` and
///    `cas_try`. No app can use `cas_login` itself. The app's query travels encoded, so no server can change it.
/// 2. A `GET` with `cas_login` and a ticket is the way back. The ticket is validated if this browser began that login, and
///    a redirect leads to the page with its query byte for byte as it was, and without ticket. Without a ticket, or with
///    one that has been used, it leads there too.
/// 3. A `ticket` of anybody else's belongs to the app, but for one case: a page that begins a login is returned to without
///    a `ticket` that looks like a service ticket (`ST-…` or `PT-…`), and with SAML 1.1 without a `SAMLart`. Portals link
///    like that, and their tickets are for a login that did not begin here.
/// 4. Of a `POST` of a form (`application/x-www-form-urlencoded`) that is not over 64 KiB, on a path that is not public,
///    the first bytes are looked at. If they are `logoutRequest=`, it is a [single logout](crate::guide::single_logout), which
///    the layer answers. Everything else goes on as it came, and a stream streams. A sender that says nothing for 10
///    seconds is left to the app.
/// 5. So is a `GET` on such a path whose `logoutRequest` or `SAMLRequest` can be read as a logout request and names a
///    session of this app, open or ended lately. Any other is the app's own, which may sign its users out by SAML too.
///    While the registry cannot tell, it is answered 503.
/// 6. A sign-in link on a page of the layer's, and the `login_url` for programs, is the page that was asked for by `GET`, else
///    the [landing path](crate::SignInOptions::landing_path).
///
/// # Limits
///
/// - A page whose path some CAS server refuses or rewrites comes back by way of the landing path, which this layer has to
///   cover for that: a path with quotes, `<`, `>`, `^`, `` ` ``, `{`, `|` or `}`, encoded or not, with dot segments or empty ones, or with
///   `;` or `\`.
/// - A page with its query over 1,024 bytes loses the query. A path over 1,024 bytes, or one that is not of the app, leads
///   to the landing path.
/// - With [`bare_service_url`](crate::SignInOptions::bare_service_url) the service URL is the page without any query, which then
///   travels in the login cookie if it has at most 256 bytes with the path. A visitor who comes with a ticket and nothing
///   else in the query, and whose browser has begun no login for that page, is told that cookies are needed: links
///   in portals must not carry one. A form that is posted to a page with the query `cas_confirmation` is the layer's: with it
///   users confirm that they are who they are about to be signed in as. The server's tickets have to begin with `ST-` or `PT-`, or be called `SAMLart`: any
///   other `ticket` is the app's.
/// - The inner service has to be `Clone`, and takes [`Peeked`](crate::Peeked) request bodies.
/// - The first bytes of a form are read before the app sees the request. With that, the server answers
///   `Expect: 100-continue`, so the app can no longer refuse such a form before its body is sent; and a client that waits
///   for a response before it sends its form is held for up to 10 seconds.
/// - While more than 256 forms are on their way, one that the layer cannot tell within 100 milliseconds may be left to the app.
///   A logout request whose rest does not come in that time is answered 503. It has to come in at most 128 pieces.
/// - A single logout at a public path is not looked for, except at the landing path.
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
