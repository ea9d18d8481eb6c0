//! An API that takes passwords, and a CAS server with the REST protocol.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::post,
};
use cas_layer::{
    Access, CasApiLayer, CasConfig, CasConfigBuilder, ConfigError, Key, PasswordOptions, Paths,
    testing::{CasServer, Fault, Quirk, User},
};
use cas_layer_tests::suite::eventually;
use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt as _;

use crate::support::{Answer, Api, answer};

/// How often the password of one user may be wrong in a minute.
const FAILURES: usize = 10;

const BASIC: &str = "Basic realm=\"CAS\", charset=\"UTF-8\"";

async fn cas() -> CasServer {
    let alice = User::new("alice", "rabbit:hole").attribute("memberOf", ["rabbits"]);
    let umlauts = User::new("zoë", "pässwörd");
    let builder = CasServer::builder().rest(true).user(alice).user(umlauts);
    builder.start().await.unwrap()
}

type Told = Arc<Mutex<Vec<String>>>;

/// An API, and the reasons for which it turned somebody away.
async fn api(cas: &CasServer, options: PasswordOptions) -> (Api, Told) {
    let told = Told::default();
    let tell = Arc::clone(&told);
    let configure = |config: CasConfigBuilder| {
        config
            .client(|client| client.timeout(Duration::from_secs(60)))
            .public("/public")
            .rule(
                Paths::prefix("/dogs"),
                Access::required().any_of("memberOf", ["dogs"]),
            )
            .rule(
                Paths::prefix("/rabbits"),
                Access::required().any_of("memberOf", ["rabbits"]),
            )
            .on_refused(move |refused| tell.lock().unwrap().push(refused.reason().to_string()))
    };
    let layered = |layer: CasApiLayer| layer.with_passwords(&options).unwrap();
    (Api::start(cas, configure, layered).await, told)
}

fn told(told: &Told) -> Vec<String> {
    std::mem::take(&mut told.lock().unwrap())
}

fn as_alice(request: RequestBuilder) -> RequestBuilder {
    request.basic_auth("alice", Some("rabbit:hole"))
}

fn wrong(request: RequestBuilder) -> RequestBuilder {
    request.basic_auth("alice", Some("guess"))
}

/// All challenges of an answer.
async fn challenges(request: RequestBuilder) -> Vec<String> {
    let response = request.send().await.unwrap();
    let fields = response.headers().get_all("www-authenticate").iter();
    fields.map(|it| it.to_str().unwrap().to_owned()).collect()
}

fn user(answer: &Answer) -> (u16, &Value) {
    (answer.status, &answer.body["user"])
}

#[tokio::test]
async fn a_right_password_lets_in_and_is_asked_for_once() {
    let cas = cas().await;
    let (api, told_of) = api(&cas, PasswordOptions::new()).await;
    for path in ["/records?a=b", "/rabbits", "/nested/records"] {
        let let_in = answer(as_alice(api.get(path))).await;
        assert_eq!(user(&let_in), (200, &Value::from("alice")), "{path}");
        assert_eq!(let_in.body["authorization"], Value::Null, "not for others");
        assert!(let_in.cookies.is_empty());
        assert_eq!(let_in.cache_control, "private, no-store");
    }
    assert_eq!(answer(as_alice(api.get("/dogs"))).await.status, 403);
    assert_eq!((cas.passwords(), cas.validations()), (1, 1));
    eventually("the session at the CAS server ends", async || {
        cas.sessions() == 0
    })
    .await;
    assert_eq!(told(&told_of), ["not-allowed"]);

    let umlauts = api.get("/a").basic_auth("zoë", Some("pässwörd"));
    assert_eq!(user(&answer(umlauts).await), (200, &Value::from("zoë")));
}

#[tokio::test]
async fn a_burst_is_one_sign_in() {
    let cas = cas().await;
    let (api, _) = api(&cas, PasswordOptions::new()).await;
    let burst = (0..40).map(|n| answer(as_alice(api.get(&format!("/{n}")))));
    for let_in in join_all(burst).await {
        assert_eq!(user(&let_in), (200, &Value::from("alice")));
    }
    assert_eq!((cas.passwords(), cas.validations()), (1, 1));
}

