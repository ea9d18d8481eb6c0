//! A browser for an app that has no socket.

mod app;
mod page;

use std::{fmt, sync::Arc, time::Duration};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body::Body;
pub use page::TestPage;
use reqwest::{
    cookie::{CookieStore as _, Jar},
    redirect::Policy,
};
use tower::Service;
use url::{Position, Url};

use self::app::{App, BoxError};
use super::{
    CasServer, loopback,
    navigate::{Client, PAGE, Step, VisitError, address, open},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// How long a server on loopback may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser for tests, which calls the app as a service, without a socket: it keeps cookies, sends the header fields
/// that browsers send (`Accept`, `Sec-Fetch-*`, `Origin`), and follows redirects.
///
/// The app is whatever is below its layers, and the layers themselves: an axum `Router`, or any other tower service for
/// requests with a body of axum's. Other bodies are for [`with_body`](Self::with_body). The app has its public URL, such as
/// `https://app.example.org`, and nobody has to listen there. What leads to a server on loopback, as the
/// [`CasServer`], goes there over a socket. Anything else is [`VisitError::Elsewhere`].
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use cas_layer::{CasConfig, CasLayer, CasUser, Key};
/// use cas_layer::testing::{CasServer, TestBrowser};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let cas = CasServer::start().await?;
/// let config = CasConfig::builder(cas.url(), "https://app.example.org").key(Key::generate()).build()?;
/// let app = Router::new()
///     .route("/profile", get(async |user: CasUser| format!("Hello {}", user.name())))
///     .route("/name", post(async |form: String| form))
///     .layer(CasLayer::new(config));
///
/// let browser = TestBrowser::new(app, "https://app.example.org");
/// assert_eq!(browser.sign_in(&cas, "/profile").await?.text(), "Hello casuser");
/// assert_eq!(browser.get("/profile").await?.text(), "Hello casuser");
/// assert_eq!(browser.post("/name", &[("first", "Zoë")]).await?.text(), "first=Zo%C3%AB");
///
/// browser.get("/logout").await?;
/// let page = browser.get("/profile").await?;
/// assert!(page.url().starts_with(cas.url()), "{}", page.url());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A browser is one visitor. For another one, make another browser for a clone of the app.
///
/// # What it leaves out
///
/// It runs no scripts, loads no images, and follows no `Refresh`. It takes no notice of `SameSite`. An answer is read to its end,
/// so one that never ends is not for this browser. The [`CasServer`] sends logout requests over sockets, so they do not
/// reach an app without one: test single logout with a client of reqwest and [`CasServer::sign_in`].
pub struct TestBrowser {
    app: App,
    home: Url,
    jar: Arc<Jar>,
    http: reqwest::Client,
}

impl TestBrowser {
    /// A browser without cookies, for an app with this public URL, which is that of its
    /// [configuration](crate::CasConfig::builder).
    ///
    /// # Panics
    ///
    /// If `app_url` is no absolute URL of http or https.
    #[must_use]
    pub fn new<S, R>(app: S, app_url: &str) -> Self
    where
        S: Service<Request<AxumBody>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        R: Body<Data: Send, Error: Into<BoxError>> + Send,
    {
        Self::with_body::<AxumBody, S, R>(app, app_url)
    }

    /// The same for a service that takes requests with another body:
    /// `TestBrowser::with_body::<Full<Bytes>, _, _>(service, url)`.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[must_use]
    pub fn with_body<B, S, R>(app: S, app_url: &str) -> Self
    where
        B: From<Bytes>,
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        R: Body<Data: Send, Error: Into<BoxError>> + Send,
    {
        let home = match address(app_url) {
            Ok(home) => home,
            Err(error) => panic!("{error}"),
        };
        let jar = Arc::new(Jar::default());
        let http = reqwest::Client::builder()
            .cookie_provider(Arc::clone(&jar))
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .no_proxy()
            .build();
        let http = match http {
            Ok(http) => http,
            Err(error) => panic!("no HTTP client: {error}"),
        };
        Self {
            app: App::of(app),
            home,
            jar,
            http,
        }
    }

    /// Opens a page, as if somebody typed its address, and follows redirects to the end. `path` is a path of the app's
    /// host, or a whole URL.
    ///
    /// Without a session, a page that requires a user leads to the CAS server's login form.
    ///
    /// # Errors
    ///
    /// There is no such page: [`VisitError`].
    pub async fn get(&self, path: &str) -> Result<TestPage, VisitError> {
        open(self, Step::to(self.address(path)?)).await
    }

    /// Posts a form of a page of the app, and follows redirects to the end.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<TestPage, VisitError> {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let form = form.iter().map(owned).collect();
        let step = Step::with_form(self.address(path)?, form, self.home.clone());
        open(self, step).await
    }

    /// Sends any other request, as a script of the app's own page does: `fetch`, htmx, JSON. Redirects are not followed.
    ///
    /// The browser adds its cookies, and fields that the request does not have: `Accept: */*`, `Sec-Fetch-Mode: cors`,
    /// `Sec-Fetch-Dest: empty`, `Sec-Fetch-Site: same-origin`, and `Origin` unless it is a `GET` or `HEAD`. The URI is a
    /// path of the app's host, or a whole URL.
    ///
    /// ```
    /// # use axum::http;
    /// # use cas_layer::testing::{TestBrowser, VisitError};
    /// # async fn part(browser: &TestBrowser) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http::Request::get("/news").header("hx-request", "true").body("")?;
    /// let answer = browser.send(request).await?;
    /// assert_eq!(answer.status(), 401);
    /// assert!(answer.headers().contains_key("hx-redirect"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn send(&self, request: Request<impl Into<Bytes>>) -> Result<TestPage, VisitError> {
        let (parts, body) = request.into_parts();
        let url = self.address(&parts.uri.to_string())?;
        let mut headers = parts.headers;
        let mut by_default = |name: HeaderName, value: &'static str| {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        };
        by_default(header::ACCEPT, "*/*");
        if is_trustworthy(&url) {
            by_default(SEC_FETCH_MODE, "cors");
            by_default(SEC_FETCH_DEST, "empty");
            by_default(SEC_FETCH_SITE, site(&self.home, &url));
        }
        if ![Method::GET, Method::HEAD].contains(&parts.method)
            && !headers.contains_key(header::ORIGIN)
        {
            headers.extend(origin(&self.home));
        }
        self.deliver(parts.method, url, headers, body.into()).await
    }

    /// Opens `path`, is sent to the CAS server, signs its first user in at the login form, and comes back to the page that
    /// was asked for. See [`CasServer::sign_in`], which does the same over sockets.
    ///
    /// # Errors
    ///
    /// A [`VisitError`] for each way in which this can go wrong.
    pub async fn sign_in(&self, cas: &CasServer, path: &str) -> Result<TestPage, VisitError> {
        self.sign_in_as(cas, path, cas.first_user()).await
    }

    /// The same as another user of the CAS server.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_in_as(
        &self,
        cas: &CasServer,
        path: &str,
        user: &str,
    ) -> Result<TestPage, VisitError> {
        let password = cas.password_of(user)?;
        self.sign_in_with(cas, path, user, password).await
    }

    /// The same with a password of your own, which may be wrong.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](Self::sign_in).
    pub async fn sign_in_with(
        &self,
        cas: &CasServer,
        path: &str,
        user: &str,
        password: &str,
    ) -> Result<TestPage, VisitError> {
        cas.lead(self, self.address(path)?, user, password).await
    }

    /// The cookies that the browser would send to the app, as pairs of name and value. The session's is named
    /// [`CasConfig::cookie_name`](crate::CasConfig::cookie_name).
    #[must_use]
    pub fn cookies(&self) -> Vec<(String, String)> {
        let field = self.jar.cookies(&self.home);
        let pairs = field.iter().filter_map(|field| field.to_str().ok());
        pairs
            .flat_map(|text| text.split("; "))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn address(&self, path: &str) -> Result<Url, VisitError> {
        match self.home.join(path) {
            Ok(url) => address(url.as_str()),
            Err(_) => address(path),
        }
    }

    /// Sends a request to where it belongs, and keeps the cookies that come back.
    async fn deliver(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<TestPage, VisitError> {
        if url.origin() == self.home.origin() {
            return self.ask_app(method, url, headers, body).await;
        }
        if loopback::url(url.as_str()).is_none() {
            return Err(VisitError::elsewhere(&url));
        }
        let request = self.http.request(method, url.clone());
        let failed = |error: reqwest::Error| VisitError::no_answer(&url, error.without_url());
        let answer = request.headers(headers).body(body).send().await;
        let answer = answer.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(failed)?;
        Ok(TestPage::new(url, status, headers, body))
    }

    async fn ask_app(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<TestPage, VisitError> {
        let mut request = Request::builder()
            .method(method)
            .uri(&url[Position::BeforePath..Position::AfterQuery])
            .header(
                header::HOST,
                &url[Position::BeforeHost..Position::AfterPort],
            )
            .body(body)
            .map_err(|error| VisitError::no_answer(&url, error))?;
        request.headers_mut().extend(headers);
        if let Some(cookies) = self.jar.cookies(&url) {
            request.headers_mut().insert(header::COOKIE, cookies);
        }
        let response = self.app.answer(request).await;
        let response = response.map_err(|error| VisitError::no_answer(&url, error))?;
        let (parts, body) = response.into_parts();
        let mut cookies = parts.headers.get_all(header::SET_COOKIE).iter();
        self.jar.set_cookies(&mut cookies, &url);
        Ok(TestPage::new(url, parts.status, parts.headers, body))
    }
}

impl Client for TestBrowser {
    type Answer = TestPage;

    async fn send(&self, step: &Step) -> Result<TestPage, VisitError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(PAGE));
        if is_trustworthy(&step.url) {
            for (name, value) in [
                (SEC_FETCH_MODE, "navigate"),
                (SEC_FETCH_DEST, "document"),
                (SEC_FETCH_SITE, site_of(step)),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let Some(body) = step.body() else {
            return self
                .deliver(Method::GET, step.url.clone(), headers, Bytes::new())
                .await;
        };
        headers.extend(step.from.as_ref().and_then(origin));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        self.deliver(Method::POST, step.url.clone(), headers, body.into())
            .await
    }
}

/// Browsers say more to those that nobody on the way can listen to (Secure Contexts, section 3.1).
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || loopback::url(url.as_str()).is_some()
}

/// The value of `Sec-Fetch-Site`: the greatest distance on the way (Fetch Metadata, section 2.3).
fn site_of(step: &Step) -> &'static str {
    let Some(from) = &step.from else {
        return "none";
    };
    let way = step.through.iter().chain([&step.url]);
    let sites: Vec<_> = way.map(|url| site(from, url)).collect();
    let farthest = ["cross-site", "same-site", "same-origin"];
    let mut farthest = farthest.into_iter().filter(|site| sites.contains(site));
    farthest.next().unwrap_or("same-origin")
}

/// Where `to` is, seen from `from`. Names below the same domain count as two sites here.
fn site(from: &Url, to: &Url) -> &'static str {
    if from.origin() == to.origin() {
        "same-origin"
    } else if from.scheme() == to.scheme() && from.host() == to.host() {
        "same-site"
    } else {
        "cross-site"
    }
}

fn origin(from: &Url) -> Option<(HeaderName, HeaderValue)> {
    let origin = HeaderValue::try_from(from.origin().ascii_serialization()).ok()?;
    Some((header::ORIGIN, origin))
}

/// Without cookies.
impl fmt::Debug for TestBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestBrowser")
            .field("home", &self.home.as_str())
            .finish_non_exhaustive()
    }
}
