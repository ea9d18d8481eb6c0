//! Paths and rules, compared with what `ServeDir` and axum's router make of a path.

#![no_main]

use std::{
    convert::Infallible,
    fs,
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Body, routing::get};
use cas_layer::{Access, CasConfig, CasLayer, Key, Paths, fuzzing};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::services::ServeDir;

/// Each file holds its own name.
const FILES: &[&str] = &[
    "index.html",
    "a.txt",
    "private/a.txt",
    "private/index.html",
    "public/a.txt",
    "public/index.html",
    "public/b/c d.txt",
    "public/\u{fc}.txt",
    "public/admin/a.txt",
    "admin/a.txt",
    "admin/public/a.txt",
    "users/7/photo",
    "users/7/mail",
];

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    for name in FILES {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, name).unwrap();
    }
    folder
});

/// With a rule that asks for more than a user, and without.
static LAYERS: LazyLock<[CasLayer; 2]> = LazyLock::new(|| {
    [false, true].map(|strong| {
        let mut config =
            CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
                .key(Key::from((0..64).collect::<Vec<u8>>()))
                .public_prefix("/public")
                .rule(Paths::pattern("/users/{id}/photo"), Access::public());
        if strong {
            let admins = Access::required().any_of("memberOf", ["admins"]);
            config = config.rule(Paths::prefix("/admin"), admins);
        }
        CasLayer::new(config.build().unwrap())
    })
});

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    Router::new()
        .route("/", get(async || "index.html"))
        .route("/a.txt", get(async || "a.txt"))
        .route("/public", get(async || "public"))
        .route("/public/", get(async || "public"))
        .route("/public/{*rest}", get(async || "public/rest"))
        .route("/private/{*rest}", get(async || "private/rest"))
        .route("/admin/{*rest}", get(async || "admin/rest"))
        .route("/users/{id}/photo", get(async || "users/7/photo"))
        .route("/users/{id}/mail", get(async || "users/7/mail"))
});

fn request(uri: &Uri) -> Request<Body> {
    Request::get(uri.clone()).body(Body::empty()).unwrap()
}

/// Whether the layer lets a stranger have this path.
async fn is_public(layer: &CasLayer, uri: &Uri) -> bool {
    let reached = Arc::new(AtomicBool::new(false));
    let app = Arc::clone(&reached);
    let app = layer.layer(service_fn(move |_: Request<Body>| {
        app.store(true, Ordering::Relaxed);
        async { Ok::<_, Infallible>(Response::new(Body::empty())) }
    }));
    let _ = app.oneshot(request(uri)).await;
    reached.load(Ordering::Relaxed)
}

/// What is found at a path, if anything is.
async fn found(
    response: Response<impl http_body::Body<Data: Send, Error: std::fmt::Debug>>,
) -> Option<String> {
    if response.status() != StatusCode::OK {
        return None;
    }
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

fuzz_target!(|text: &str| {
    let Ok(uri) = Uri::try_from(text) else {
        return;
    };
    RUNTIME.block_on(async {
        let folder = ServeDir::new(FOLDER.path());
        let served = found(folder.oneshot(request(&uri)).await.unwrap()).await;
        let routed = found(ROUTER.clone().oneshot(request(&uri)).await.unwrap()).await;
        for layer in &*LAYERS {
            if is_public(layer, &uri).await {
                for name in served.iter().chain(&routed) {
                    let is_named = name.starts_with("public") || name == "users/7/photo";
                    assert!(is_named, "{uri} is public and leads to {name}");
                }
            }
        }
        // A path that a rule can be about is that of the file.
        if let (Some(path), Some(name)) = (fuzzing::canonical_path(uri.path()), served) {
            let own = path.strip_prefix('/').unwrap();
            let index = format!("{own}index.html");
            assert!(own == name || index == name, "{path} leads to {name}");
        }
    });
});
