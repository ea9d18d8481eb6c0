//! Tests of an app that signs its users in: copy the module `tests`, and put your `app` in place of this one.
//! They sign in over real sockets, at a CAS server that runs inside the test.
//!
//! ```toml
//! [dev-dependencies]
//! cas-layer = { version = "…", features = ["testing"] }
//! reqwest = { version = "…", features = ["cookies", "form"] }
//! ```
//!
//! `cargo test -p cas-layer --features testing --example tests_of_your_app`

use axum::{Router, routing::get};
use cas_layer::{CasConfig, CasLayer, CasUser, ConfigError, Key};

/// The app as it is in production: both URLs come from outside.
fn app(cas_url: &str, app_url: &str) -> Result<Router, ConfigError> {
    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    Ok(Router::new()
        .route(
            "/profile",
            get(async |user: CasUser| format!("Hello {}", user.name())),
        )
        .layer(CasLayer::new(config)))
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
    use cas_layer::testing::{CasServer, LogoutReport, User};
    use reqwest::{Client, StatusCode, Url, header::ACCEPT};
    use tokio::net::TcpListener;

    /// The app and its CAS server, each on a free port, for as long as the test runs.
    async fn start() -> (CasServer, String) {
        let alice = User::new("alice", "rabbit-hole").attribute("mail", ["alice@example.org"]);
        let cas = CasServer::builder().user(alice).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = super::app(cas.url(), &url).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        (cas, url)
    }

    /// Keeps cookies and follows redirects, as a browser does.
    fn browser() -> Client {
        let client = Client::builder().cookie_store(true).no_proxy();
        client.build().unwrap()
    }

    /// Opens a page as a browser does, and gives back the URL where it ends up, and what it shows.
    async fn open(browser: &Client, url: &str) -> (Url, String) {
        let request = browser.get(url).header(ACCEPT, "text/html");
        let page = request.send().await.unwrap();
        (page.url().clone(), page.text().await.unwrap())
    }

    /// Opens `url`, is sent to the login form, fills it in, and comes back to `url`.
    async fn sign_in(browser: &Client, url: &str) -> String {
        let (form_url, form) = open(browser, url).await;
        // Two hidden fields: one of this form alone, and where the CAS server shall lead back to.
        let (_, rest) = form.split_once("name=\"execution\" value=\"").unwrap();
        let (execution, _) = rest.split_once('"').unwrap();
        let (_, service) = form_url
            .query_pairs()
            .find(|(name, _)| name == "service")
            .unwrap();
        let fields = [
            ("execution", execution),
            ("service", &service),
            ("username", "alice"),
            ("password", "rabbit-hole"),
        ];
        let request = browser.post(form_url.clone()).form(&fields);
        let page = request.send().await.unwrap();
        assert_eq!(page.url().as_str(), url);
        page.text().await.unwrap()
    }

    #[tokio::test]
    async fn a_user_comes_back_to_the_page_that_was_asked_for() {
        let (_cas, url) = start().await;
        let browser = browser();
        let page = sign_in(&browser, &format!("{url}/profile")).await;
        assert_eq!(page, "Hello alice");
    }

    #[tokio::test]
    async fn a_program_without_a_session_gets_401() {
        let (_cas, url) = start().await;
        let answer = browser().post(format!("{url}/profile")).send().await;
        assert_eq!(answer.unwrap().status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_sign_out_at_the_cas_server_ends_the_session_here() {
        let (cas, url) = start().await;
        let browser = browser();
        let profile = format!("{url}/profile");
        sign_in(&browser, &profile).await;
        let report = cas.log_out("alice").await;
        assert_eq!(
            report,
            LogoutReport {
                sent: 1,
                accepted: 1
            }
        );
        let (at, _) = open(&browser, &profile).await;
        assert!(at.as_str().starts_with(cas.url()), "{at}");
    }
}
