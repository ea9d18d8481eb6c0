//! nginx asks the layer about each request to a backend, as the guide's page on `auth_request` has it.

use std::time::Duration;

use axum::Router;
use cas_layer::{
    Access, AuthRequestOptions, CasConfigBuilder, CasLayer, Paths, testing::ManualClock,
};
use cas_layer_tests::{
    flow::USER,
    visitor::{Answer, answer},
};
use http::{Method, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    guide::{APP, AUTH_REQUEST, Front, fill, with_locations},
    support::{App, Port, member, sign_in},
};

/// Where the backend is in the guide.
const BACKEND: &str = "127.0.0.1:9000";

/// A backend that knows nothing of CAS: it answers every request with the head that it got. Gone when it is dropped.
struct Backend(JoinHandle<()>);

impl Backend {
    fn serve(listener: TcpListener) -> Self {
        Self(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(show_head(stream));
            }
        }))
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One request for each connection.
async fn show_head(mut stream: TcpStream) {
    let mut read = Vec::new();
    while !read.windows(4).any(|part| part == b"\r\n\r\n") {
        let mut part = [0; 4_096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(n) => read.extend_from_slice(&part[..n]),
        }
    }
    let head = String::from_utf8_lossy(&read);
    let (head, _) = head.split_once("\r\n\r\n").unwrap();
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: theme=dark; Path=/\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{head}",
        head.len()
    );
    // A client that has gone is no concern of a backend.
    let _ = stream.write_all(response.as_bytes()).await;
}

/// nginx, the program with the layer, and the backend.
struct Guarded {
    front: Front,
    program: App,
    _backend: Backend,
}

fn asked(auth: AuthRequestOptions) -> AuthRequestOptions {
    auth.path("/auth")
        .original_uri("X-Original-URI")
        .original_method("X-Original-Method")
        .identity(|it| it.attribute("memberOf", "Remote-Groups"))
}

impl Guarded {
    async fn start(
        groups: &[String],
        configure: impl FnOnce(CasConfigBuilder) -> CasConfigBuilder,
    ) -> Self {
        let port = Port::free().await;
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let locations = fill(
            AUTH_REQUEST,
            &[
                (APP, &port.address()),
                (BACKEND, &backend.local_addr().unwrap().to_string()),
                ("Host $host;", "Host $host:$server_port;"),
            ],
        );
        let front = Front::start(member(groups), |site| with_locations(site, &locations)).await;
        let admins = Access::required().any_of("memberOf", ["admins"]);
        let config = front
            .config("")
            .auth_request(asked)
            .public_prefix("/public")
            .rule(Paths::prefix("/admin"), admins);
        let layer = CasLayer::new(configure(config).build().unwrap());
        Self {
            front,
            program: port.serve_router(Router::new().layer(layer)),
            _backend: Backend::serve(backend),
        }
    }

    async fn of(groups: &[String]) -> Self {
        Self::start(groups, |config| config).await
    }

    fn url(&self, path: &str) -> String {
        self.front.url(path)
    }
}

