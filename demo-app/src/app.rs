//! The routes, and what surrounds them.

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use cas_layer::{Access, CasConfig, CasLayer, Paths};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::{compression::CompressionLayer, timeout::TimeoutLayer, trace::TraceLayer};
use tracing::Span;

use crate::{metrics, pages, proxied};

/// Longer than the 10 seconds that a call to the CAS server may take.
const REQUEST_TIME_LIMIT: Duration = Duration::from_secs(30);

/// The paths that need no user. `/healthz` is for a load balancer.
const PUBLIC_PATHS: [&str; 2] = ["/", "/healthz"];

/// How long ago the password may have been given for `/fresh`.
const FRESH: Duration = Duration::from_secs(60);

/// What the demo's paths ask of their visitors.
pub(crate) fn rules() -> Vec<(Paths, Access)> {
    let public = PUBLIC_PATHS.map(|path| (Paths::exact(path), Access::public()));
    let others = [
        (Paths::exact("/optional"), Access::optional()),
        (Paths::exact("/gateway"), Access::gateway()),
        (
            Paths::exact("/admin"),
            Access::required().any_of("memberOf", ["admin"]),
        ),
        (Paths::exact("/fresh"), Access::required().fresh(FRESH)),
    ];
    public.into_iter().chain(others).collect()
}

/// Where a sign-in without `next` leads.
pub(crate) const LANDING_PATH: &str = "/profile";

/// Where the CAS server brings proxy-granting tickets.
pub(crate) const PROXY_CALLBACK_PATH: &str = "/cas/proxy";

/// `service` is called in the user's name, if there is one.
pub(crate) fn router(
    config: CasConfig,
    metrics: Option<PrometheusHandle>,
    service: Option<proxied::Service>,
) -> Router {
    let policy = pages::Policy::new(config.client().url());
    Router::new()
        .route("/", get(|| async { found("/login") }))
        .route("/profile", get(pages::profile))
        .route("/optional", get(pages::optional))
        .route("/gateway", get(pages::optional))
        .route("/admin", get(pages::profile))
        .route("/fresh", get(pages::profile))
        .route("/sign_out_everywhere", post(pages::sign_out_everywhere))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(policy.clone())
        .merge(
            service
                .map(|service| proxied_route(service, policy))
                .unwrap_or_default(),
        )
        .merge(metrics.map(metrics::route).unwrap_or_default())
        .layer(CasLayer::new(config))
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIME_LIMIT,
        ))
        .layer(TraceLayer::new_for_http().make_span_with(path_only))
}

fn proxied_route(service: proxied::Service, policy: pages::Policy) -> Router {
    Router::new()
        .route("/proxied", get(proxied::proxied))
        .with_state((service, policy))
}

/// The default span holds the URI with its query, and a query brings tickets.
fn path_only(request: &Request) -> Span {
    tracing::info_span!("request", method = %request.method(), path = request.uri().path())
}

/// 302: axum's own redirects are 303, 307 and 308.
fn found(location: &'static str) -> impl IntoResponse {
    (StatusCode::FOUND, [(header::LOCATION, location)])
}
