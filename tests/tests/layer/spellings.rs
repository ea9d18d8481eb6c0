//! Spellings of a path that a server behind the layer takes for one whose rule asks for more.

use std::fs;

use axum::{Router, extract::Request, routing::get};
use cas_layer::{
    Access, CasApiLayer, CasConfigBuilder, CasInPlaceLayer, CasLayer, Paths, testing::CasServer,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tower::{Layer as _, ServiceExt as _};
use tower_http::{normalize_path::NormalizePathLayer, services::ServeDir};

use crate::{
    browser::Browser,
    site::{self, Site},
};

const SECRET: &str = "for admins alone";

/// Files of an app below `/portal`, and of another one beside it.
fn files() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("portal/open.txt", "for every user"),
        ("portal/admin/secret.txt", SECRET),
        ("admin/secret.txt", SECRET),
    ] {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn rules(config: CasConfigBuilder) -> CasConfigBuilder {
    config.rule(
        Paths::prefix("/admin"),
        Access::required().any_of("memberOf", ["admins"]),
    )
}

/// The answer to a `GET` of this very target, whole: a URL library would tidy the target up.
async fn raw(site: &Site, browser: &Browser, target: &str, extra: &str) -> String {
    let address = site.address();
    let cookies = browser.cookie_fields("/").join("; ");
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\nCookie: {cookies}\r\n{extra}Connection: close\r\n\r\n"
    );
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer[9..12].parse().unwrap()
}

#[tokio::test]
async fn no_spelling_slips_past_a_rule_of_an_app_below_a_path_under_any_layer() {
    let files = files();
    let site = Site::axum("/portal", |config| {
        let config = rules(config).build().unwrap();
        let served = || Router::new().fallback_service(ServeDir::new(files.path()));
        let layers = [
            served().layer(CasLayer::new(config.clone())),
            served().layer(CasInPlaceLayer::new(config.clone())),
            served().layer(CasApiLayer::new(config).with_sessions(true)),
        ];
        Router::new().fallback(async move |request: Request| {
            let layer = request.headers().get("x-layer");
            let layer = layer.map_or(0, |number| usize::from(number.as_bytes()[0] - b'0'));
            layers[layer].clone().oneshot(request).await
        })
    })
    .await;
    let mut alice = Browser::new();
    site.sign_in(&mut alice, "/open.txt").await;
    for layer in ["X-Layer: 0\r\n", "X-Layer: 1\r\n", "X-Layer: 2\r\n"] {
        for (targets, expected) in [
            (&["/portal/open.txt"][..], 200),
            (
                &[
                    "/portal/admin/secret.txt",
                    "/portal/ADMIN/secret.txt",
                    "/portal/admin%20/secret.txt",
                ],
                403,
            ),
            (
                &[
                    "//portal/admin/secret.txt",
                    "///portal//admin/secret.txt",
                    "/./portal/admin/secret.txt",
                    "/%2e/portal/admin/secret.txt",
                    "/%70ortal/admin/secret.txt",
                    "/portal%2fadmin/secret.txt",
                    "/x/../portal/admin/secret.txt",
                    "/portal/./admin/secret.txt",
                    "/portal;x/admin/secret.txt",
                    "/Portal/admin/secret.txt",
                    "/portal./admin/secret.txt",
                    "/portal%20/admin/secret.txt",
                    "/admin/secret.txt",
                    "//admin/secret.txt",
                    "/%61dmin/secret.txt",
                ],
                404,
            ),
        ] {
            for target in targets {
                let answer = raw(&site, &alice, target, layer).await;
                assert_eq!(status(&answer), expected, "{layer}{target}: {answer}");
                assert!(!answer.contains(SECRET), "{layer}{target}");
            }
        }
    }
}

/// Somebody behind a proxy that strips the path, which is not the app's own there.
#[tokio::test]
async fn no_spelling_slips_past_a_rule_behind_a_proxy_that_strips_the_path() {
    let files = files();
    let site = Site::axum("", |config| {
        let config = rules(config)
            .endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(true))
            .build()
            .unwrap();
        Router::new()
            .fallback_service(ServeDir::new(files.path()))
            .layer(CasLayer::new(config))
    })
    .await;
    let mut alice = Browser::new();
    site.sign_in(&mut alice, "/portal/open.txt").await;
    for (target, expected) in [
        ("/portal/open.txt", 200),
        ("/admin/secret.txt", 403),
        ("//admin/secret.txt", 404),
        ("/%61dmin/secret.txt", 404),
        ("/./admin/secret.txt", 404),
    ] {
        let answer = raw(&site, &alice, target, "").await;
        assert_eq!(status(&answer), expected, "{target}: {answer}");
    }
}

