//! The layer over a service of hyper's own requests, served by hyper alone.
//!
//! `cargo run --example hyper -- https://cas.example.org/cas`, then open <http://127.0.0.1:8080>.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use cas_layer::{CasConfig, CasLayer, CasUser, Key};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tower::{Layer as _, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1).ok_or("usage: hyper CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    let service = CasLayer::new(config).layer(service_fn(hello));
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Too many open files, say: that passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let connection = server.serve_connection(TokioIo::new(socket), service);
            if let Err(error) = connection.await {
                eprintln!("a connection broke: {error}");
            }
        });
    }
}

/// The layer lets only signed-in users through to here.
async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let user = request.extensions().get::<CasUser>();
    let name = user.map_or("nobody", CasUser::name);
    Ok(Response::new(Full::from(format!("Logged in as {name}"))))
}
