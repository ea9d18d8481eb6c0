//! An API for a front end of another origin, such as `http://localhost:5173`: CORS goes outside the layer.
//!
//! `cargo run --example cors -- https://cas.example.org/cas http://localhost:5173`
//!
//! 1. A preflight (`OPTIONS`) has no cookies. Were the layer outside, it would get a 401, and the browser
//!    would not send the request.
//! 2. The layer's 401 needs the CORS headers too, or the front end's script may not read its `login_url`.
//! 3. The session is a cookie, so the script asks with `fetch(url, { credentials: "include" })`, and
//!    `Access-Control-Allow-Credentials` needs one origin by name: never `*`, and never whatever `Origin` says,
//!    which would let every site read what its visitors may see here.
//! 4. The cookie is `SameSite=Lax`: `fetch` sends it from the same site (another port, another subdomain), not
//!    from another. `http://localhost:5173` and `http://127.0.0.1:8080` are two sites, so open both by one name.

use axum::{Json, Router, routing::get};
use cas_layer::{CasConfig, CasLayer, CasUser, Key};
use http::{HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(cas_url), Some(front_end)) = (arguments.next(), arguments.next()) else {
        return Err("usage: cors CAS_URL ORIGIN_OF_FRONT_END".into());
    };
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::try_from(front_end)?)
        .allow_credentials(true)
        .allow_methods([Method::GET])
        .allow_headers([header::CONTENT_TYPE]);
    let app = Router::new()
        .route("/api/me", get(me))
        .layer(CasLayer::new(config))
        .layer(cors); // the last is the outermost
    axum::serve(listener, app).await?;
    Ok(())
}

async fn me(user: CasUser) -> Json<String> {
    Json(user.name().to_owned())
}
