//! An app behind each of the layers, on servers that read paths in ways of their own.

use std::{collections::HashMap, convert::Infallible, fs};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{StatusCode, Uri, header},
    response::IntoResponse as _,
    routing::get as route,
};
use cas_layer::{
    Access, CasApiLayer, CasConfig, CasConfigBuilder, CasInPlaceLayer, CasLayer, Key, Paths,
    testing::{CasServer, TestBrowser, User},
};
use tempfile::TempDir;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::{normalize_path::NormalizePathLayer, services::ServeDir};

use super::{path::Page, reader::loosely};

/// Where apps live.
pub(super) const PREFIXES: [&str; 3] = ["", "/portal", "/apps/portal"];

/// Who asks, and what groups they are in.
pub(super) const VISITORS: [(&str, &[&str]); 5] = [
    ("nobody", &[]),
    ("alice", &[]),
    ("bob", &["staff"]),
    ("carol", &["admins"]),
    ("dave", &["admins", "staff"]),
];

#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    Endpoint,
    InPlace,
    Api,
}

impl Layer {
    pub(super) const ALL: [Self; 3] = [Self::Endpoint, Self::InPlace, Self::Api];

    fn over(self, router: Router, config: CasConfig) -> Router {
        match self {
            Self::Endpoint => router.layer(CasLayer::new(config)),
            Self::InPlace => router.layer(CasInPlaceLayer::new(config)),
            Self::Api => router.layer(CasApiLayer::new(config).with_sessions(true)),
        }
    }
}

/// What an app has before there are rules: files, a CAS server, and sessions of its visitors.
pub(super) struct Apps {
    cas: CasServer,
    key: Vec<u8>,
    files: TempDir,
    /// By path of the app, in the order of the visitors.
    sessions: HashMap<&'static str, Vec<String>>,
    plain: HashMap<&'static str, Router>,
}

/// What came back, as far as it matters here.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: String,
    /// The plain path of the page that was shown.
    pub(super) page: Option<String>,
}

impl Apps {
    pub(super) async fn start() -> Self {
        let cas = VISITORS
            .iter()
            .fold(CasServer::builder(), |cas, (name, groups)| {
                cas.user(User::new(*name, "secret").attribute("memberOf", groups.iter().copied()))
            });
        let mut apps = Self {
            cas: cas.start().await.unwrap(),
            key: (0..64).collect(),
            files: tempfile::tempdir().unwrap(),
            sessions: HashMap::new(),
            plain: HashMap::new(),
        };
        for prefix in PREFIXES {
            for page in Page::all() {
                let file = apps.files.path().join(format!(".{prefix}{page}"));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, page).unwrap();
            }
            let config = apps.config(prefix).build().unwrap();
            let plain = Router::new().layer(CasLayer::new(config));
            apps.plain.insert(prefix, plain);
            let mut sessions = vec![String::new()];
            for (name, _) in &VISITORS[1..] {
                sessions.push(apps.sign_in(prefix, name).await);
            }
            apps.sessions.insert(prefix, sessions);
        }
        apps
    }

    fn config(&self, prefix: &str) -> CasConfigBuilder {
        CasConfig::builder(self.cas.url(), format!("https://app.example.org{prefix}"))
            .key(Key::from(self.key.clone()))
            .sign_in(|sign_in| sign_in.landing_path("/home"))
    }

    /// The layer without rules and without pages.
    pub(super) fn plain(&self, prefix: &str) -> &Router {
        &self.plain[prefix]
    }

    /// The `Cookie` fields of the visitors.
    pub(super) fn sessions(&self, prefix: &str) -> impl Iterator<Item = &String> {
        self.sessions[prefix].iter()
    }

    /// The `Cookie` field of somebody who has signed in.
    pub(super) fn alice(&self, prefix: &str) -> &str {
        &self.sessions[prefix][1]
    }

    async fn sign_in(&self, prefix: &str, user: &str) -> String {
        let url = format!("https://app.example.org{prefix}/");
        let browser = TestBrowser::new(self.plain(prefix).clone(), &url);
        let page = browser.sign_in_as(&self.cas, "home", user).await;
        assert_eq!(page.unwrap().url(), format!("{url}home"));
        let cookies = browser.cookies().into_iter();
        let mut session = cookies.filter(|(name, _)| name.ends_with("-session"));
        let (name, value) = session.next().unwrap();
        format!("{name}={value}")
    }
}