#[tokio::test]
async fn what_is_known_of_a_password_lasts_as_long_as_was_said() {
    let cas = cas().await;
    let (always, _) = api(&cas, PasswordOptions::new().remembered_for(Duration::ZERO)).await;
    for asked in 1..=3 {
        assert_eq!(answer(as_alice(always.get("/"))).await.status, 200);
        assert_eq!(cas.passwords(), asked);
    }
    let short = PasswordOptions::new().remembered_for(Duration::from_millis(300));
    let (short, _) = api(&cas, short).await;
    eventually("it is asked for again", async || {
        assert_eq!(answer(as_alice(short.get("/"))).await.status, 200);
        cas.passwords() > 4
    })
    .await;
    cas.set_fault(Some(Fault::Status(401)));
    eventually(
        "a password that is no longer right lets nobody in",
        async || answer(as_alice(short.get("/"))).await.status == 401,
    )
    .await;
}

#[tokio::test]
async fn a_wrong_password_lets_nobody_in() {
    let cas = cas().await;
    let (api, told_of) = api(&cas, PasswordOptions::new()).await;
    assert_eq!(answer(as_alice(api.get("/"))).await.status, 200);
    for (user, password) in [
        ("alice", "guess"),
        ("alice", "rabbit"),
        ("Alice", "rabbit:hole"),
        ("nobody", "rabbit:hole"),
        ("zoë", "passwörd"),
    ] {
        let request = || api.get("/records").basic_auth(user, Some(password));
        let refused = answer(request()).await;
        assert_eq!(refused.status, 401, "{user}");
        let text = refused.body.to_string();
        assert!(!text.contains(password), "{text}");
        let service = format!("CAS service=\"{}\"", api.at("/records"));
        assert_eq!(challenges(request()).await, [&*service, BASIC], "{user}");
    }
    assert_eq!(told(&told_of), ["wrong-password"; 10]);
    cas.set_quirks([Quirk::RestRefusal400]);
    assert_eq!(answer(wrong(api.get("/"))).await.status, 401);
    assert_eq!(cas.validations(), 1);
}

#[tokio::test]
async fn whoever_guesses_is_turned_away_and_whoever_is_known_goes_on() {
    let cas = cas().await;
    let (api, told_of) = api(&cas, PasswordOptions::new()).await;
    assert_eq!(answer(as_alice(api.get("/"))).await.status, 200);
    let guesses = (0..4 * FAILURES).map(|n| {
        let name = ["alice", "ALICE"][n % 2];
        answer(api.get("/").basic_auth(name, Some(format!("guess {n}"))))
    });
    let answers = join_all(guesses).await;
    let with = |status| answers.iter().filter(|it| it.status == status).count();
    // More if a minute ends meanwhile.
    let failures = with(401);
    assert!((FAILURES..=2 * FAILURES).contains(&failures), "{failures}");
    assert_eq!(with(429), 4 * FAILURES - failures);
    assert_eq!(cas.passwords(), 1 + failures, "nobody else is asked about");
    assert!(told(&told_of).contains(&"too-many-attempts".to_owned()));
    assert_eq!(answer(as_alice(api.get("/"))).await.status, 200);
    let other = api.get("/").basic_auth("zoë", Some("pässwörd"));
    assert_eq!(answer(other).await.status, 200);
}

#[tokio::test]
async fn whoever_was_known_is_asked_for_although_others_have_guessed() {
    let cas = cas().await;
    let short = PasswordOptions::new().remembered_for(Duration::from_millis(1));
    let (api, _) = api(&cas, short).await;
    assert_eq!(answer(as_alice(api.get("/"))).await.status, 200);
    for n in 0..FAILURES {
        let guess = api.get("/").basic_auth("alice", Some(format!("guess {n}")));
        assert_eq!(answer(guess).await.status, 401);
    }
    let asked = cas.passwords();
    eventually("it is no longer known", async || {
        assert_eq!(answer(as_alice(api.get("/"))).await.status, 200);
        cas.passwords() > asked
    })
    .await;
}

#[tokio::test]
async fn names_that_a_directory_takes_for_one_are_counted_together() {
    let cas = cas().await;
    let (api, _) = api(&cas, PasswordOptions::new()).await;
    let names = [
        "alice",
        "ALICE",
        "álice",
        "ａlice",
        "EXAMPLE\\alice",
        "alice@example.org",
    ];
    let mut answers = Vec::new();
    for n in 0..4 * FAILURES {
        let name = names[n % names.len()];
        answers.push(
            answer(api.get("/").basic_auth(name, Some(format!("guess {n}"))))
                .await
                .status,
        );
    }
    let failures = answers.iter().filter(|it| **it == 401).count();
    assert!((FAILURES..=2 * FAILURES).contains(&failures), "{failures}");
}

#[tokio::test]
async fn a_password_that_was_wrong_is_not_asked_for_again_at_once() {
    let cas = cas().await;
    let (api, _) = api(&cas, PasswordOptions::new()).await;
    for _ in 0..2 * FAILURES {
        assert_eq!(answer(wrong(api.get("/"))).await.status, 401, "and no 429");
    }
    // More if the machine is slow.
    assert!(cas.passwords() < FAILURES, "{}", cas.passwords());
}