#[tokio::test]
async fn no_spelling_slips_past_a_stricter_rule_inside_a_looser_one() {
    let site = Site::axum("", |config| {
        let config = config
            .rule(Paths::exact("/docs/internal"), Access::required())
            .rule(Paths::pattern("/docs/{name}/draft"), Access::required())
            .rule(Paths::exact("/docs/me"), Access::optional())
            .rule(Paths::prefix("/docs"), Access::public());
        let page = get(async || "a page");
        let router = Router::new()
            .route("/docs/open", page.clone())
            .route("/docs/internal", page.clone())
            .route("/docs/{name}/draft", page.clone())
            .route("/docs/me", page);
        let cas = CasLayer::new(config.build().unwrap());
        cas.layer(NormalizePathLayer::trim_trailing_slash().layer(router))
    })
    .await;
    let nobody = Browser::new();
    for (target, expected) in [
        ("/docs/open", 200),
        ("/docs/open/", 200),
        ("/docs/internal", 302),
        ("/docs/internal/", 302),
        ("/docs/Internal/", 302),
        ("/docs/internal.", 302),
        ("/docs/internal%20", 302),
        ("/docs/%20internal/", 302),
        ("/docs/a/draft", 302),
        ("/docs/a/draft/", 302),
        ("/docs/a/DRAFT", 302),
    ] {
        let answer = raw(&site, &nobody, target, "").await;
        assert_eq!(status(&answer), expected, "{target}: {answer}");
    }
    // And what depends on who asks is kept out of shared caches.
    for (target, is_private) in [
        ("/docs/me", true),
        ("/docs/me/", true),
        ("/docs/open/", false),
    ] {
        let answer = raw(&site, &nobody, target, "").await;
        assert_eq!(status(&answer), 200, "{target}: {answer}");
        let is_marked = answer.contains("cache-control: private");
        assert_eq!(is_marked, is_private, "{target}: {answer}");
    }
}

#[tokio::test]
async fn a_sign_in_below_a_path_never_ends_outside_of_it_or_at_an_endpoint() {
    let site = Site::axum("/portal", |config| {
        let cas = CasLayer::new(config.build().unwrap());
        Router::new().fallback(async || "a page").layer(cas)
    })
    .await;
    let mut alice = Browser::new();
    site.sign_in(&mut alice, "/profile").await;
    for (next, expected) in [
        ("/a/b", "/portal/a/b"),
        ("/a%3Fb=/../c%23d", "/portal/a?b=/../c#d"),
        ("/..", "/portal/home"),
        ("/../other-app/phish", "/portal/home"),
        ("/%2e%2e/other-app/phish", "/portal/home"),
        ("/%252e%252e/other-app/phish", "/portal/home"),
        ("/%2525252e%2525252e/other-app/phish", "/portal/home"),
        ("/\\..\\other-app/phish", "/portal/home"),
        ("/a/%5c..%5c../other-app/phish", "/portal/home"),
        ("/a/..;/..;/other-app/phish", "/portal/home"),
        ("/a/../../other-app/phish", "/portal/home"),
        ("/./logout", "/portal/home"),
        ("/a/../logout", "/portal/home"),
        ("/logout/", "/portal/home"),
        ("/LOGOUT", "/portal/home"),
        ("//logout", "/portal/home"),
        ("/%256cogout", "/portal/home"),
        ("/logout;x", "/portal/home"),
        ("/logout%2520", "/portal/home"),
        ("/%2525252flogout", "/portal/home"),
        ("/login/%3Fx", "/portal/home"),
    ] {
        let target = format!("/login?next={next}");
        let answer = raw(&site, &alice, &format!("/portal{target}"), "").await;
        assert_eq!(status(&answer), 302, "{next}: {answer}");
        let location = format!("\r\nlocation: {expected}\r\n");
        assert!(answer.contains(&location), "{next}: {answer}");
        // And on the way by the CAS server.
        let service = raw(&site, &Browser::new(), &format!("/portal{target}"), "").await;
        let is_named = service.contains("%26next");
        assert_eq!(is_named, expected != "/portal/home", "{next}: {service}");
    }
    // What was asked for is a return path of the same kind.
    for target in ["/portal/../other-app", "/portal/a/..%5c..%5cother-app"] {
        let answer = raw(&site, &Browser::new(), target, "").await;
        assert_eq!(status(&answer), 302, "{target}: {answer}");
        assert!(!answer.contains("other-app"), "{target}: {answer}");
        assert!(!answer.contains("%26next"), "{target}: {answer}");
    }
}

#[tokio::test]
async fn a_page_to_land_on_is_a_path_on_this_app_and_no_spelling_of_an_endpoint() {
    let cas = CasServer::start().await.unwrap();
    let build = |change: fn(CasConfigBuilder, &str) -> CasConfigBuilder, path: &str| {
        let config = site::config(cas.url(), "https://app.example.org/portal");
        change(config, path).build()
    };
    for (change, good) in [
        (
            (|config, path| config.sign_in(|sign_in| sign_in.landing_path(path)))
                as fn(CasConfigBuilder, &str) -> _,
            "/home?a#top",
        ),
        (
            |config, path| config.sign_out(|sign_out| sign_out.after_logout_path(path)),
            "/bye#top",
        ),
    ] {
        assert!(build(change, good).is_ok());
        for bad in [
            "/..",
            "/../other-app",
            "/a/%2e%2e/b",
            "\\..\\b",
            "/./logout",
            "/login/",
            "/LogOut",
            "/%6cogin",
            "/logout_callback?x",
        ] {
            assert!(build(change, bad).is_err(), "{bad}");
        }
    }
}
