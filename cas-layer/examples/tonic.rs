//! A gRPC service whose callers have signed in. A browser's client (gRPC-Web) or a program that got the
//! session cookie at `/login` calls it; a caller without a session gets `UNAUTHENTICATED`.
//!
//! `cargo run --example tonic -- https://cas.example.org/cas`

use axum::body::Body;
use cas_layer::{CasConfig, CasLayer, CasUser, Key};
use tonic::{
    Request, Status,
    service::interceptor::InterceptedService,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::server::health_reporter;
use tower_http::map_response_body::MapResponseBodyLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1).ok_or("usage: tonic CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    // Stands for a service of your own.
    let (_reporter, health) = health_reporter();
    Server::builder()
        // The sign-in is made of redirects: a browser gets them over HTTP/1.
        .accept_http1(true)
        .layer(CasLayer::new(config))
        // What the layer says itself is bytes, and tonic's body is not made from them.
        .layer(MapResponseBodyLayer::new(Body::new))
        .add_service(InterceptedService::new(health, greet))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}

/// A method of a service finds the user in the same place.
fn greet(request: Request<()>) -> Result<Request<()>, Status> {
    let user = request.extensions().get::<CasUser>();
    let user = user.ok_or_else(|| Status::internal("no CasLayer over this service"))?;
    println!("{} calls", user.name());
    Ok(request)
}