/// A CAS server that takes every password, and gives no ticket for this service.
async fn without_tickets() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let location = format!("{url}/cas/v1/tickets/TGT-1");
    let app = Router::new()
        .route(
            "/cas/v1/tickets",
            post(async move || (StatusCode::CREATED, [("location", location)])),
        )
        .route(
            "/cas/v1/tickets/TGT-1",
            post(async || StatusCode::FORBIDDEN).delete(async || StatusCode::OK),
        );
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (format!("{url}/cas"), server)
}

#[tokio::test]
async fn a_service_that_the_cas_server_does_not_know_is_no_failure_of_the_user() {
    let (url, server) = without_tickets().await;
    let told_of = Told::default();
    let tell = Arc::clone(&told_of);
    let config = CasConfig::builder(&url, "http://localhost:3000")
        .key(Key::generate())
        .on_refused(move |refused| tell.lock().unwrap().push(refused.reason().to_string()));
    let layer = CasApiLayer::new(config.build().unwrap());
    let layer = layer.with_passwords(&PasswordOptions::new()).unwrap();
    let app = Router::new().fallback(async || "in").layer(layer);
    for _ in 0..2 * FAILURES {
        let credentials = data_encoding::BASE64.encode(b"alice:rabbit:hole");
        let request = Request::get("/records")
            .header("authorization", format!("Basic {credentials}"))
            .body(Body::empty());
        let answer = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    assert_eq!(told(&told_of), vec!["ticket-refused"; 2 * FAILURES]);
    server.abort();
}

#[tokio::test]
async fn trouble_at_the_cas_server_is_no_failure_of_the_user() {
    let cas = cas().await;
    let (api, told_of) = api(&cas, PasswordOptions::new()).await;
    for (fault, status, reason) in [
        (Fault::CloseConnection, 502, "cas-unreachable"),
        (Fault::Status(503), 502, "cas-unreadable"),
        (Fault::Status(404), 502, "cas-unreadable"),
        (Fault::Html, 502, "cas-unreadable"),
        (
            Fault::Created("https://evil.example/cas/v1/tickets/TGT-1".to_owned()),
            502,
            "cas-unreadable",
        ),
        (Fault::Status(423), 429, "too-many-attempts"),
        (Fault::Status(403), 401, "wrong-password"),
    ] {
        let what = format!("{fault:?}");
        cas.set_fault(Some(fault));
        let times = if status == 502 { FAILURES + 1 } else { 1 };
        for _ in 0..times {
            let refused = answer(as_alice(api.get("/"))).await;
            assert_eq!(refused.status, status, "{what} {}", refused.body);
        }
        assert_eq!(told(&told_of), vec![reason; times], "{what}");
    }
    cas.set_fault(None);
    eventually("what was wrong is asked for again", async || {
        answer(as_alice(api.get("/"))).await.status == 200
    })
    .await;
    eventually("no session is left behind", async || cas.sessions() == 0).await;
}

/// Whoever checks passwords may be away while tickets are validated all the same. But who answers is there.
#[tokio::test]
async fn an_answer_to_a_password_counts_for_tickets_and_silence_does_not() {
    for is_answered in [true, false] {
        let cas = cas().await;
        let told_of = Told::default();
        let tell = Arc::clone(&told_of);
        let configure = |config: CasConfigBuilder| {
            config
                .client(|client| client.timeout(Duration::from_secs(1)))
                .on_refused(move |refused| tell.lock().unwrap().push(refused.reason().to_string()))
        };
        let layered = |layer: CasApiLayer| layer.with_passwords(&PasswordOptions::new()).unwrap();
        let api = Api::start(&cas, configure, layered).await;
        let with_ticket = async |n: usize| {
            let request = api
                .get("/")
                .header("authorization", format!("CAS ST-{n}-x"));
            assert!(answer(request).await.status >= 500);
        };
        // One time-out fewer than it takes.
        cas.set_fault(Some(Fault::Hang));
        join_all((0..4).map(&with_ticket)).await;
        if is_answered {
            cas.set_fault(None);
            while answer(wrong(api.get("/"))).await.status != 401 {}
            cas.set_fault(Some(Fault::Hang));
        } else {
            assert!(answer(wrong(api.get("/"))).await.status >= 500);
        }
        told(&told_of);
        for n in 4..8 {
            with_ticket(n).await;
        }
        let is_away = told(&told_of).contains(&"cas-away".to_owned());
        assert_eq!(is_away, !is_answered);
    }
}

#[tokio::test]
async fn a_browser_gets_in_by_no_password_and_is_not_asked_for_one() {
    let cas = cas().await;
    let (api, _) = api(&cas, PasswordOptions::new()).await;
    assert_eq!(answer(as_alice(api.get("/"))).await.status, 200);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "cors"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let refused = answer(as_alice(api.get("/").header(name, value))).await;
        assert_eq!(refused.status, 403, "{name}: {value}");
        let asked = challenges(api.get("/").header(name, value)).await;
        assert_eq!(asked.len(), 1, "{asked:?}");
    }
    let asked = challenges(api.get("/").header("accept", "text/html")).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(challenges(api.get("/")).await[1], BASIC);
}

