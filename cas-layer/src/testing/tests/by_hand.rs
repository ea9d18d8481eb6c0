//! Users whom no layer has signed in.

use std::{
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    routing::get,
};
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use crate::{
    Access, CasUser, IdentityHeadersLayer, ProxyTicketErrorKind, Require,
    clock::Clock,
    testing::{CasUserBuilder, StandIn},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn get_page(path: &str) -> http::request::Builder {
    Request::get(path).header(header::ACCEPT, "text/html")
}

/// The status, where the answer leads, and its body.
async fn answer(app: &Router, request: Request<Body>) -> (StatusCode, String, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let location = response.headers().get(header::LOCATION);
    let location = location.map_or("", |it| it.to_str().unwrap()).to_owned();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, location, String::from_utf8(body.to_vec()).unwrap())
}

fn handlers() -> Router {
    let home =
        async |user: Option<CasUser>| user.map_or("nobody".to_owned(), |it| it.name().into());
    let profile = async |user: CasUser| user.name().to_owned();
    Router::new()
        .route("/", get(home))
        .route("/profile", get(profile))
}

#[tokio::test]
async fn handlers_find_a_user_who_is_put_into_the_request_or_over_the_router() {
    let alice = CasUserBuilder::new("alice").build();
    for path in ["/", "/profile"] {
        let request = get_page(path).extension(alice.clone());
        let app = handlers();
        let (_, _, body) = answer(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(body, "alice");
        let app = handlers().layer(Extension(alice.clone()));
        let (_, _, body) = answer(&app, get_page(path).body(Body::empty()).unwrap()).await;
        assert_eq!(body, "alice");
    }
}

#[tokio::test]
async fn a_stand_in_tells_a_visitor_from_a_missing_layer() {
    let get_page = |path| get_page(path).body(Body::empty()).unwrap();
    let without = handlers();
    assert_eq!(answer(&without, get_page("/")).await.0, 500);
    assert_eq!(answer(&without, get_page("/profile")).await.0, 500);
    let with = handlers().layer(StandIn::visitor());
    assert_eq!(answer(&with, get_page("/")).await.2, "nobody");
    assert_eq!(answer(&with, get_page("/profile")).await.0, 401);
}

#[test]
fn a_stand_in_can_be_put_on_a_request_and_replaced() {
    let mut extensions = http::Extensions::new();
    StandIn::visitor().put_on(&mut extensions);
    StandIn::user(CasUserBuilder::new("alice").build()).put_on(&mut extensions);
    assert_eq!(extensions.get::<CasUser>().unwrap().name(), "alice");
    StandIn::visitor().put_on(&mut extensions);
    assert!(extensions.get::<CasUser>().is_none());
}

#[tokio::test]
async fn rules_on_routes_judge_a_user_made_by_hand() {
    let admins =
        Require::new(Access::required().any_of("memberOf", ["admin"]).fresh(HOUR)).unwrap();
    let now = Clock::System.time();
    let admin = || CasUserBuilder::new("alice").attribute("memberOf", ["staff", "admin"]);
    for (stand_in, expected) in [
        (StandIn::user(admin().build()), StatusCode::OK),
        (
            StandIn::user(CasUserBuilder::new("bob").build()),
            StatusCode::FORBIDDEN,
        ),
        (
            StandIn::user(admin().credentials_given_at(now - 2 * HOUR).build()),
            StatusCode::FOUND,
        ),
        (
            StandIn::user(admin().credentials_given_at(None).build()),
            StatusCode::FOUND,
        ),
        (StandIn::visitor(), StatusCode::FOUND),
    ] {
        let app = handlers().layer(admins.clone()).layer(stand_in);
        let request = get_page("/profile").body(Body::empty()).unwrap();
        let (status, location, body) = answer(&app, request).await;
        assert_eq!(status, expected, "{body}");
        if status == StatusCode::FOUND {
            let login = "https://cas.example.org/cas/login?";
            assert!(location.starts_with(login), "{location}");
        }
    }
}

#[tokio::test]
async fn a_backend_is_told_of_a_user_made_by_hand() {
    let headers = async |headers: http::HeaderMap| {
        let field = |name: &str| headers[name].to_str().unwrap().to_owned();
        format!("{} {}", field("remote-user"), field("remote-mail"))
    };
    let identity = IdentityHeadersLayer::builder().attribute("mail", "Remote-Mail");
    let alice = CasUserBuilder::new("alice").attribute("mail", ["alice@example.org"]);
    let app = Router::new()
        .route("/", get(headers))
        .layer(identity.build().unwrap())
        .layer(StandIn::user(alice.build()));
    let request = get_page("/").body(Body::empty()).unwrap();
    assert_eq!(answer(&app, request).await.2, "alice alice@example.org");
}

#[test]
fn a_user_has_what_the_test_says() {
    let now = Clock::System.time();
    let alice = CasUserBuilder::new("alice").build();
    assert!(alice.attributes().is_empty() && alice.proxies().is_empty());
    assert_eq!(alice.cas_url(), "https://cas.example.org/cas");
    assert_eq!(alice.app_url(), "https://app.example.org");
    let lifetime = alice.expires_at().duration_since(alice.signed_in_at());
    assert_eq!(lifetime.unwrap(), 8 * HOUR);
    assert_eq!(alice.credentials_given_at(), Some(alice.signed_in_at()));
    assert_eq!(alice.authentication_date(), Some(alice.signed_in_at()));
    assert_eq!(alice.is_from_new_login(), Some(true));
    assert_eq!(
        alice.long_term_authentication_request_token_used(),
        Some(false)
    );

    let long_ago = crate::clock::from_unix(1_000_000);
    let bob = CasUserBuilder::new("bob")
        .attribute("memberOf", ["staff"])
        .attribute("memberOf", ["demo"])
        .attribute("mail", ["bob@example.org"])
        .cas_url("http://127.0.0.1:9/cas")
        .app_url("http://app.test/portal/")
        .proxies(["https://portal.example.org/pgt"])
        .signed_in_at(long_ago)
        .expires_at(now + HOUR)
        .credentials_given_at(None)
        .authentication_date(long_ago - HOUR)
        .from_new_login(false)
        .long_term_token_used(None)
        .build();
    assert_eq!(bob.attributes().all("memberOf"), ["staff", "demo"]);
    assert_eq!(bob.attributes().first("mail"), Some("bob@example.org"));
    assert_eq!(bob.cas_url(), "http://127.0.0.1:9/cas");
    assert_eq!(bob.app_url(), "http://app.test/portal");
    assert_eq!(bob.proxies(), ["https://portal.example.org/pgt"]);
    assert_eq!(bob.signed_in_at(), long_ago);
    assert!(bob.expires_at() > now);
    assert_eq!(bob.credentials_given_at(), None);
    assert_eq!(bob.authentication_date(), Some(long_ago - HOUR));
    assert_eq!(bob.is_from_new_login(), Some(false));
    assert_eq!(bob.long_term_authentication_request_token_used(), None);
    assert_ne!(alice.session_id(), bob.session_id());
}

#[test]
#[should_panic(expected = "the user name is empty")]
fn nobody_has_a_name_that_no_session_has() {
    let _ = CasUserBuilder::new(" ").build();
}

/// Whether the session has ended.
fn has_ended(user: &CasUser) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(user.ended()).as_mut().poll(&mut context).is_ready()
}

