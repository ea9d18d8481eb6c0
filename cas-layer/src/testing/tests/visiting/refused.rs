//! Each way in which a sign-in can go wrong.

use super::{APP, Site, build, client, client_that_follows_nothing, handlers, listen, server};
use crate::{
    Veto,
    testing::{CasServer, Fault, TestBrowser, VisitError},
};

/// The error of a sign-in by a browser, and its text, which has no ticket.
async fn refused(site: &Site, path: &str) -> (VisitError, String) {
    let browser = TestBrowser::new(site.app.clone(), APP);
    told(browser.sign_in(&site.cas, path).await.unwrap_err())
}

fn told(error: VisitError) -> (VisitError, String) {
    let text = error.to_string();
    assert!(!text.contains("ST-"), "{text}");
    (error, text)
}

/// The status and the reason of a page of the layer.
fn page_of_layer(error: &VisitError) -> (u16, &str) {
    match error {
        VisitError::Refused { status, reason, .. } => (status.as_u16(), reason),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_address_that_is_none() {
    let site = Site::start().await;
    for url in ["", "/profile", "app.example.org", "ftp://127.0.0.1/"] {
        let error = site.cas.sign_in(&client(), url).await.unwrap_err();
        assert!(matches!(error, VisitError::InvalidUrl { .. }), "{error}");
    }
    let (error, _) = refused(&site, "ftp://127.0.0.1/").await;
    assert!(matches!(error, VisitError::InvalidUrl { .. }), "{error}");
}

#[tokio::test]
#[should_panic(expected = "`app.example.org` is no absolute URL")]
async fn an_app_without_an_address() {
    let _ = TestBrowser::new(handlers(), "app.example.org");
}

#[tokio::test]
async fn a_user_whom_the_server_does_not_know() {
    let site = Site::start().await;
    let browser = TestBrowser::new(site.app.clone(), APP);
    let error = browser.sign_in_as(&site.cas, "/profile", "carol").await;
    let (error, text) = told(error.unwrap_err());
    assert!(matches!(error, VisitError::UnknownUser { .. }), "{error}");
    assert!(text.contains("`carol`"), "{text}");
    let error = site.cas.sign_in_as(&client(), APP, "carol").await;
    let error = error.unwrap_err();
    assert!(matches!(error, VisitError::UnknownUser { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_password() {
    let site = Site::start().await;
    let browser = TestBrowser::new(site.app.clone(), APP);
    let error = browser.sign_in_with(&site.cas, "/profile", "alice", "wrong");
    let (error, text) = told(error.await.unwrap_err());
    assert!(matches!(error, VisitError::WrongPassword { .. }), "{error}");
    assert!(
        text.contains("`alice`") && !text.contains("wrong\""),
        "{text}"
    );
    let url = listen(site.cas.url(), |config| config).await;
    for client in [client(), client_that_follows_nothing()] {
        let page = format!("{url}/profile");
        let error = site.cas.sign_in_with(&client, &page, "carol", "x").await;
        let error = error.unwrap_err();
        assert!(matches!(error, VisitError::WrongPassword { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_client_that_keeps_no_cookies() {
    let cas = server().start().await.unwrap();
    let url = listen(cas.url(), |config| config).await;
    let client = build(reqwest::Client::builder());
    let error = cas.sign_in(&client, &format!("{url}/profile")).await;
    let (error, text) = told(error.unwrap_err());
    assert!(matches!(error, VisitError::NoCookies), "{error}");
    assert!(text.contains("cookie_store(true)"), "{text}");
}

#[tokio::test]
async fn a_page_for_which_nobody_is_asked_to_sign_in() {
    let site = Site::start().await;
    let (error, text) = refused(&site, "/?a=secret").await;
    assert!(matches!(error, VisitError::NotAsked { .. }), "{error}");
    assert!(
        text.starts_with("`https://app.example.org/` was answered with 200 OK"),
        "{text}"
    );

    // Signed in at the app, and at the CAS server alone.
    let url = listen(site.cas.url(), |config| config).await;
    let other_url = listen(site.cas.url(), |config| config).await;
    for client in [client(), client_that_follows_nothing()] {
        let page = format!("{url}/profile");
        site.cas.sign_in(&client, &page).await.unwrap();
        for page in [page, format!("{other_url}/profile")] {
            let error = site.cas.sign_in(&client, &page).await.unwrap_err();
            assert!(matches!(error, VisitError::NotAsked { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn an_app_without_the_layer() {
    let cas = CasServer::start().await.unwrap();
    let browser = TestBrowser::new(handlers(), APP);
    let (error, text) = told(browser.sign_in(&cas, "/profile").await.unwrap_err());
    assert!(matches!(error, VisitError::NotAsked { .. }), "{error}");
    assert!(text.contains("500 Internal Server Error"), "{text}");
}

#[tokio::test]
async fn an_app_with_another_cas_server() {
    let site = Site::start().await;
    let other = CasServer::start().await.unwrap();
    let browser = TestBrowser::new(site.app.clone(), APP);
    let (error, text) = told(browser.sign_in(&other, "/profile").await.unwrap_err());
    assert!(matches!(error, VisitError::Elsewhere { .. }), "{error}");
    assert!(
        text.contains(&format!("`{}/login`", site.cas.url())),
        "{text}"
    );
    let url = listen(site.cas.url(), |config| config).await;
    let error = other.sign_in(&client(), &format!("{url}/profile")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, VisitError::Elsewhere { .. }), "{error}");
}

#[tokio::test]
async fn a_path_that_redirects_nobody() {
    let site = Site::start().await;
    let (error, _) = refused(&site, "/api").await;
    assert_eq!(page_of_layer(&error), (401, "sign-in-needed"));
    let url = listen(site.cas.url(), |config| config).await;
    let error = site.cas.sign_in(&client(), &format!("{url}/api")).await;
    assert_eq!(page_of_layer(&error.unwrap_err()), (401, "sign-in-needed"));
}

#[tokio::test]
async fn a_user_without_permission() {
    let site = Site::start().await;
    let browser = TestBrowser::new(site.app.clone(), APP);
    browser.sign_in(&site.cas, "/admin").await.unwrap();
    let browser = TestBrowser::new(site.app.clone(), APP);
    let error = browser.sign_in_as(&site.cas, "/admin", "bob").await;
    let (error, text) = told(error.unwrap_err());
    assert_eq!(page_of_layer(&error), (403, "not-allowed"));
    assert!(text.contains("may not open this page"), "{text}");
    // The session is there all the same.
    assert_eq!(browser.get("/profile").await.unwrap().text(), "Hello bob");
}

#[tokio::test]
async fn a_user_whom_the_app_does_not_admit_on_a_page_of_the_apps_own_design() {
    for own_page in [false, true] {
        let site = Site::with(|config| {
            let config = config
                .session(|session| session.map(|_| Err(Veto::new("Only <staff> may sign in."))));
            if own_page {
                config.pages(|pages| {
                    pages.rendered_by(|page, _| {
                        let html = format!("<h1>No</h1><p>{}</p>", page.veto()?.len());
                        Some(http::Response::new(html.into()))
                    })
                })
            } else {
                config
            }
        })
        .await;
        let (error, text) = refused(&site, "/profile").await;
        assert_eq!(page_of_layer(&error), (403, "sign-in-vetoed"));
        let shown = if own_page {
            "No 25"
        } else {
            "Only <staff> may sign in."
        };
        assert!(text.contains(shown), "{text}");
    }
}

#[tokio::test]
async fn a_cas_server_that_takes_its_ticket_back_or_fails() {
    let site = Site::start().await;
    site.cas.set_fault(Some(Fault::Status(500)));
    let (error, text) = refused(&site, "/profile").await;
    let (status, reason) = page_of_layer(&error);
    assert_eq!((status, reason), (502, "cas-unavailable"));
    assert!(
        text.starts_with(
            "the layer answers with 502 Bad Gateway (cas-unavailable): Sign-in unavailable"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn a_cas_server_that_does_not_serve_the_app() {
    let cas = server().start().await.unwrap();
    let url = format!("{}/login?service=app%3Ahome", cas.url());
    let (error, text) = told(cas.sign_in(&client(), &url).await.unwrap_err());
    assert!(matches!(error, VisitError::CasServer { .. }), "{error}");
    let expected =
        "the CAS server answers with 403 Forbidden: Service not served This server does not sign";
    assert!(text.starts_with(expected), "{text}");
}

#[tokio::test]
async fn redirects_without_end() {
    let site = Site::start().await;
    let (error, _) = refused(&site, "/circle").await;
    assert!(
        matches!(error, VisitError::TooManyRedirects { .. }),
        "{error}"
    );
    let url = listen(site.cas.url(), |config| config).await;
    for client in [client(), client_that_follows_nothing()] {
        let error = site.cas.sign_in(&client, &format!("{url}/circle")).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, VisitError::TooManyRedirects { .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nobody_there() {
    let site = Site::start().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/profile?ticket=ST-1", gone.local_addr().unwrap());
    drop(gone);
    let error = site.cas.sign_in(&client(), &url).await;
    let (error, text) = told(error.unwrap_err());
    let VisitError::NoAnswer { source, .. } = &error else {
        panic!("{error}");
    };
    assert!(!source.to_string().contains("ST-1"), "{source}");
    let (error, other_text) = refused(&site, &url).await;
    assert!(matches!(error, VisitError::NoAnswer { .. }), "{error}");
    assert_eq!(text, other_text);
}
