//! Where the layer sits decides what it protects: each row of the table in the documentation.

use std::convert::Infallible;

use axum::{Router, body::Body, extract::Request, response::Response, routing::get};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cas_layer::{CasConfigBuilder, CasLayer};
use http::StatusCode;
use tower::{Layer as _, Service, ServiceExt as _};

use crate::{browser::parameter, site};

/// A layer of the app at this path.
fn cas(path: &str) -> CasLayer {
    cas_with(path, |config| config)
}

fn cas_with(path: &str, change: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder) -> CasLayer {
    let url = format!("https://app.example.org{path}");
    let config = change(site::config("https://cas.example.org", &url));
    CasLayer::new(config.build().unwrap())
}

/// The routes that every row is tried with.
fn routes() -> Router {
    Router::new()
        .route("/", get(app))
        .route("/a", get(app))
        .route("/public/a", get(app))
}

async fn app(request: Request) -> String {
    format!("app {}", request.uri())
}

async fn fallback(request: Request) -> String {
    format!("fallback {}", request.uri())
}

/// What an anonymous visitor who opens `path` meets, in words.
async fn meets<S>(app: &S, path: &str) -> String
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let page = Request::get(path).header("accept", "text/html");
    let request = page.body(Body::empty()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    match answer.status() {
        StatusCode::FOUND => {
            let location = answer.headers()["location"].to_str().unwrap();
            let service = parameter(location, "service").unwrap();
            if location.starts_with("https://cas.example.org/logout?") {
                return format!("signed out to {service}");
            }
            assert!(location.starts_with("https://cas.example.org/login?"));
            let login = service.split('?').next().unwrap();
            let next = match parameter(&service, "next64") {
                Some(encoded) => String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap()),
                None => Ok(parameter(&service, "next").unwrap_or_else(|| "landing".to_owned())),
            };
            let next = next.unwrap();
            format!("sign-in at {login} for {next}")
        }
        StatusCode::OK => {
            let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await;
            let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
            if body.contains("Signed out") {
                "logged out".to_owned()
            } else {
                body
            }
        }
        status => status.as_u16().to_string(),
    }
}

async fn check<S>(app: S, expected: &[(&str, &str)])
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    for (path, outcome) in expected {
        assert_eq!(meets(&app, path).await, *outcome, "{path}");
    }
}

const LOGIN: &str = "sign-in at https://app.example.org/login for landing";
const LOGOUT: &str = "signed out to https://app.example.org/logout_callback";
const A: &str = "sign-in at https://app.example.org/login for /a";
const NESTED_LOGIN: &str = "sign-in at https://app.example.org/app/login for landing";
const NESTED_LOGOUT: &str = "signed out to https://app.example.org/app/logout_callback";
const NESTED_A: &str = "sign-in at https://app.example.org/app/login for /a";

const ENDPOINTS_WORK: [(&str, &str); 3] = [
    ("/login", LOGIN),
    ("/logout", LOGOUT),
    ("/logout_callback", "logged out"),
];
const ENDPOINTS_ARE_404: [(&str, &str); 3] = [
    ("/login", "404"),
    ("/logout", "404"),
    ("/logout_callback", "404"),
];

#[tokio::test]
async fn over_the_whole_router_it_covers_every_route_and_the_fallback() {
    for app in [routes(), routes().fallback(fallback)] {
        let app = app.layer(cas(""));
        check(app.clone(), &ENDPOINTS_WORK).await;
        check(
            app.clone(),
            &[
                ("/a", A),
                ("/public/a", "app /public/a"),
                (
                    "/none",
                    "sign-in at https://app.example.org/login for /none",
                ),
            ],
        )
        .await;
        let post = Request::post("/a").body(Body::empty()).unwrap();
        assert_eq!(app.oneshot(post).await.unwrap().status(), 401);
    }
}

#[tokio::test]
async fn a_route_added_after_it_is_not_covered() {
    let app = routes().layer(cas("")).route("/late", get(app));
    check(app.clone(), &ENDPOINTS_WORK).await;
    check(app, &[("/a", A), ("/late", "app /late")]).await;
}

