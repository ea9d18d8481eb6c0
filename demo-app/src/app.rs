//! The routes, and what surrounds them.

use std::time::Duration;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use cas_layer::{Access, CasConfig, CasLayer, Paths, RequestSpan};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::{compression::CompressionLayer, timeout::TimeoutLayer, trace::TraceLayer};

use crate::{
    metrics,
    pages::{self, Link, Pages},
    proxied,
};

/// Longer than the 10 seconds that a call to the CAS server may take.
const REQUEST_TIME_LIMIT: Duration = Duration::from_secs(30);

#[rustfmt::skip]
const LINKS: [Link; 6] = [
    ("/", "Home", "What there is to see."),
    ("/profile", "Profile", "Requires a user, and shows what the CAS server says about them."),
    ("/optional", "Optional", "Shows the user if somebody is signed in."),
    ("/gateway", "Gateway", "Asks the CAS server whether somebody is signed in there, without a form."),
    ("/admin", "Administrators", "Requires the attribute memberOf = admin. At the embedded CAS server, casadmin has it."),
    ("/fresh", "Fresh password", "Requires a password that was given within the last minute."),
];
const PROXIED: Link = (
    "/proxied",
    "Another service",
    "Calls another service in the user's name.",
);
const METRICS: Link = (
    metrics::PATH,
    "Metrics",
    "What has happened so far, for Prometheus.",
);

/// How long ago the password may have been given for `/fresh`.
const FRESH: Duration = Duration::from_secs(60);

/// What the demo's paths ask of their visitors.
pub(crate) fn rules() -> Vec<(Paths, Access)> {
    vec![
        // For a load balancer.
        (Paths::exact("/healthz"), Access::public()),
        (Paths::exact("/"), Access::optional()),
        (Paths::exact("/optional"), Access::optional()),
        (Paths::exact("/gateway"), Access::gateway()),
        (
            Paths::exact("/admin"),
            Access::required().any_of("memberOf", ["admin"]),
        ),
        (Paths::exact("/fresh"), Access::required().fresh(FRESH)),
    ]
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
    let mut links = LINKS.to_vec();
    links.extend(service.as_ref().map(|_| PROXIED));
    links.extend(metrics.as_ref().map(|_| METRICS));
    let pages = Pages::new(config.clone(), links);
    let proxied = service.map(|service| {
        let state = (service, pages.clone());
        Router::new()
            .route("/proxied", get(proxied::proxied))
            .with_state(state)
    });
    Router::new()
        .route("/", get(pages::front))
        .route("/profile", get(pages::profile))
        .route("/optional", get(pages::optional))
        .route("/gateway", get(pages::optional))
        .route("/admin", get(pages::profile))
        .route("/fresh", get(pages::profile))
        .route("/sign_out_everywhere", post(pages::sign_out_everywhere))
        .route("/healthz", get(|| async { "ok" }))
        .fallback(pages::not_found)
        .with_state(pages)
        .merge(proxied.unwrap_or_default())
        .merge(metrics.map(metrics::route).unwrap_or_default())
        .layer(CasLayer::new(config))
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIME_LIMIT,
        ))
        .layer(TraceLayer::new_for_http().make_span_with(RequestSpan))
}