/// What the backend got under a name, however often it came.
fn got(page: &Answer, name: &str) -> Vec<String> {
    assert_eq!(page.status, 200, "{}: {}", page.url, page.body);
    let fields = page.body.lines().skip(1);
    let fields = fields.filter_map(|line| line.split_once(": "));
    fields
        .filter(|(field, _)| field.replace('_', "-").eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn leads_to_the_login(answer: &Answer) -> bool {
    answer.status == StatusCode::FOUND && answer.location().path() == "/login"
}

pub(crate) async fn the_backend_is_told_of_a_user_who_signs_in_and_out() {
    let groups = ["rabbits".to_owned(), "cats, hats".to_owned()];
    let site = Guarded::of(&groups).await;
    let visitor = site.front.visitor();
    let page = sign_in(&visitor, &site.url("/page?q=a%20b")).await;
    assert_eq!(page.url.as_str(), site.url("/page?q=a%20b"));
    assert!(
        page.body.starts_with("GET /page?q=a%20b HTTP/1."),
        "{}",
        page.body
    );
    assert_eq!(got(&page, "remote-user"), [USER]);
    assert_eq!(got(&page, "remote-groups"), ["rabbits,cats%2C hats"]);
    // What is for the layer alone is not for the backend.
    assert!(
        !page.body.to_lowercase().contains("x-original-"),
        "{}",
        page.body
    );

    let bye = visitor.open(&site.url("/logout")).await;
    assert_eq!(bye.url.as_str(), site.url("/logout_callback"));
    assert!(leads_to_the_login(&visitor.get(&site.url("/page")).await));
}

pub(crate) async fn forged_headers_reach_neither_the_backend_nor_the_layer() {
    let site = Guarded::of(&[]).await;
    let visitor = site.front.visitor();
    let forged = |path: &str| {
        let request = visitor.request(Method::GET, &site.url(path));
        request
            .header("accept", "text/html")
            .header("X-Real-IP", "192.0.2.1")
            .header("Remote-User", "root")
            .header("REMOTE_USER", "root")
            .header("remote.user", "root")
            .header("Remote-Groups", "admins")
            .header("Remote-Email", "root@example.org")
            .header("Remote-Name", "root")
            .header("X-Original-URI", "/public")
            .header("X-Original-Method", "GET")
            .header("Cas-Login-Url", "https://evil.example/")
    };
    let own = [
        "remote-user",
        "remote-groups",
        "remote-email",
        "remote-name",
    ];
    let page = answer(forged("/public/page")).await;
    for name in own {
        assert!(got(&page, name).is_empty(), "{}", page.body);
    }
    assert!(!page.body.contains("remote.user"), "{}", page.body);
    assert_eq!(got(&page, "x-real-ip"), ["127.0.0.1"]);
    let turned_away = answer(forged("/page")).await;
    assert!(leads_to_the_login(&turned_away));
    let next = turned_away.location();
    assert_eq!(next.query(), Some("next=%2Fpage"));

    sign_in(&visitor, &site.url("/page")).await;
    let page = answer(forged("/page")).await;
    assert_eq!(got(&page, "remote-user"), [USER]);
    for name in &own[1..] {
        assert!(got(&page, name).is_empty(), "{}", page.body);
    }
    assert_eq!(answer(forged("/admin")).await.status, 403);
    // Visitors have no way to the endpoint.
    for path in ["/auth", "/auth?a"] {
        assert_eq!(answer(forged(path)).await.status, 404);
    }
}

pub(crate) async fn rules_decide_about_what_the_backend_gets() {
    let groups = ["rabbits".to_owned()];
    let site = Guarded::of(&groups).await;
    let admins = Guarded::of(&["admins".to_owned()]).await;
    let (stranger, rabbit, admin) = (
        site.front.visitor(),
        site.front.visitor(),
        admins.front.visitor(),
    );
    sign_in(&rabbit, &site.url("/page")).await;
    sign_in(&admin, &admins.url("/page")).await;
    assert!(got(&stranger.get(&site.url("/public/a")).await, "remote-user").is_empty());
    assert_eq!(
        got(&rabbit.get(&site.url("/public/a")).await, "remote-user"),
        [USER]
    );
    assert!(leads_to_the_login(&stranger.get(&site.url("/admin")).await));
    assert_eq!(rabbit.get(&site.url("/admin")).await.status, 403);
    assert_eq!(
        got(&admin.get(&admins.url("/admin")).await, "remote-groups"),
        ["admins"]
    );
    // nginx would take each of these for a path below /admin or /public.
    for path in ["//admin", "//public/a", "/%61dmin", "/public/..%2fadmin"] {
        for visitor in [&stranger, &rabbit] {
            let answer = visitor.get(&site.url(path)).await;
            let is_refused = answer.status == 403 || leads_to_the_login(&answer);
            assert!(is_refused, "{path}: {} {}", answer.status, answer.body);
        }
    }
}

pub(crate) async fn a_session_that_the_cas_server_ends_is_over_at_once() {
    let site = Guarded::of(&[]).await;
    let visitor = site.front.visitor();
    let page = sign_in(&visitor, &site.url("/page")).await;
    assert_eq!(got(&page, "remote-user"), [USER]);
    let report = site.front.cas.log_out(USER).await;
    assert_eq!((report.sent, report.accepted), (1, 1));
    assert!(leads_to_the_login(&visitor.get(&site.url("/page")).await));
    let public = visitor.get(&site.url("/public/a")).await;
    assert!(got(&public, "remote-user").is_empty());
}

pub(crate) async fn scripts_and_forms_are_told_and_not_redirected() {
    let site = Guarded::of(&[]).await;
    let visitor = site.front.visitor();
    let request = |method: Method| visitor.request(method, &site.url("/page"));
    let script = request(Method::GET).header("sec-fetch-mode", "cors");
    let form = request(Method::POST)
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate")
        .form(&[("a", "b")]);
    for sent in [script, form] {
        let answer = answer(sent).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("location"), "");
    }
    sign_in(&visitor, &site.url("/page")).await;
    let form = visitor.request(Method::POST, &site.url("/page"));
    let page = answer(form.form(&[("a", "b")])).await;
    assert_eq!(got(&page, "remote-user"), [USER]);
    assert!(page.body.starts_with("POST /page"), "{}", page.body);
}

pub(crate) async fn a_session_in_use_stays_in_use() {
    let clock = ManualClock::default();
    let site = Guarded::start(&[], |config| {
        let hour = Duration::from_secs(3_600);
        config
            .clock(clock.clone())
            .session(|session| session.idle_timeout(hour))
    })
    .await;
    let visitor = site.front.visitor();
    sign_in(&visitor, &site.url("/page")).await;
    for _ in 0..3 {
        clock.advance(Duration::from_secs(2_400));
        let page = visitor.get(&site.url("/page")).await;
        assert_eq!(got(&page, "remote-user"), [USER]);
        let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().collect();
        // One is the backend's own.
        assert_eq!(cookies.len(), 2, "{cookies:?}");
    }
    let again = visitor.get(&site.url("/page")).await;
    assert_eq!(again.headers.get_all("set-cookie").iter().count(), 1);
    clock.advance(Duration::from_secs(3_700));
    assert!(leads_to_the_login(&visitor.get(&site.url("/page")).await));
}

pub(crate) async fn long_addresses_and_many_groups_have_room() {
    // Together nearly as long as a header may be.
    let groups: Vec<_> = (0..700).map(|n| format!("group-{n:04}")).collect();
    let site = Guarded::of(&groups).await;
    let visitor = site.front.visitor();
    let path = format!("/page?q={}", "a".repeat(2_000));
    let page = sign_in(&visitor, &site.url(&path)).await;
    assert_eq!(page.url.as_str(), site.url(&path));
    assert_eq!(got(&page, "remote-groups"), [groups.join(",")]);
    assert!(!site.front.nginx.error_log().contains("too big"));
}

pub(crate) async fn nothing_passes_while_the_layer_is_away() {
    let mut site = Guarded::of(&[]).await;
    let visitor = site.front.visitor();
    let page = sign_in(&visitor, &site.url("/page")).await;
    assert_eq!(got(&page, "remote-user"), [USER]);
    let gone = Port::free().await;
    // Another port has another program, and this one has none.
    site.program = gone.serve_router(Router::new());
    for path in ["/page", "/public/a", "/admin"] {
        let answer = visitor.get(&site.url(path)).await;
        assert!(answer.status.is_server_error(), "{path}: {}", answer.status);
    }
}
