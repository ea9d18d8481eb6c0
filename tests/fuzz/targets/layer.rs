//! Whole layers, with the request of a stranger.

#![no_main]

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use axum::body::Body;
use cas_layer::{
    Access, CasApiLayer, CasConfig, CasConfigBuilder, CasInPlaceLayer, CasLayer, CasUser, Key,
    Paths, fuzzing,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer as _, Service, ServiceExt as _, service_fn, util::BoxCloneService};
use url::Url;

const APP: &str = "https://app.example.org";
/// Nobody listens there, so it does not answer at once.
const CAS: &str = "http://127.0.0.1:1";
/// What must not be part of a page as it was sent.
const MARKUP: &str = "<x>";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

fn config() -> CasConfigBuilder {
    CasConfig::builder(CAS, APP)
        .key(Key::from((0..64).collect::<Vec<u8>>()))
        .public_prefix("/public")
        .rule(Paths::prefix("/optional"), Access::optional())
        .rule(Paths::prefix("/gateway"), Access::gateway())
}

static LAYER: LazyLock<CasLayer> = LazyLock::new(|| CasLayer::new(config().build().unwrap()));
static IN_PLACE: LazyLock<CasInPlaceLayer> =
    LazyLock::new(|| CasInPlaceLayer::new(config().build().unwrap()));
static API: LazyLock<CasApiLayer> = LazyLock::new(|| {
    let api = CasApiLayer::new(config().build().unwrap());
    api.with_tickets_in_query(true).with_sessions(true)
});

/// A request line without a version, header fields, an empty line, and the body.
fn request(text: &str) -> Option<Request<Body>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::new(Body::from(body.to_owned()));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::try_from(target).ok()?;
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

/// The request as the app got it, if it did.
type Passed = Arc<Mutex<Option<Request<()>>>>;
type App<B> = BoxCloneService<Request<B>, Response<Body>, Infallible>;

fn lock(passed: &Passed) -> MutexGuard<'_, Option<Request<()>>> {
    passed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An app that notes its request. What the body is, the layer decides.
fn app<B: Send + 'static>(passed: &Passed) -> App<B> {
    let passed = Arc::clone(passed);
    App::new(service_fn(move |request: Request<B>| {
        *lock(&passed) = Some(request.map(|_| ()));
        async { Ok(Response::new(Body::empty())) }
    }))
}

/// Sends the request to a layer with such an app, and looks at what comes of it.
async fn check<S>(text: &str, layered: impl FnOnce(&Passed) -> S)
where
    S: Service<Request<Body>, Response = Response<Body>, Error: std::fmt::Debug>,
{
    let Some(request) = request(text) else {
        return;
    };
    let path = fuzzing::canonical_path(request.uri().path());
    let passed = Passed::default();
    let response = layered(&passed).oneshot(request).await.unwrap();
    if let Some(request) = lock(&passed).take() {
        let path = path.unwrap_or_default();
        let is_open = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let open = ["/public", "/optional", "/gateway"];
        assert!(open.into_iter().any(is_open), "the app got {path}");
        assert!(request.extensions().get::<CasUser>().is_none());
    }
    is_an_answer(response, text.contains(MARKUP)).await;
}

async fn is_an_answer(response: Response<Body>, has_markup: bool) {
    assert!(response.status() != 500, "{response:?}");
    let app = Url::parse(APP).unwrap();
    let cas = Url::parse(CAS).unwrap();
    for location in response.headers().get_all(header::LOCATION) {
        let location = app.join(location.to_str().unwrap()).unwrap();
        let is_known = [&app, &cas]
            .map(|url| url.origin())
            .contains(&location.origin());
        assert!(is_known, "{location}");
    }
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        assert!(cookie.as_bytes().starts_with(b"__Host-"), "{cookie:?}");
        assert!(cookie.as_bytes().len() < 6_000);
    }
    if has_markup && response.body().size_hint().lower() > 0 {
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!body.windows(MARKUP.len()).any(|it| it == MARKUP.as_bytes()));
    }
}

fuzz_target!(|text: &str| {
    RUNTIME.block_on(async {
        check(text, |passed| LAYER.layer(app(passed))).await;
        check(text, |passed| IN_PLACE.layer(app(passed))).await;
        check(text, |passed| API.layer(app(passed))).await;
    });
});
