//! The app in a frame of another site. Portal, app and CAS server are three sites to Chromium, and it keeps no cookies
//! of a site in the frames of another, unless they are partitioned.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    response::Html,
    routing::{get, post},
};
use cas_layer::{
    CasConfig, CasConfigBuilder, CasLayer, CasUser, Key,
    testing::{CasServer, Quirk, User},
};
use cas_layer_tests::flow::{PASSWORD, USER};
use fantoccini::Locator;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{chromium::Chromium, driver::Driver};

/// Of those that reached the app.
#[derive(Debug, Default)]
struct Requests {
    pages: AtomicUsize,
    orders: AtomicUsize,
}

struct Site {
    cas: CasServer,
    app: String,
    requests: Arc<Requests>,
}

/// Pages of a site, by path, each in place before it is asked for.
struct Pages {
    url: String,
    listener: TcpListener,
}

impl Pages {
    /// Browsers take each name below `localhost` for another site on this machine.
    async fn at(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            url: format!("http://{name}.localhost:{port}"),
            listener,
        }
    }

    fn show(self, page: &str) -> String {
        let page = Html(format!("<!DOCTYPE html><h1>Outside</h1>{page}"));
        let router = Router::new().route("/", get(async move || page));
        tokio::spawn(async move { axum::serve(self.listener, router).await });
        self.url
    }
}

impl Site {
    /// An app, and a portal that may frame it.
    async fn start() -> (Self, Pages) {
        Self::with(|config, portal| config.session(|session| session.framed_by([portal]))).await
    }

    async fn with(
        configure: impl FnOnce(CasConfigBuilder, String) -> CasConfigBuilder,
    ) -> (Self, Pages) {
        let cas = CasServer::builder()
            .user(User::new(USER, PASSWORD))
            .quirk(Quirk::Framed)
            .start()
            .await
            .unwrap();
        let (portal, app) = (Pages::at("portal").await, Pages::at("app").await);
        let config = CasConfig::builder(cas.url(), &app.url)
            .key(Key::generate())
            .public("/public");
        let config = configure(config, portal.url.clone()).build().unwrap();
        let requests = Arc::new(Requests::default());
        let router = Router::new()
            .route("/public", get(public))
            .route("/profile", get(profile))
            .route("/order", post(order))
            .with_state(Arc::clone(&requests))
            .layer(CasLayer::new(config));
        tokio::spawn(async move { axum::serve(app.listener, router).await });
        let site = Self {
            cas,
            app: app.url,
            requests,
        };
        (site, portal)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.app)
    }

    fn orders(&self) -> usize {
        self.requests.orders.load(Ordering::SeqCst)
    }
}

async fn public(State(requests): State<Arc<Requests>>) -> Html<&'static str> {
    requests.pages.fetch_add(1, Ordering::SeqCst);
    Html("<!DOCTYPE html><h1>For everybody</h1>")
}

async fn profile(user: CasUser) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><p id=\"user\">{}</p><a id=\"logout\" href=\"/logout\">Sign out</a>\
         <form method=\"post\" action=\"/order\"><button id=\"own\">Order</button></form>",
        user.name()
    ))
}

async fn order(State(requests): State<Arc<Requests>>, user: CasUser) -> Html<String> {
    requests.orders.fetch_add(1, Ordering::SeqCst);
    Html(format!(
        "<!DOCTYPE html><h1>Ordered for {}</h1>",
        user.name()
    ))
}

fn framed(url: &str) -> String {
    format!("<iframe name=\"app\" width=\"900\" height=\"700\" src=\"{url}\"></iframe>")
}

/// With or without cookies of other sites in frames, those that are not partitioned.
async fn with_foreign_cookies(driver: &Driver, are_allowed: bool) -> Chromium {
    let preferences = json!({
        "profile.block_third_party_cookies": !are_allowed,
        "profile.cookie_controls_mode": u8::from(!are_allowed),
    });
    Chromium::start_with(driver, preferences).await
}

async fn enter_frame(browser: &Chromium) {
    let frame = browser.client.find(Locator::Css("iframe")).await.unwrap();
    frame.enter_frame().await.unwrap();
}

/// Opens a page, and enters the frame that is on it.
async fn open_frame(browser: &Chromium, url: &str) {
    browser.open(url).await;
    browser.shows("h1", "Outside").await;
    enter_frame(browser).await;
}

/// Chromium puts a page of its own in place of one that must not be framed.
async fn assert_is_blocked(browser: &Chromium) {
    let page = Locator::Css("body.neterror");
    browser.client.wait().for_element(page).await.unwrap();
}

