//! What paths ask of their visitors.

use std::time::Duration;

use axum::{
    Router,
    routing::{get, post},
};
use cas_layer::{
    Access, CasConfig, CasConfigBuilder, CasLayer, CasUser, Paths, Require,
    testing::{CasServer, ManualClock},
};
use reqwest::Method;

use crate::{
    browser::{Answer, Browser, parameter},
    registry::Moody,
    site::{self, Site},
    support::{App, alice, key},
};

fn rules(config: CasConfigBuilder) -> CasConfigBuilder {
    config
        .rule(Paths::exact("/optional"), Access::optional())
        .rule(
            Paths::prefix("/cats"),
            Access::required().any_of("memberOf", ["dogs", "cats & hatters"]),
        )
        .rule(
            Paths::prefix("/dogs"),
            Access::required().any_of("memberOf", ["dogs", "cats"]),
        )
        .rule(
            Paths::exact("/both"),
            Access::required().all_of("memberOf", ["rabbits", "猫"]),
        )
        .rule(
            Paths::exact("/all"),
            Access::required().all_of("memberOf", ["rabbits", "dogs"]),
        )
        .rule(
            Paths::pattern("/users/{name}/edit"),
            Access::required().user_if(|user| user.name() == "bob"),
        )
        .rule(
            Paths::exact("/fresh"),
            Access::required().fresh(Duration::from_secs(60)),
        )
}

async fn program(browser: &mut Browser, url: &str) -> Answer {
    let request = browser
        .request(Method::GET, url)
        .header("accept", "application/json");
    browser.send(request).await
}

