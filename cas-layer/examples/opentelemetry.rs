//! The layer under OpenTelemetry: each request is a span with its route, its status and its user, and no span has a ticket.
//!
//! `cargo run --example opentelemetry --features tower-http -- https://cas.example.org/cas`, then open
//! <http://127.0.0.1:8080>. The spans are printed. For a collector, take the exporter of the crate `opentelemetry-otlp`.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key, RequestSpan};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower_http::trace::TraceLayer;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{filter::LevelFilter, prelude::*};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args()
        .nth(1)
        .ok_or("usage: opentelemetry CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let provider = SdkTracerProvider::builder()
        // One span at a time, as soon as it ends. In production, send batches.
        .with_simple_exporter(opentelemetry_stdout::SpanExporter::default())
        .build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("my-app"));
    tracing_subscriber::registry()
        .with(spans.with_filter(LevelFilter::INFO))
        .init();

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    let app = Router::new()
        .route(
            "/",
            get(|user: CasUser| async move { user.name().to_owned() }),
        )
        .route("/books/{id}", get(|| async { "A book" }))
        // Inside of the router's layers for requests, which know the route, and inside of the layer, which knows the user.
        .route_layer(from_fn(name_route_and_user))
        .layer(CasLayer::new(config))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(RequestSpan)
                .on_response(note_status),
        );
    axum::serve(listener, app).await?;
    Ok(())
}

fn note_status(response: &Response<Body>, _: Duration, span: &Span) {
    let status = i64::from(response.status().as_u16());
    span.record("http.response.status_code", status);
}

async fn name_route_and_user(request: Request, next: Next) -> Response {
    let span = Span::current();
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        span.record("http.route", route.as_str());
        let name = format!("{} {}", request.method(), route.as_str());
        span.context().span().update_name(name);
    }
    if let Some(user) = request.extensions().get::<CasUser>() {
        span.record("enduser.id", user.name());
    }
    next.run(request).await
}
