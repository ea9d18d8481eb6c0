//! A second service, which the demo calls in its user's name (`--proxy`).

use axum::{Json, Router, routing::get};
use cas_layer::{CasApiLayer, CasConfig, CasUser};
use serde::{Deserialize, Serialize};

/// The path that the demo asks for.
pub(crate) const PATH: &str = "/records";

/// What the service says of who is asking.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Reply {
    pub(crate) user: String,
    /// The apps that ask in the user's name, most recent first.
    pub(crate) proxies: Vec<String>,
    pub(crate) records: Vec<String>,
}

pub(crate) fn router(config: CasConfig) -> Router {
    Router::new()
        .route(PATH, get(records))
        .layer(CasApiLayer::new(config))
}

async fn records(user: CasUser) -> Json<Reply> {
    Json(Reply {
        user: user.name().to_owned(),
        proxies: user.proxies().to_vec(),
        records: vec![format!("A record of {}", user.name())],
    })
}
