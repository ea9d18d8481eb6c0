//! A browser without pictures: cookies, links, forms, and redirects one at a time.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, StatusCode,
    cookie::{CookieStore as _, Jar},
    header::{ACCEPT, HeaderMap, LOCATION},
    redirect::Policy,
};
use scraper::{Html, Selector};
use serde_json::Value;
use tokio::time::sleep;
use url::Url;

/// What browsers send for a page.
const PAGE: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/// Every browser says what it is, and Apereo CAS signs in none that does not.
const USER_AGENT: &str = "Mozilla/5.0 (cas-layer tests)";

/// More redirects than any sign-in takes.
const MAX_HOPS: usize = 10;

/// Somebody with a browser of their own.
#[derive(Debug)]
pub struct Visitor {
    client: Client,
    jar: Arc<Jar>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Where it came from.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub body: String,
    /// The redirects that led here, in order.
    pub hops: Vec<Url>,
}

impl Visitor {
    /// A visitor without cookies.
    #[must_use]
    #[allow(
        clippy::new_without_default,
        reason = "a visitor is someone, not a default"
    )]
    pub fn new() -> Self {
        Self::with(Client::builder())
    }

    /// A visitor without cookies, with a client of a special kind.
    #[must_use]
    pub fn with(client: ClientBuilder) -> Self {
        let jar = Arc::new(Jar::default());
        let client = client
            .cookie_provider(Arc::clone(&jar))
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, jar }
    }

    /// What sends the requests. It keeps this visitor's cookies, and follows no redirects.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// One request for a page, no redirect followed.
    pub async fn get(&self, url: &str) -> Answer {
        answer(self.request(Method::GET, url).header(ACCEPT, PAGE)).await
    }

    /// One request for JSON.
    pub async fn get_json(&self, url: &str) -> Answer {
        answer(
            self.request(Method::GET, url)
                .header(ACCEPT, "application/json"),
        )
        .await
    }

    /// A request for [`answer`] to send, with this visitor's cookies and nothing else.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Asks for a page and follows redirects to the end.
    pub async fn open(&self, url: &str) -> Answer {
        let first = self.get(url).await;
        self.follow(first).await
    }

    /// Follows redirects, and pages that go on by themselves, to the end.
    pub async fn follow(&self, mut current: Answer) -> Answer {
        let mut hops = Vec::new();
        while let Some(next) = current.onward().await {
            assert!(hops.len() < MAX_HOPS, "redirects in a circle: {hops:#?}");
            current = self.get(next.as_str()).await;
            hops.push(next);
        }
        current.hops = hops;
        current
    }

    /// Fills in the one form of a page and sends it; redirects are not followed.
    pub async fn send_form(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let (action, mut values) = page.form();
        for (name, value) in fields {
            values.retain(|(known, _)| known != name);
            values.push(((*name).to_owned(), (*value).to_owned()));
        }
        answer(
            self.request(Method::POST, action.as_str())
                .header(ACCEPT, PAGE)
                .form(&values),
        )
        .await
    }

    /// The cookies that would be sent to `url`, as `name=value` pairs.
    #[must_use]
    pub fn cookies(&self, url: &str) -> Vec<(String, String)> {
        let url = Url::parse(url).expect("a URL");
        let header = self.jar.cookies(&url);
        let text = header
            .as_ref()
            .map_or("", |value| value.to_str().expect("plain cookies"));
        text.split("; ")
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Takes a cookie over from somebody else.
    pub fn take_cookie(&self, url: &str, name: &str, value: &str) {
        let url = Url::parse(url).expect("a URL");
        self.jar
            .add_cookie_str(&format!("{name}={value}; Path=/"), &url);
    }
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Where it leads without a click: a redirect at once, a page that goes on by itself after its time.
    pub async fn onward(&self) -> Option<Url> {
        if self.status.is_redirection() {
            return Some(self.location());
        }
        let (seconds, link) = self.header("refresh").split_once("; url=")?;
        let seconds = seconds.parse().expect("a number of seconds");
        sleep(Duration::from_secs(seconds)).await;
        Some(self.url.join(link).expect("a URL"))
    }

    /// Where a redirect leads.
    #[must_use]
    pub fn location(&self) -> Url {
        let location = self
            .headers
            .get(LOCATION)
            .expect("a redirect says where to");
        self.url
            .join(location.to_str().expect("a plain Location"))
            .expect("a URL")
    }

    /// A header, empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a plain header"))
    }

    /// Whether the page has a form that asks for a password.
    #[must_use]
    pub fn asks_for_password(&self) -> bool {
        self.text_of("form input[type=password]").is_some()
    }

    /// Whether the page has a form with a field of that name.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        self.text_of(&format!("form input[name={name}]")).is_some()
    }

    /// The text of the first element that the CSS selector finds.
    #[must_use]
    pub fn text_of(&self, selector: &str) -> Option<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let document = Html::parse_document(&self.body);
        document
            .select(&selector)
            .next()
            .map(|element| element.text().collect())
    }

    /// The target of the one form of the page, and the fields as they are filled in.
    fn form(&self) -> (Url, Vec<(String, String)>) {
        let document = Html::parse_document(&self.body);
        let selector = |css| Selector::parse(css).expect("a selector");
        let form = document
            .select(&selector("form"))
            .next()
            .unwrap_or_else(|| panic!("{} has a form: {}", self.url, self.body));
        let action = self
            .url
            .join(form.attr("action").unwrap_or_default())
            .expect("a URL");
        let inputs = selector("input[name]:not([type=checkbox])");
        let values = form.select(&inputs).map(|input| {
            let value = |name| input.attr(name).unwrap_or_default().to_owned();
            (value("name"), value("value"))
        });
        (action, values.collect())
    }
}

/// Sends a request and reads the answer.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let url = response.url().clone();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.expect("a body");
    Answer {
        url,
        status,
        headers,
        body,
        hops: Vec::new(),
    }
}
