//! The router in cas-layer, with a session that was opened through the embedded CAS server.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use axum::routing::get;
use cas_layer::testing::CasServer;
use cas_layer::{CasConfig, CasLayer, CasUser, Key};
use tower::{Layer as _, ServiceExt as _};

use super::{Bench, Contender, Failure, USER, cookie_set_by, profile};

const APP_URL: &str = "http://127.0.0.1:8080";

pub(super) fn contenders(bench: &Bench) -> Result<[Contender; 2], Failure> {
    let (layer, cookie) = bench.runtime.block_on(signed_in())?;
    let router = router();
    Ok([
        bench.guarded(
            "cas-layer, Router::layer",
            router.clone().layer(layer.clone()),
            cookie.clone(),
        )?,
        bench.guarded("cas-layer, around", layer.layer(router), cookie)?,
    ])
}

fn router() -> Router {
    Router::new().route(
        "/profile",
        get(|user: CasUser| async move { user.name().to_owned() }),
    )
}

/// A layer, and the cookie of a session that it opened. The user's attributes are in it.
async fn signed_in() -> Result<(CasLayer, HeaderValue), Failure> {
    let cas = CasServer::start().await?;
    let config = CasConfig::builder(cas.url(), APP_URL)
        .key(Key::generate())
        .build()?;
    let layer = CasLayer::new(config);
    let app = layer.layer(router());

    let Ok(to_cas) = app.clone().oneshot(profile(None)).await;
    let service = service_url(&to_cas).ok_or("no redirect to the CAS server")?;
    let ticket = cas.issue_ticket(USER, &service);
    let callback = service
        .strip_prefix(APP_URL)
        .ok_or("the service URL is not the app's")?;
    let separator = if callback.contains('?') { '&' } else { '?' };
    let request = Request::get(format!("{callback}{separator}ticket={ticket}"))
        .header(header::COOKIE, cookie_set_by(&to_cas, "-login")?)
        .body(Body::empty())?;
    let Ok(response) = app.oneshot(request).await;
    cas.shutdown().await;
    Ok((layer, cookie_set_by(&response, "-session")?))
}

fn service_url(redirect: &Response<Body>) -> Option<String> {
    let location = redirect.headers().get(header::LOCATION)?.to_str().ok()?;
    let (_, query) = location.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "service").then(|| value.into_owned()))
}