pub(crate) async fn a_user_signs_in_and_out_in_a_frame_of_a_portal(driver: &Driver) {
    let (site, portal) = Site::start().await;
    let profile = site.at("/profile");
    let portal = portal.show(&framed(&profile));
    let browser = with_foreign_cookies(driver, false).await;

    open_frame(&browser, &portal).await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.keep_picture("frame").await;
    assert_eq!(site.cas.validations(), 1);

    open_frame(&browser, &portal).await;
    browser.shows_profile().await;
    browser.click("#own").await;
    browser.shows("h1", &format!("Ordered for {USER}")).await;

    // A tab of its own is another place to the browser, with cookies of its own.
    browser.open(&profile).await;
    browser.shows_login_form().await;

    open_frame(&browser, &portal).await;
    browser.click("#logout").await;
    browser.shows("h1", "Signed out").await;
    open_frame(&browser, &portal).await;
    browser.shows_login_form().await;
    assert_eq!(site.cas.validations(), 1);
    browser.close().await;
}

pub(crate) async fn a_sign_in_in_a_frame_without_the_setting_leads_to_nothing(driver: &Driver) {
    let (site, portal) = Site::with(|config, _| config).await;
    let portal = portal.show(&framed(&site.at("/profile")));
    let browser = Chromium::start(driver).await;
    open_frame(&browser, &portal).await;
    browser.send_login_form().await;
    assert_is_blocked(&browser).await;
    assert_eq!(site.cas.validations(), 0);
    browser.close().await;
}

/// Where the browser still sends the CAS server's own cookie in a frame.
pub(crate) async fn a_session_at_a_cas_server_that_cannot_be_framed_is_enough(driver: &Driver) {
    let (site, portal) = Site::start().await;
    site.cas.set_quirks([Quirk::ThirdPartyCookies]);
    let portal = portal.show(&framed(&site.at("/profile")));
    let browser = with_foreign_cookies(driver, true).await;
    open_frame(&browser, &portal).await;
    assert_is_blocked(&browser).await;

    browser.open(&format!("{}/login", site.cas.url())).await;
    browser.send_login_form().await;
    browser.shows("h1", "Signed in").await;
    open_frame(&browser, &portal).await;
    browser.shows_profile().await;
    browser.close().await;
}

pub(crate) async fn a_site_that_is_not_named_cannot_frame_the_app(driver: &Driver) {
    let (site, portal) = Site::start().await;
    let framed = framed(&site.at("/public"));
    let portal = portal.show(&framed);
    let other = Pages::at("other").await.show(&framed);
    let browser = Chromium::start(driver).await;

    open_frame(&browser, &portal).await;
    browser.shows("h1", "For everybody").await;
    open_frame(&browser, &other).await;
    assert_is_blocked(&browser).await;
    assert_eq!(site.requests.pages.load(Ordering::SeqCst), 2);
    browser.close().await;
}

/// Nor can one sign its visitors in and look over their shoulders.
pub(crate) async fn a_sign_in_in_a_frame_of_a_site_that_is_not_named_shows_nothing(
    driver: &Driver,
) {
    let (site, _) = Site::start().await;
    let framed = framed(&site.at("/profile"));
    let other = Pages::at("other").await.show(&framed);
    let browser = Chromium::start(driver).await;
    open_frame(&browser, &other).await;
    browser.send_login_form().await;
    assert_is_blocked(&browser).await;
    browser.close().await;
}

pub(crate) async fn a_form_of_another_site_has_no_session_in_a_tab_or_a_frame(driver: &Driver) {
    let (site, portal) = Site::start().await;
    let form = |target| {
        format!(
            "<form method=\"post\" target=\"{target}\" action=\"{}\"><button id=\"forged\">Win</button></form>",
            site.at("/order")
        )
    };
    let (in_tab, in_frame) = (form("_self"), form("app"));
    let profile = site.at("/profile");
    let portal_page = format!("{in_frame}{}", framed(&profile));
    let other = Pages::at("other").await.show(&in_tab);
    let browser = Chromium::start(driver).await;

    // In a tab.
    browser.open(&profile).await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.click("#own").await;
    browser.shows("h1", &format!("Ordered for {USER}")).await;
    browser.open(&other).await;
    browser.click("#forged").await;
    browser.shows("h1", "Sign-in needed").await;
    assert_eq!(site.orders(), 1);
    browser.open(&profile).await;
    browser.shows_profile().await;

    // In a frame of the portal, whose own form is a foreign one too.
    let portal = portal.show(&portal_page);
    open_frame(&browser, &portal).await;
    browser.send_login_form().await;
    browser.shows_profile().await;
    browser.client.clone().enter_parent_frame().await.unwrap();
    browser.click("#forged").await;
    enter_frame(&browser).await;
    browser.shows("h1", "Sign-in needed").await;
    assert_eq!(site.orders(), 1);
    browser.close().await;
}