#[tokio::test]
async fn what_is_no_password_is_sent_nowhere() {
    let cas = cas().await;
    let (api, _) = api(&cas, PasswordOptions::new()).await;
    let long = "x".repeat(1_025);
    // `alice:rabbit:hole`
    let right = "Basic YWxpY2U6cmFiYml0OmhvbGU=";
    let encoded = |text: &[u8]| format!("Basic {}", data_encoding::BASE64.encode(text));
    for field in [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic YWxpY2U",
        "Basic YWxpY2U6cmFiYml0OmhvbGU",
        "Basic YWxpY2U6cmFiYml0OmhvbGU= x",
        "Basic YWxpY2U6cmFiYml0OmhvbGU=,CAS PT-1",
        &encoded(b"alice"),
        &encoded(b"alice:"),
        &encoded(b":rabbit:hole"),
        &encoded(b" alice:x"),
        &encoded(b"ali\nce:x"),
        &encoded(b"alice:x\n"),
        &encoded(b"alice:\xff"),
        &encoded(format!("alice:{long}").as_bytes()),
        &encoded(format!("{long}:x").as_bytes()),
    ] {
        let refused = answer(api.get("/").header("authorization", field)).await;
        assert_eq!(refused.status, 400, "{field}");
    }
    for second in [right, "Bearer x", "CAS PT-1"] {
        let two = api
            .get("/")
            .header("authorization", right)
            .header("authorization", second);
        assert_eq!(answer(two).await.status, 400, "{second}");
    }
    let both = answer(as_alice(api.get("/?ticket=PT-1"))).await;
    assert_eq!(both.status, 400);
    assert_eq!((cas.passwords(), cas.validations()), (0, 0));
    let other = answer(api.get("/").bearer_auth("x")).await;
    assert_eq!(other.status, 401, "somebody else's scheme");
}

#[tokio::test]
async fn passwords_are_nobodys_business_where_they_are_not_taken() {
    let cas = cas().await;
    let (taking, _) = api(&cas, PasswordOptions::new()).await;
    let plain = Api::start(&cas, |it| it.public("/public"), |it| it).await;
    for api in [&taking, &plain] {
        let public = answer(as_alice(api.get("/public"))).await;
        assert_eq!(user(&public), (200, &Value::Null));
        assert_ne!(public.body["authorization"], Value::Null);
    }
    assert_eq!(answer(as_alice(plain.get("/"))).await.status, 401);
    assert_eq!(challenges(plain.get("/")).await.len(), 1);
    assert_eq!(cas.passwords(), 0);
}

#[test]
fn a_password_goes_over_no_network_in_clear() {
    let layer = |cas: &str, app: &str| {
        let config = CasConfig::builder(cas, app)
            .key(Key::generate())
            .allow_insecure_http(true)
            .client(|client| client.allow_insecure_http(true));
        let layer = CasApiLayer::new(config.build().unwrap());
        layer.with_passwords(&PasswordOptions::new()).map(drop)
    };
    for (cas, app, in_clear) in [
        ("https://cas.example.org", "https://api.example.org", None),
        ("http://127.0.0.1:8081/cas", "http://localhost:3000", None),
        (
            "http://cas.example.org",
            "https://api.example.org",
            Some("CAS server"),
        ),
        (
            "https://cas.example.org",
            "http://api.example.org",
            Some("app"),
        ),
    ] {
        let result = layer(cas, app);
        let what = match &result {
            Ok(()) => None,
            Err(ConfigError::PasswordsInClear { what, .. }) => Some(*what),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(what, in_clear, "{cas} {app}");
    }
    let long = PasswordOptions::new().remembered_for(Duration::from_secs(301));
    let config = CasConfig::builder("https://cas.example.org", "https://api.example.org");
    let layer = CasApiLayer::new(config.key(Key::generate()).build().unwrap());
    let error = layer.with_passwords(&long).unwrap_err();
    assert!(
        matches!(error, ConfigError::InvalidDuration { .. }),
        "{error}"
    );
}
