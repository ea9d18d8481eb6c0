//! A span for each request, for the app's own request log.

use http::Request;
use tower_http::trace::MakeSpan;
use tracing::{Span, field::Empty};

use crate::request_id;

/// Makes the span of a request for tower-http's [`TraceLayer`](tower_http::trace::TraceLayer), and never puts the query
/// into it.
///
/// For about a minute, the ticket in the query of a callback can be used like a password. `TraceLayer` logs the whole URI
/// unless it is given another span.
///
/// The span is named `request` (target `cas_layer::request`, level info). Its fields have the names of OpenTelemetry's
/// semantic conventions:
///
/// | field | value |
/// | --- | --- |
/// | `http.request.method` | `GET` |
/// | `url.path` | the path, as the client sent it, without its query |
/// | `request_id` | the field `X-Request-Id` of the request, if there is exactly one, of at most 128 visible ASCII characters |
/// | `otel.kind` | `server`: the kind of the span, which `tracing-opentelemetry` takes only when a span is made |
/// | `http.route`, `http.response.status_code`, `enduser.id`, `otel.status_code` | empty: for the app to [record](tracing::Span::record) |
///
/// ```
/// use axum::Router;
/// use cas_layer::RequestSpan;
/// use tower_http::trace::TraceLayer;
///
/// # let app: Router = Router::new();
/// // Outermost, so that it sees what the layer answers too.
/// let app: Router = app.layer(TraceLayer::new_for_http().make_span_with(RequestSpan));
/// ```
///
/// The path is logged as it is. If paths of your app have secrets in them, make a span of your own.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestSpan;

impl<B> MakeSpan<B> for RequestSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        tracing::info_span!(
            target: "cas_layer::request",
            "request",
            http.request.method = request.method().as_str(),
            url.path = request.uri().path(),
            request_id = request_id::of(request.headers()),
            otel.kind = "server",
            http.route = Empty,
            http.response.status_code = Empty,
            enduser.id = Empty,
            otel.status_code = Empty,
        )
    }
}