#[tokio::test]
async fn a_user_made_by_hand_signs_out_and_nobody_else_does() {
    let alice = CasUserBuilder::new("alice").build();
    let again = CasUserBuilder::new("alice").build();
    assert!(!has_ended(&alice));
    let response = alice.sign_out().await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    let logout = "https://cas.example.org/cas/logout?service=https%3A%2F%2Fapp.example.org%2Flogout_callback";
    assert_eq!(location, logout);
    assert!(response.headers().contains_key(header::SET_COOKIE));
    assert!(has_ended(&alice) && has_ended(&alice.clone()));
    assert!(!has_ended(&again));
    again.end_all_sessions().await.unwrap();
    assert!(has_ended(&again));
}

#[tokio::test]
async fn a_session_made_by_hand_runs_out() {
    let now = Clock::System.time();
    let over = CasUserBuilder::new("alice").expires_at(now - HOUR).build();
    assert!(has_ended(&over));
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_end() {
    let alice = CasUserBuilder::new("alice").without_session().build();
    let response = alice.sign_out().await;
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    assert!(!has_ended(&alice));
}

#[tokio::test]
async fn a_user_made_by_hand_gets_no_proxy_ticket() {
    for builder in [
        CasUserBuilder::new("alice"),
        CasUserBuilder::new("alice").without_session(),
    ] {
        let ticket = builder
            .build()
            .proxy_ticket("https://api.example.org")
            .await;
        let kind = ticket.unwrap_err().kind();
        assert_eq!(kind, ProxyTicketErrorKind::NoGrantingTicket);
    }
}
