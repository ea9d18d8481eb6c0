//! What is counted, in the text format of Prometheus.

use std::time::Duration;

use axum::{Router, http::header, routing::get};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tokio::time;

/// Public: who scrapes has no session.
pub(crate) const PATH: &str = "/metrics";

/// Upper bounds for durations, in seconds. A call to the CAS server may take 10.
const BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Single durations are kept until they are sorted into their buckets, be it that nobody asks.
const SORT_EVERY: Duration = Duration::from_secs(5);

/// Counts from here on, for the whole process.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()?;
    let sorting = handle.clone();
    tokio::spawn(async move {
        let mut ticks = time::interval(SORT_EVERY);
        loop {
            ticks.tick().await;
            sorting.run_upkeep();
        }
    });
    Ok(handle)
}

pub(crate) fn route(handle: PrometheusHandle) -> Router {
    let content_type = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Router::new().route(
        PATH,
        get(move || async move { (content_type, handle.render()) }),
    )
}