fn reason(answer: &Answer) -> String {
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    problem["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn attributes_open_paths_and_their_lack_is_a_403_and_never_a_login() {
    let app = App::with(rules).await;
    let mut browser = Browser::new();
    for path in ["/cats", "/dogs", "/all", "/users/alice/edit"] {
        let begin = browser.open(&app.at(path)).await;
        assert!(begin.location().starts_with(app.cas.url()), "{path}");
    }
    app.sign_in(&mut browser, "/cats").await;
    for (path, status) in [
        ("/cats", 200),
        ("/cats/tom", 200),
        ("/both", 200),
        ("/users/alice", 200),
        ("/dogs", 403),
        ("/dogs/rex", 403),
        ("/all", 403),
        ("/users/alice/edit", 403),
    ] {
        let before = app.reached();
        let answer = browser.open(&app.at(path)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(app.reached() - before, usize::from(status == 200), "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
        if status == 403 {
            assert!(answer.body.contains("Not allowed"), "{}", answer.body);
            assert_eq!(answer.header("cache-control"), "no-store");
            let answer = program(&mut browser, &app.at(path)).await;
            assert_eq!(
                (answer.status.as_u16(), reason(&answer).as_str()),
                (403, "not-allowed")
            );
        }
    }
    assert!(browser.has_session());
}

#[tokio::test]
async fn no_spelling_of_a_path_weakens_its_rule() {
    let app = App::with(|c| rules(c).rule(Paths::prefix("/"), Access::public())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/cats").await;
    for (path, expected) in [
        ("/dogs", 403),
        ("/dogs/", 403),
        ("/DOGS", 403),
        ("/dogs.", 403),
        ("/dogs?path=/public/", 403),
        ("/%64ogs", 404),
        ("/dogs;x", 404),
        ("/dogs%3bx", 404),
        ("//dogs", 404),
        ("/dogs%2frex", 404),
        ("/dogs%5crex", 404),
        ("/public//dogs", 404),
        ("/dogs%00", 404),
        ("/dogs/%2e%2e/dogs", 404),
        ("/anything/else", 200),
        ("/public/dogs", 200),
    ] {
        let before = app.reached();
        // A client that leaves the path as it is.
        let answer = raw(&app, &browser, path).await;
        assert_eq!(answer, expected, "{path}");
        assert_eq!(
            app.reached() - before,
            usize::from(expected == 200),
            "{path}"
        );
    }
    for path in ["/a/../dogs", "/./dogs", "/x/..//dogs"] {
        assert_eq!(raw(&app, &browser, path).await, 404, "{path}");
    }
}

/// The status of a `GET` with this very path: a URL library would tidy it up.
async fn raw(app: &App, browser: &Browser, path: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = app.url.strip_prefix("http://").unwrap();
    let cookies = browser.cookie_fields("/").join("; ");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
    );
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[9..12]).parse().unwrap()
}

#[tokio::test]
async fn an_optional_path_knows_who_has_signed_in_and_is_kept_out_of_shared_caches() {
    let app = App::with(|c| rules(c).rule(Paths::prefix("/optional"), Access::optional())).await;
    let mut browser = Browser::new();
    let answer = browser.open(&app.at("/optional")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(
        browser
            .open(&app.at("/public/echo"))
            .await
            .header("cache-control"),
        ""
    );
    app.sign_in(&mut browser, "/profile").await;
    assert_eq!(browser.open(&app.at("/optional")).await.status, 200);
}

#[tokio::test]
async fn a_fresh_path_asks_for_the_password_again_when_it_dates_back_too_far() {
    let clock = ManualClock::new();
    let app = App::with(|c| rules(c).clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/fresh").await;
    assert_eq!(browser.open(&app.at("/fresh")).await.status, 200);
    clock.advance(Duration::from_secs(59));
    assert_eq!(browser.open(&app.at("/fresh")).await.status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(browser.open(&app.at("/profile")).await.status, 200);

    let begin = browser.open(&app.at("/fresh?a=b")).await;
    assert!(begin.location().starts_with(app.cas.url()));
    assert_eq!(begin.location_parameter("renew").as_deref(), Some("true"));
    assert_eq!(begin.location_parameter("gateway"), None);
    assert!(browser.has_session());
    let service = begin.location_parameter("service").unwrap();
    let back = browser.open(&app.callback(&service)).await;
    assert_eq!(back.location(), "/fresh?a=b");
    assert_eq!(browser.open(&app.at("/fresh")).await.status, 200);

    clock.advance(Duration::from_secs(60));
    let answer = program(&mut browser, &app.at("/fresh")).await;
    assert_eq!(
        (answer.status.as_u16(), reason(&answer).as_str()),
        (401, "fresh-sign-in-needed")
    );
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    // Where the problem says to sign in, a sign-in begins, session or not.
    let login = browser.open(problem["login_url"].as_str().unwrap()).await;
    assert_eq!(login.location_parameter("renew").as_deref(), Some("true"));
}

/// A CAS server that says what it is told to, and keeps what it was asked.
async fn scripted_cas(
    attributes: &'static str,
) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&asked);
    let validate = async move |uri: axum::http::Uri| {
        seen.lock().unwrap().push(uri.query().unwrap().to_owned());
        format!(
            r#"<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationSuccess><cas:user>alice</cas:user><cas:attributes>{attributes}</cas:attributes></cas:authenticationSuccess></cas:serviceResponse>"#
        )
    };
    let router = Router::new().route("/p3/serviceValidate", get(validate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, asked)
}

async fn site_of(cas: &str, rules: fn(CasConfigBuilder) -> CasConfigBuilder) -> Site {
    let cas = cas.to_owned();
    Site::start(
        "",
        |_| (),
        async move |listener, ()| {
            let url = format!("http://{}", listener.local_addr().unwrap());
            let config = rules(site::config(&cas, &url)).build().unwrap();
            let app = Router::new()
                .fallback(async || "here")
                .layer(CasLayer::new(config));
            axum::serve(listener, app).await.unwrap();
        },
    )
    .await
}

#[tokio::test]
async fn validation_is_told_that_credentials_were_to_be_given() {
    for (attributes, is_fresh) in [
        ("<cas:isFromNewLogin>true</cas:isFromNewLogin>", true),
        // Of a server that says nothing, the answer to `renew` counts.
        ("<cas:mail>a@example.org</cas:mail>", false),
        ("<cas:isFromNewLogin>false</cas:isFromNewLogin>", false),
        (
            "<cas:isFromNewLogin>false</cas:isFromNewLogin><cas:authenticationDate>2020-01-01T00:00:00Z</cas:authenticationDate>",
            false,
        ),
    ] {
        let (cas, asked) = scripted_cas(attributes).await;
        let site = site_of(&cas, rules).await;
        let mut browser = Browser::new();
        let begin = browser.open(&site.at("/profile")).await;
        let service = begin.location_parameter("service").unwrap();
        browser.open(&format!("{service}&ticket=ST-1")).await;
        assert!(browser.has_session());
        assert_eq!(
            parameter(&format!("?{}", asked.lock().unwrap()[0]), "renew"),
            None
        );
        let fresh = browser.open(&site.at("/fresh")).await;
        assert_eq!(fresh.status == 200, is_fresh, "{attributes}");
        if is_fresh {
            continue;
        }
        let service = fresh.location_parameter("service").unwrap();
        let answer = browser.open(&format!("{service}&ticket=ST-2")).await;
        let query = format!("?{}", asked.lock().unwrap()[1]);
        assert_eq!(parameter(&query, "renew").as_deref(), Some("true"));
        assert_eq!(parameter(&query, "service").unwrap(), service);
        if attributes.contains("false") {
            // It did not ask for credentials. The login begins once more; another redirect would lead around for ever.
            let begin = browser.open(&site.at(answer.location())).await;
            assert_eq!(begin.location_parameter("renew").as_deref(), Some("true"));
            let service = begin.location_parameter("service").unwrap();
            let answer = browser.open(&format!("{service}&ticket=ST-3")).await;
            assert_eq!(answer.status, 403, "{attributes}");
        } else {
            assert_eq!(answer.location(), "/fresh");
            assert_eq!(browser.open(&site.at("/fresh")).await.status, 200);
        }
    }
}

#[tokio::test]
async fn every_sign_in_asks_for_credentials_where_the_app_wants_it() {
    let app =
        App::with(|config: CasConfigBuilder| config.sign_in(|sign_in| sign_in.renew(true))).await;
    let mut browser = Browser::new();
    for path in ["/profile", "/login", "/login?next=/profile"] {
        let begin = browser.open(&app.at(path)).await;
        assert_eq!(
            begin.location_parameter("renew").as_deref(),
            Some("true"),
            "{path}"
        );
    }
    app.sign_in(&mut browser, "/profile").await;
    assert_eq!(app.whoami(&mut browser).await, "alice");
}

#[tokio::test]
async fn the_kind_of_a_login_cannot_be_changed_on_the_way() {
    let clock = ManualClock::new();
    let app = App::with(|c| rules(c).clock(clock.clone())).await;
    let mut browser = Browser::new();
    app.sign_in(&mut browser, "/profile").await;
    clock.advance(Duration::from_secs(3600));
    let begin = browser.open(&app.at("/fresh")).await;
    let service = begin.location_parameter("service").unwrap();
    assert!(service.contains("&r=1"), "{service}");
    let validations = app.cas.validations();
    let weaker = service.replace("&r=1", "");
    browser.open(&app.callback(&weaker)).await;
    assert_eq!(app.cas.validations(), validations);
    let begin = browser.open(&app.at("/fresh")).await;
    assert!(begin.location().starts_with(app.cas.url()));
}

/// Routes that ask for more than the rule over them.
fn layered(config: CasConfigBuilder, clock: &ManualClock) -> Router {
    let config = config
        .rule(Paths::prefix("/"), Access::optional())
        .clock(clock.clone())
        .build()
        .unwrap();
    let greet = async |user: CasUser| user.name().to_owned();
    Router::new()
        .route("/", get(async || "for everybody"))
        .route(
            "/user",
            get(greet).layer(Require::new(Access::required()).unwrap()),
        )
        .route(
            "/form",
            post(greet).layer(Require::new(Access::required()).unwrap()),
        )
        .route(
            "/rabbits",
            get(greet)
                .layer(Require::new(Access::required().any_of("memberOf", ["rabbits"])).unwrap()),
        )
        .route(
            "/dogs",
            get(greet).layer(
                Require::new(Access::required().all_of("memberOf", ["rabbits", "dogs"])).unwrap(),
            ),
        )
        .route(
            "/fresh",
            get(greet)
                .layer(Require::new(Access::required().fresh(Duration::from_secs(60))).unwrap()),
        )
        .nest(
            "/nested",
            Router::new().route(
                "/user",
                get(greet).layer(Require::new(Access::required()).unwrap()),
            ),
        )
        .layer(CasLayer::new(config))
}

#[tokio::test]
async fn small_layers_ask_for_single_routes() {
    let clock = ManualClock::new();
    let site = Site::axum("", |config| layered(config, &clock)).await;
    let mut browser = Browser::new();
    assert_eq!(browser.open(&site.at("/")).await.body, "for everybody");
    for path in ["/user", "/rabbits", "/dogs", "/fresh", "/nested/user"] {
        let begin = browser.open(&site.at(path)).await;
        let service = begin.location_parameter("service").unwrap();
        assert!(service.contains(&format!("next={path}")), "{service}");
        let answer = program(&mut browser, &site.at(path)).await;
        assert_eq!(
            (answer.status.as_u16(), reason(&answer).as_str()),
            (401, "sign-in-needed")
        );
    }
    let form = browser.request(Method::POST, &site.at("/form"));
    assert_eq!(browser.send(form).await.status, 401);
    assert_eq!(
        site.sign_in(&mut browser, "/user").await.location(),
        "/user"
    );
    for (path, status) in [
        ("/user", 200),
        ("/rabbits", 200),
        ("/fresh", 200),
        ("/nested/user", 200),
        ("/dogs", 403),
    ] {
        let answer = browser.open(&site.at(path)).await;
        assert_eq!(answer.status, status, "{path}");
        if status == 200 {
            assert_eq!(answer.body, "alice", "{path}");
            assert_eq!(
                answer.header("cache-control"),
                "private, no-store",
                "{path}"
            );
        }
    }
    clock.advance(Duration::from_secs(61));
    let begin = browser.open(&site.at("/fresh")).await;
    assert_eq!(begin.location_parameter("renew").as_deref(), Some("true"));
}

#[tokio::test]
async fn a_small_layer_asks_nobody_to_sign_in_whose_session_cannot_be_verified() {
    let (clock, registry) = (ManualClock::new(), Moody::default());
    let told = registry.clone();
    let site = Site::axum("", |config| layered(config.registry(told), &clock)).await;
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "/user").await;
    registry.set_behind(true);
    for path in ["/user", "/dogs", "/nested/user"] {
        let answer = browser.open(&site.at(path)).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(!answer.header("retry-after").is_empty(), "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
    // A browser without a session is sent to sign in as ever, and public routes go on.
    let stranger = Browser::new().open(&site.at("/user")).await;
    assert!(stranger.location_parameter("service").is_some());
    assert_eq!(browser.open(&site.at("/")).await.status, 200);
    registry.set_behind(false);
    assert_eq!(browser.open(&site.at("/user")).await.body, "alice");
}

#[tokio::test]
async fn a_small_layer_without_the_layer_above_lets_nobody_through() {
    use axum::body::Body;
    use tower::ServiceExt as _;
    let app: Router = Router::new().route(
        "/",
        get(async || "secret").layer(Require::new(Access::required()).unwrap()),
    );
    let request = axum::http::Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 500);
}

#[tokio::test]
async fn rules_that_contradict_themselves_are_build_errors() {
    let cas = CasServer::builder().user(alice()).start().await.unwrap();
    let build = |paths: Paths, access: Access| {
        CasConfig::builder(cas.url(), "https://app.example.org")
            .key(key(1))
            .rule(paths, access)
            .build()
    };
    let root = || Paths::prefix("/");
    let none: [&str; 0] = [];
    for access in [
        Access::public().any_of("a", ["b"]),
        Access::optional().fresh(Duration::from_secs(60)),
        Access::gateway().user_if(|_| true),
        Access::required().any_of("a", none),
        Access::required().all_of("a", none),
        Access::required().all_of("", ["a"]),
        Access::required().fresh(Duration::ZERO),
        Access::required().fresh(Duration::from_millis(999)),
        Access::required().fresh(Duration::MAX),
    ] {
        let error = build(root(), access.clone()).unwrap_err();
        assert!(
            error.to_string().starts_with("a rule asks"),
            "{access:?} {error}"
        );
    }
    for paths in [
        Paths::exact("admin"),
        Paths::exact("/a/{b}"),
        Paths::pattern("/a{b}"),
    ] {
        assert!(build(paths, Access::required()).is_err());
    }
    let config = || CasConfig::builder(cas.url(), "https://app.example.org").key(key(1));
    assert!(
        config()
            .sign_in(|sign_in| sign_in.renew(true))
            .rule(root(), Access::gateway())
            .build()
            .is_err()
    );
    for seconds in [0, 3601] {
        let interval = Duration::from_secs(seconds);
        assert!(
            config()
                .sign_in(|sign_in| sign_in.gateway_interval(interval))
                .build()
                .is_err()
        );
    }
}
