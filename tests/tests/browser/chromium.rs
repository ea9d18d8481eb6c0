//! One browser with a fresh profile.

use std::{env, fs, path::Path};

use cas_layer_tests::{
    demo::Demo,
    flow::{PASSWORD, USER},
};
use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::driver::Driver;

/// Chromium must not wait for what a test machine has not got: no sandbox for root, no GPU, nothing
/// fetched in the background.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,850",
];

/// A browser of its own. [`Chromium::close`] ends it; chromedriver ends those that a failed test
/// leaves behind.
#[derive(Debug)]
pub(crate) struct Chromium {
    pub(crate) client: Client,
    _profile: TempDir,
}

impl Chromium {
    pub(crate) async fn start(driver: &Driver) -> Self {
        Self::start_with(driver, json!({})).await
    }

    /// With preferences, by the names that Chromium keeps them under.
    pub(crate) async fn start_with(driver: &Driver, preferences: Value) -> Self {
        let profile = TempDir::new().unwrap();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({ "args": flags, "prefs": preferences });
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(driver.url())
            .await
            .expect("Chromium starts");
        Self {
            client,
            _profile: profile,
        }
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn url(&self) -> Url {
        self.client.current_url().await.unwrap()
    }

    /// Waits until the page has an element, named as in `XPath`, with this text alone in it.
    pub(crate) async fn shows(&self, element: &str, text: &str) {
        let path = format!("//{element}[normalize-space()='{text}']");
        if let Err(error) = self.client.wait().for_element(Locator::XPath(&path)).await {
            let (url, source) = (self.url().await, self.client.source().await.unwrap());
            panic!("no {path} at {url}: {error}\n{source}");
        }
    }

    /// Waits until the profile is there.
    pub(crate) async fn shows_profile(&self) {
        self.shows("*[@id='user']", USER).await;
    }

    /// Waits until a CAS server asks for a password.
    pub(crate) async fn shows_login_form(&self) {
        let password = Locator::Css("input[type=password]");
        if let Err(error) = self.client.wait().for_element(password).await {
            panic!("no login form at {}: {error}", self.url().await);
        }
    }

    pub(crate) async fn has(&self, css: &str) -> bool {
        !self
            .client
            .find_all(Locator::Css(css))
            .await
            .unwrap()
            .is_empty()
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self
            .client
            .wait()
            .for_element(Locator::Css(css))
            .await
            .unwrap();
        element.click().await.unwrap();
    }

    /// Fills in the login form of a CAS server, and sends it as a person would.
    pub(crate) async fn send_login_form(&self) {
        for (css, text) in [
            ("input[name=username]", USER),
            ("input[name=password]", PASSWORD),
        ] {
            let field = self
                .client
                .wait()
                .for_element(Locator::Css(css))
                .await
                .unwrap();
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
        }
        self.click("form button[type=submit]").await;
    }

    /// Opens the profile, and signs in for it.
    pub(crate) async fn sign_in(&self, demo: &Demo, path: &str) {
        self.open(&demo.url(path)).await;
        assert!(
            self.url().await.as_str().starts_with(demo.cas_url()),
            "{}",
            self.url().await
        );
        self.send_login_form().await;
        self.shows_profile().await;
    }

    /// A command of Chromium's own protocol, which `WebDriver` has no word for.
    pub(crate) async fn command(&self, name: &str, parameters: Value) {
        let command = Command(json!({ "cmd": name, "params": parameters }));
        self.client.issue_cmd(command).await.unwrap();
    }

    /// Keeps a picture of what is shown, as a build artefact.
    pub(crate) async fn keep_picture(&self, name: &str) {
        let picture = self.client.screenshot().await.unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "a PNG");
        let directory = env::var_os("CAS_TESTS_ARTIFACTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts"),
            Into::into,
        );
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{name}.png")), picture).unwrap();
    }
}

#[derive(Debug)]
struct Command(Value);

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}
