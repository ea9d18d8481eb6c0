//! What the sessions of users with many groups take: bytes in the cookie, and bytes in the registry. The guide's page
//! "Large sessions" has these tables.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a tool of ours: it fails by panicking"
)]

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{Router, body::Body, response::Response};
use cas_layer::{
    CasConfig, CasLayer, Key, SessionPlace,
    testing::{CasServer, User},
};
use cas_layer_tests::groups::{Names, courses, numbered, random};
use http::{
    HeaderMap, Request, StatusCode,
    header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE},
};
use tower::ServiceExt as _;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};
use url::Url;

/// Nothing listens there: requests are handed to the service.
const APP: &str = "https://app.example.org";

const COUNTS: [usize; 6] = [10, 45, 100, 400, 1_000, 10_000];
const NAMES: [Names; 3] = [numbered, courses, random];

/// How many bytes the registry keeps, by the last event that said so.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// A session that is open.
struct Session {
    /// Name and value.
    cookie: usize,
    /// Zero if the registry keeps nothing of it.
    kept: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tracing_subscriber::registry().with(Ear).init();

    println!("By default: bytes of the cookie, and bytes that the registry keeps.\n");
    println!("| groups | numbered | | course names | | random | |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in COUNTS {
        print!("| {} |", thousands(count));
        for names in NAMES {
            let session = open(names(count), SessionPlace::CookieFirst).await;
            let session = session.expect("room in the registry");
            let kept = usize::try_from(session.kept).unwrap();
            let kept = if kept == 0 {
                "–".to_owned()
            } else {
                thousands(kept)
            };
            print!(" {} | {kept} |", thousands(session.cookie));
        }
        println!();
    }

    println!("\nWith `SessionPlace::Cookie`: bytes of the cookie.\n");
    println!("| groups | numbered | course names | random |");
    println!("| ---: | ---: | ---: | ---: |");
    for count in COUNTS {
        print!("| {} |", thousands(count));
        for names in NAMES {
            match open(names(count), SessionPlace::Cookie).await {
                Some(session) => print!(" {} |", thousands(session.cookie)),
                None => print!(" no sign-in |"),
            }
        }
        println!();
    }

    println!("\nWith `SessionPlace::Registry`: bytes of the cookie.\n");
    for count in COUNTS {
        let session = open(numbered(count), SessionPlace::Registry).await;
        println!("{}: {}", thousands(count), session.unwrap().cookie);
    }
}

/// Signs in a user with these groups. `None` if that is too much for a session.
async fn open(groups: Vec<String>, place: SessionPlace) -> Option<Session> {
    let user = User::new("alice", "rabbit-hole")
        .attribute("mail", ["alice@wonderland.example"])
        .attribute("displayName", ["Alice Liddell"])
        .attribute("memberOf", groups);
    let cas = CasServer::builder().user(user).start().await.unwrap();
    let config = CasConfig::builder(cas.url(), APP)
        .key(Key::generate())
        .session(|session| session.place(place))
        .build()
        .unwrap();
    let app = Router::new().layer(CasLayer::new(config));

    let to_cas = ask(&app, "/page", None).await;
    let login = to_cas.headers().get(LOCATION).expect("a redirect");
    let login = Url::parse(login.to_str().unwrap()).unwrap();
    let (_, service) = login
        .query_pairs()
        .find(|(name, _)| name == "service")
        .unwrap();
    let ticket = cas.issue_ticket("alice", &service);
    let callback = service.strip_prefix(APP).expect("a way back to the app");

    KEPT.store(0, Ordering::Relaxed);
    let login_cookie = set_cookie(to_cas.headers(), "-login");
    let answer = ask(&app, &format!("{callback}&ticket={ticket}"), login_cookie).await;
    let kept = KEPT.load(Ordering::Relaxed);
    if answer.status() == StatusCode::INTERNAL_SERVER_ERROR {
        return None;
    }
    let cookie = set_cookie(answer.headers(), "-session").expect("a session");
    // Without the sign between name and value.
    let cookie = cookie.len() - 1;
    Some(Session { cookie, kept })
}

/// Hands the app a browser's request for a page.
async fn ask(app: &Router, path: &str, cookie: Option<&str>) -> Response {
    let mut request = Request::get(path).header(ACCEPT, "text/html");
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let request = request.body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// Name and value of the cookie whose name ends so, if an answer sets it.
fn set_cookie<'a>(headers: &'a HeaderMap, end: &str) -> Option<&'a str> {
    headers.get_all(SET_COOKIE).iter().find_map(|set| {
        let pair = set.to_str().unwrap().split(';').next()?;
        let (name, value) = pair.split_once('=')?;
        (name.ends_with(end) && !value.is_empty()).then_some(pair)
    })
}

/// With a comma between thousands.
fn thousands(number: usize) -> String {
    match number.checked_div(1_000) {
        None | Some(0) => number.to_string(),
        Some(above) => format!("{},{:03}", thousands(above), number % 1_000),
    }
}

/// Hears what the registry keeps.
struct Ear;

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "cas_layer" {
            event.record(&mut Bytes);
        }
    }
}

/// The field `bytes`, which the event `session-storage` alone has.
struct Bytes;

impl Visit for Bytes {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "bytes" {
            KEPT.store(value, Ordering::Relaxed);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
