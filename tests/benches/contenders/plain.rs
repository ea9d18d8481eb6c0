//! The floor: the router alone, and under a middleware that does nothing.

use axum::Router;
use axum::http::HeaderValue;
use axum::routing::get;
use tower::Layer as _;
use tower::util::MapRequestLayer;

use super::{Bench, Contender, Failure, USER};

/// What the others are compared with.
pub(super) const FLOOR: &str = "bare router";

pub(super) fn contenders(bench: &Bench) -> Result<Vec<Contender>, Failure> {
    let cookie = HeaderValue::from_static("session=ignored-by-everyone");
    let router = Router::new().route("/profile", get(|| async { USER.to_owned() }));
    let nothing = MapRequestLayer::new(|request| request);
    Ok(vec![
        bench.open(FLOOR, router.clone(), cookie.clone())?,
        bench.open(
            "do-nothing layer, Router::layer",
            router.clone().layer(nothing.clone()),
            cookie.clone(),
        )?,
        bench.open("do-nothing layer, around", nothing.layer(router), cookie)?,
    ])
}
