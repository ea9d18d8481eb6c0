//! Tests of an app that signs its users in: copy the module `tests`, and put your `app` in place of this one.
//! There are three kinds of tests: of a handler alone, of the app with its layer but without a socket, and of the app as it
//! is served. The CAS server runs inside the test.
//!
//! ```toml
//! [dev-dependencies]
//! cas-layer = { version = "…", features = ["testing"] }
//! reqwest = { version = "…", features = ["cookies"] }
//! tower = { version = "…", features = ["util"] }
//! ```
//!
//! `cargo test -p cas-layer --features testing --example tests_of_your_app`

use axum::{Router, routing::get};
use cas_layer::{Access, CasConfig, CasLayer, CasUser, ConfigError, Key, Paths};

fn handlers() -> Router {
    let profile = async |user: CasUser| format!("Hello {}", user.name());
    Router::new()
        .route("/profile", get(profile))
        .route("/newsletter", get(async || "The news"))
}

/// The app as it is in production: both URLs come from outside.
fn app(cas_url: &str, app_url: &str) -> Result<Router, ConfigError> {
    let with_address = Access::required().user_if(|user| user.attributes().first("mail").is_some());
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .rule(Paths::exact("/newsletter"), with_address)
        .build()?;
    Ok(handlers().layer(CasLayer::new(config)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1);
    let cas_url = cas_url.ok_or("usage: tests_of_your_app CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");
    axum::serve(listener, app(&cas_url, &app_url)?).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use cas_layer::testing::{
        CasServer, CasUserBuilder, LogoutReport, StandIn, TestBrowser, User, VisitError,
    };
    use reqwest::{Client, StatusCode};
    use tokio::net::TcpListener;
    use tower::ServiceExt as _;

    const APP_URL: &str = "https://app.example.org";

    /// A handler alone: there is no layer and no CAS server. The user is made by hand.
    #[tokio::test]
    async fn the_profile_greets_its_user() {
        let alice = CasUserBuilder::new("alice").build();
        let request = Request::get("/profile").extension(alice);
        let request = request.body(Body::empty()).unwrap();
        let response = super::handlers().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1000).await;
        assert_eq!(body.unwrap(), "Hello alice");
    }

    /// The same for somebody who has not signed in.
    #[tokio::test]
    async fn the_profile_is_nobodys_without_a_user() {
        let app = super::handlers().layer(StandIn::visitor());
        let request = Request::get("/profile").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    /// A CAS server with two users. Alice is the first.
    async fn cas_server() -> CasServer {
        let alice = User::new("alice", "rabbit-hole").attribute("mail", ["alice@example.org"]);
        let bob = User::new("bob", "looking-glass");
        let cas = CasServer::builder().user(alice).user(bob);
        cas.start().await.unwrap()
    }

    /// The app with its layer, without a socket.
    async fn start() -> (CasServer, TestBrowser) {
        let cas = cas_server().await;
        let app = super::app(cas.url(), APP_URL).unwrap();
        (cas, TestBrowser::new(app, APP_URL))
    }

    #[tokio::test]
    async fn a_user_comes_back_to_the_page_that_was_asked_for() {
        let (cas, browser) = start().await;
        let page = browser.sign_in(&cas, "/profile").await.unwrap();
        assert_eq!(page.text(), "Hello alice");
        assert_eq!(page.url(), "https://app.example.org/profile");
    }

    #[tokio::test]
    async fn who_has_no_mail_address_does_not_get_the_newsletter() {
        let (cas, browser) = start().await;
        let refused = browser.sign_in_as(&cas, "/newsletter", "bob").await;
        let refused = refused.unwrap_err();
        let is_expected =
            matches!(&refused, VisitError::Refused { reason, .. } if reason == "not-allowed");
        assert!(is_expected, "{refused}");
    }

    #[tokio::test]
    async fn a_program_without_a_session_gets_401() {
        let (_cas, browser) = start().await;
        let request = Request::post("/profile").body("").unwrap();
        let answer = browser.send(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_user_signs_out() {
        let (cas, browser) = start().await;
        browser.sign_in(&cas, "/profile").await.unwrap();
        browser.post("/logout", &[]).await.unwrap();
        let page = browser.get("/profile").await.unwrap();
        assert!(page.url().starts_with(cas.url()), "{}", page.url());
    }

    /// The app on a socket, where the CAS server reaches it.
    #[tokio::test]
    async fn a_sign_out_at_the_cas_server_ends_the_session_here() {
        let cas = cas_server().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = super::app(cas.url(), &url).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });

        let client = Client::builder().cookie_store(true).no_proxy();
        let client = client.build().unwrap();
        let profile = format!("{url}/profile");
        let page = cas.sign_in(&client, &profile).await.unwrap();
        assert_eq!(page.text().await.unwrap(), "Hello alice");

        let report = cas.log_out("alice").await;
        let expected = LogoutReport {
            sent: 1,
            accepted: 1,
        };
        assert_eq!(report, expected);
        let answer = client.get(&profile).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}