/// Apps with these rules that have every page, each on another server.
pub(super) fn stacks(
    apps: &Apps,
    prefix: &'static str,
    layer: Layer,
    rules: &[(Paths, Access)],
) -> Vec<(&'static str, Router)> {
    let configure = || {
        let config = apps.config(prefix);
        rules.iter().fold(config, |config, (paths, access)| {
            config.rule(paths.clone(), access.clone())
        })
    };
    let config = configure().build().unwrap();
    let layered = |router| layer.over(router, config.clone());
    let root = apps.files.path();
    let below = root.join(format!(".{prefix}"));
    let files = |directory| Router::new().fallback_service(ServeDir::new(directory));
    let loose = move || {
        Router::new().fallback(async move |uri: Uri| {
            let path = loosely(uri.path());
            let page = path.strip_prefix(prefix).unwrap_or(&path).to_owned();
            if Page::all().contains(&page) {
                page.into_response()
            } else {
                StatusCode::NOT_FOUND.into_response()
            }
        })
    };
    let routes = Page::all().into_iter().fold(Router::new(), |router, page| {
        let router = router.route(
            &page,
            route({
                let page = page.clone();
                async || page
            }),
        );
        if prefix.is_empty() {
            router
        } else {
            router.route(&format!("{prefix}{page}"), route(async || page))
        }
    });
    let normalized = NormalizePathLayer::trim_trailing_slash().layer(routes);
    let mut stacks = vec![
        ("ServeDir", layered(files(root.to_owned()))),
        (
            "NormalizePath",
            layered(Router::new().fallback_service(normalized)),
        ),
        ("a loose server", layered(loose())),
    ];
    if !prefix.is_empty() {
        let nested = layered(files(below.clone()));
        stacks.push(("nest", Router::new().nest(prefix, nested.clone())));
        stacks.push(("nest_service", Router::new().nest_service(prefix, nested)));
        let stripped = configure()
            .endpoints(|endpoints| endpoints.prefix_stripped_by_proxy(true))
            .build()
            .unwrap();
        let behind = layer.over(loose(), stripped);
        let proxy = service_fn(move |request: Request| strip(prefix, behind.clone(), request));
        stacks.push((
            "a proxy that strips the path",
            Router::new().fallback_service(proxy),
        ));
    }
    stacks
}

/// What a reverse proxy does that takes the app's path off.
async fn strip(
    prefix: &str,
    behind: Router,
    mut request: Request,
) -> Result<axum::response::Response, Infallible> {
    let stripped = request.uri().path().strip_prefix(prefix);
    let Some(Ok(uri)) = stripped.map(str::parse) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    *request.uri_mut() = uri;
    // Another process knows nothing of this one.
    request.extensions_mut().clear();
    behind.oneshot(request).await
}

/// A page as somebody opens it who sends the target as it stands.
pub(super) async fn get(app: &Router, target: &str, cookies: &str) -> Answer {
    let request = Request::get(target)
        .header(header::ACCEPT, "text/html")
        .header(header::COOKIE, cookies)
        .body(Body::empty())
        .unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let location = parts.headers.get(header::LOCATION);
    Answer {
        status: parts.status,
        location: location.map_or_else(String::new, |it| it.to_str().unwrap().to_owned()),
        page: (parts.status == 200 && body.ends_with("/page")).then_some(body),
    }
}
