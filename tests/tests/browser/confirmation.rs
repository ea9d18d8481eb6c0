//! With a bare service URL: whoever is new to the browser is asked for their name.

use axum::{
    Router,
    response::{Html, Redirect},
    routing::get,
};
use cas_layer::{
    CasConfig, CasLayer, CasUser, Key,
    testing::{CasServer, User},
};
use cas_layer_tests::flow::{PASSWORD, USER};
use fantoccini::Locator;
use tokio::net::TcpListener;

use crate::{chromium::Chromium, driver::Driver};

/// Whose ticket another site has the browser bring.
const OTHER: &str = "mallory";

/// An app that shows its users who they are, and sends them away from its landing page.
async fn app(cas: &CasServer, away: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = CasConfig::builder(cas.url(), &url)
        .key(Key::generate())
        .sign_in(|sign_in| sign_in.bare_service_url(true))
        .build()
        .unwrap();
    let away = Redirect::to(away);
    let profile =
        async |user: CasUser| Html(format!("<!DOCTYPE html><p id=\"user\">{}</p>", user.name()));
    let router = Router::new()
        .route("/", get(async move || away))
        .route("/profile", get(profile))
        .layer(CasLayer::new(config));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Another site of one page.
async fn site(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let page = Html(format!("<!DOCTYPE html>{page}"));
    let router = Router::new().route("/", get(async move || page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A login that has begun, up to the CAS server's form.
async fn begin(browser: &Chromium, app: &str) {
    browser.open(&format!("{app}/logout")).await;
    browser.open(&format!("{app}/profile")).await;
    browser.shows_login_form().await;
}

pub(crate) async fn a_user_who_is_new_to_the_browser_confirms_their_name(driver: &Driver) {
    let cas = CasServer::builder()
        .user(User::new(USER, PASSWORD))
        .user(User::new(OTHER, PASSWORD))
        .start()
        .await
        .unwrap();
    let app = app(&cas, "/profile").await;
    let browser = Chromium::start(driver).await;
    let profile = format!("{app}/profile");

    browser.open(&profile).await;
    browser.send_login_form().await;
    browser.shows("h1", "Is this you?").await;
    browser.shows("strong", USER).await;
    browser.keep_picture("confirmation").await;
    browser.click("button[value=continue]").await;
    browser.shows_profile().await;
    assert_eq!(browser.url().await.as_str(), profile);

    // Known from now on, through a sign-out.
    begin(&browser, &app).await;
    browser.send_login_form().await;
    browser.shows_profile().await;

    // Somebody has this browser come back with a ticket of their own.
    let service = format!("{app}/login");
    let foreign = || format!("{service}?ticket={}", cas.issue_ticket(OTHER, &service));
    begin(&browser, &app).await;
    browser.open(&foreign()).await;
    browser.shows("h1", "Is this you?").await;
    browser.shows("strong", OTHER).await;
    browser.keep_picture("confirmation-foreign").await;
    // It is not them, so the CAS server asks who it is, and the way leads to where it led.
    browser.click("button[value=other]").await;
    browser.shows_login_form().await;
    assert!(browser.url().await.as_str().starts_with(cas.url()));
    browser.send_login_form().await;
    browser.shows_profile().await;
    assert_eq!(browser.url().await.as_str(), profile);

    browser.close().await;
}

pub(crate) async fn a_page_of_a_sibling_cannot_frame_the_question(driver: &Driver) {
    let cas = CasServer::builder()
        .user(User::new(OTHER, PASSWORD))
        .start()
        .await
        .unwrap();
    let app = app(&cas, "/profile").await;
    let service = format!("{app}/login");
    let ticket = cas.issue_ticket(OTHER, &service);
    // The same host at another port is the same site, so cookies come along.
    let trap = site(format!(
        "<h1>Win</h1><iframe src=\"{service}?ticket={ticket}\"></iframe>"
    ))
    .await;
    let browser = Chromium::start(driver).await;
    begin(&browser, &app).await;
    browser.open(&trap).await;
    browser.shows("h1", "Win").await;
    let frame = browser.client.find(Locator::Css("iframe")).await.unwrap();
    frame.enter_frame().await.unwrap();
    assert!(!browser.has("button[value=continue]").await);
    assert_eq!(cas.validations(), 1, "it was the question");
    browser.close().await;
}

/// Chromium holds a page's `form-action` against every redirect behind its form.
pub(crate) async fn a_confirmation_leads_to_wherever_the_app_sends_its_users(driver: &Driver) {
    let cas = CasServer::builder()
        .user(User::new(USER, PASSWORD))
        .start()
        .await
        .unwrap();
    let app = app(&cas, &site("<h1>Elsewhere</h1>".to_owned()).await).await;
    let browser = Chromium::start(driver).await;
    browser.open(&format!("{app}/login")).await;
    browser.send_login_form().await;
    browser.shows("h1", "Is this you?").await;
    browser.click("button[value=continue]").await;
    browser.shows("h1", "Elsewhere").await;
    browser.close().await;
}