#[tokio::test]
async fn a_fallback_added_after_it_takes_the_endpoints() {
    let app = routes().layer(cas("")).fallback(fallback);
    check(
        app,
        &[
            ("/a", A),
            ("/none", "fallback /none"),
            ("/login", "fallback /login"),
            ("/logout", "fallback /logout"),
            ("/logout_callback", "fallback /logout_callback"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_nested_router_with_a_fallback_of_its_own_is_covered_with_the_endpoints() {
    let inner = routes().fallback(fallback).layer(cas("/app"));
    let app = Router::new()
        .route("/outside", get(app))
        .nest("/app", inner);
    check(
        app,
        &[
            ("/app", "sign-in at https://app.example.org/app/login for /"),
            // `nest` does not take the slash at the end for its own.
            ("/app/", "404"),
            ("/app/a", NESTED_A),
            (
                "/app/none",
                "sign-in at https://app.example.org/app/login for /none",
            ),
            ("/app/public/a", "app /public/a"),
            ("/app/public/none", "fallback /public/none"),
            ("/app/login", NESTED_LOGIN),
            ("/app/logout", NESTED_LOGOUT),
            ("/app/logout_callback", "logged out"),
            ("/outside", "app /outside"),
            ("/login", "404"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_nested_router_without_a_fallback_has_its_routes_covered_and_no_endpoints() {
    let app = Router::new().nest("/app", routes().layer(cas("/app")));
    check(
        app,
        &[
            ("/app/a", NESTED_A),
            ("/app/public/a", "app /public/a"),
            ("/app/none", "404"),
            ("/app/login", "404"),
            ("/app/logout", "404"),
            ("/app/logout_callback", "404"),
        ],
    )
    .await;
    let app = Router::new()
        .fallback(fallback)
        .nest("/app", routes().layer(cas("/app")));
    check(
        app,
        &[("/app/a", NESTED_A), ("/app/login", "fallback /app/login")],
    )
    .await;
}

#[tokio::test]
async fn a_router_nested_as_a_service_needs_no_fallback_of_its_own() {
    let app = Router::new().nest_service("/app", routes().layer(cas("/app")));
    check(
        app,
        &[
            ("/app", "sign-in at https://app.example.org/app/login for /"),
            (
                "/app/",
                "sign-in at https://app.example.org/app/login for /",
            ),
            ("/app/a", NESTED_A),
            ("/app/public/a", "app /public/a"),
            (
                "/app/none",
                "sign-in at https://app.example.org/app/login for /none",
            ),
            ("/app/login", NESTED_LOGIN),
            ("/app/logout", NESTED_LOGOUT),
            ("/app/logout_callback", "logged out"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_router_merged_into_it_is_not_covered_and_brings_its_own_fallback() {
    let other = || Router::new().route("/other", get(app));
    let app = routes().layer(cas("")).merge(other());
    check(app.clone(), &ENDPOINTS_ARE_404).await;
    check(
        app,
        &[("/a", A), ("/other", "app /other"), ("/none", "404")],
    )
    .await;

    let app = routes().layer(cas("")).merge(other().fallback(fallback));
    check(app, &[("/a", A), ("/login", "fallback /login")]).await;

    // A fallback that somebody wrote wins over one that nobody wrote.
    let app = routes().fallback(fallback).layer(cas("")).merge(other());
    check(app.clone(), &ENDPOINTS_WORK).await;
    check(app, &[("/a", A), ("/other", "app /other")]).await;

    // Merged first, covered.
    let app = routes().merge(other()).layer(cas(""));
    check(app.clone(), &ENDPOINTS_WORK).await;
    check(
        app,
        &[(
            "/other",
            "sign-in at https://app.example.org/login for /other",
        )],
    )
    .await;
}

#[tokio::test]
async fn as_a_route_layer_it_covers_the_routes_alone() {
    let app = routes().fallback(fallback).route_layer(cas(""));
    check(
        app,
        &[
            ("/a", A),
            ("/none", "fallback /none"),
            ("/login", "fallback /login"),
        ],
    )
    .await;
    let app = routes().route_layer(cas(""));
    check(app.clone(), &ENDPOINTS_ARE_404).await;
    check(app, &[("/a", A), ("/none", "404")]).await;
}

#[tokio::test]
async fn over_a_method_router_it_covers_that_route_alone() {
    let app = Router::new()
        .route("/a", get(app).layer(cas("")))
        .route("/b", get(app));
    check(app.clone(), &ENDPOINTS_ARE_404).await;
    check(
        app.clone(),
        &[("/a", A), ("/b", "app /b"), ("/none", "404")],
    )
    .await;
    let post = Request::post("/a").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(post).await.unwrap().status(), 401);
}

#[tokio::test]
async fn around_the_router_it_covers_everything() {
    let app = cas("").layer(routes().fallback(fallback));
    check(app.clone(), &ENDPOINTS_WORK).await;
    check(
        app,
        &[
            ("/a", A),
            ("/public/a", "app /public/a"),
            (
                "/none",
                "sign-in at https://app.example.org/login for /none",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn rules_return_paths_and_endpoints_use_the_path_before_nest_took_something_off() {
    // The app is the whole host, the layer sits two routers further in.
    let inner = routes().fallback(fallback).layer(cas_with("", |config| {
        config
            .public("/one/two/a")
            .endpoints(|endpoints| endpoints.login("/one/two/sign-in"))
    }));
    let between = Router::new().fallback(fallback).nest("/two", inner);
    let app = Router::new().nest("/one", between);
    check(
        app,
        &[
            ("/one/two/a", "app /a"),
            (
                "/one/two/public/a",
                "sign-in at https://app.example.org/one/two/sign-in for /one/two/public/a",
            ),
            (
                "/one/two/b?c=d",
                "sign-in at https://app.example.org/one/two/sign-in for /one/two/b?c=d",
            ),
            (
                "/one/two/sign-in",
                "sign-in at https://app.example.org/one/two/sign-in for landing",
            ),
            (
                "/one/two/login",
                "sign-in at https://app.example.org/one/two/sign-in for /one/two/login",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_router_between_without_a_fallback_loses_the_endpoints() {
    let inner = routes().fallback(fallback).layer(cas("/one/two"));
    let app = Router::new().nest("/one", Router::new().nest("/two", inner));
    check(
        app,
        &[
            (
                "/one/two/a",
                "sign-in at https://app.example.org/one/two/login for /a",
            ),
            ("/one/two/login", "404"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_path_beside_the_apps_own_is_never_public() {
    let inner = routes().fallback(fallback).layer(cas("/app"));
    let app = Router::new().nest("/other", inner);
    check(
        app,
        &[
            ("/other/public/a", NESTED_LOGIN),
            ("/other/login", NESTED_LOGIN),
        ],
    )
    .await;
}
