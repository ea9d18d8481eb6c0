//! A browser as far as cookies and redirects go. It follows nothing by itself.

use std::{net::SocketAddr, time::Duration};

use cookie::Cookie;
use reqwest::{ClientBuilder, Method, RequestBuilder, StatusCode, header::HeaderMap};
use tokio::time::sleep;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Where it leads without a click: a redirect at once, a page that goes on by itself after its time.
    pub(crate) async fn onward(&self) -> Option<String> {
        if let Some((delay, link)) = self.refresh() {
            sleep(delay).await;
            return Some(link);
        }
        let is_redirect = self.status.is_redirection();
        is_redirect.then(|| self.location().to_owned())
    }

    /// Where a page goes on by itself, as a browser does, and after how long. `None` for other answers.
    pub(crate) fn refresh(&self) -> Option<(Duration, String)> {
        let (seconds, url) = self
            .headers
            .get("refresh")?
            .to_str()
            .unwrap()
            .split_once("; url=")?;
        Some((
            Duration::from_secs(seconds.parse().unwrap()),
            url.to_owned(),
        ))
    }

    pub(crate) fn location(&self) -> &str {
        assert!(
            self.status.is_redirection(),
            "no redirect: {} {}",
            self.status,
            self.body
        );
        self.header("location")
    }

    pub(crate) fn set_cookies(&self) -> Vec<Cookie<'static>> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|set| Cookie::parse(set.to_str().unwrap().to_owned()).unwrap())
            .collect()
    }

    /// The value of a parameter of the redirect's query, decoded.
    pub(crate) fn location_parameter(&self, name: &str) -> Option<String> {
        parameter(self.location(), name)
    }
}

/// The form on a page that asks whether a sign-in is somebody's.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) action: String,
    pub(crate) sealed: String,
}

impl Question {
    /// What the form brings with the button of this value.
    pub(crate) fn form(&self, answer: &str) -> String {
        format!("cas_confirmation={}&cas_answer={answer}", self.sealed)
    }
}

impl Answer {
    /// What this page asks.
    pub(crate) fn question(&self) -> Question {
        let part = |before: &str| {
            let (_, rest) = self
                .body
                .split_once(before)
                .unwrap_or_else(|| panic!("no {before} in {} {}", self.status, self.body));
            rest.split('"').next().unwrap().to_owned()
        };
        Question {
            action: part("<form method=\"post\" action=\""),
            sealed: part("name=\"cas_confirmation\" value=\""),
        }
    }
}

pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn resolving(client: ClientBuilder, names: &[&str], address: SocketAddr) -> ClientBuilder {
    names
        .iter()
        .fold(client, |client, name| client.resolve(name, address))
}

/// Cookies of one host. Like a browser's, they do not know ports.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    http: reqwest::Client,
    pub(crate) cookies: Vec<Cookie<'static>>,
    /// Names that this browser refuses to store: all that contain one of these.
    pub(crate) refuses: Vec<&'static str>,
    /// Whether each cookie goes into a field of its own.
    splits_cookies: bool,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::with(|client| client)
    }

    /// Speaks HTTP/2 from the first byte and, like browsers there, sends every cookie in a field of its own.
    pub(crate) fn over_http2() -> Self {
        Self {
            splits_cookies: true,
            ..Self::with(ClientBuilder::http2_prior_knowledge)
        }
    }

    /// Finds these names at this address.
    pub(crate) fn finding(names: &[&str], address: SocketAddr) -> Self {
        Self::with(|client| resolving(client, names, address))
    }

    /// The same over HTTP/2.
    pub(crate) fn finding_over_http2(names: &[&str], address: SocketAddr) -> Self {
        Self {
            splits_cookies: true,
            ..Self::with(|client| resolving(client, names, address).http2_prior_knowledge())
        }
    }

    fn with(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        Self {
            http: change(client).build().unwrap(),
            cookies: Vec::new(),
            refuses: Vec::new(),
            splits_cookies: false,
        }
    }

    /// The values of the `Cookie` fields of a request for `path`.
    pub(crate) fn cookie_fields(&self, path: &str) -> Vec<String> {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .filter(|cookie| path.starts_with(cookie.path().unwrap_or("/")))
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        if self.splits_cookies || pairs.is_empty() {
            pairs
        } else {
            vec![pairs.join("; ")]
        }
    }

    /// The request of somebody who opens a page.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        self.send(
            self.request(Method::GET, url)
                .header("accept", "text/html,*/*;q=0.8"),
        )
        .await
    }

    /// Comes back from the CAS server, each time that the login for `service` begins again because its ticket was refused.
    /// Returns the answer after that, which is that to the third ticket at the latest.
    pub(crate) async fn insist(
        &mut self,
        service: &str,
        callback: impl Fn(&str) -> String,
    ) -> Answer {
        let app = url::Url::parse(service).unwrap();
        let mut answer = self.open(&callback(service)).await;
        while let Some(again) = answer.onward().await.filter(|it| it.contains("again=")) {
            answer = self.open(app.join(&again).unwrap().as_str()).await;
            if answer.status.is_redirection() {
                let service = answer.location_parameter("service").unwrap();
                answer = self.open(&callback(&service)).await;
            }
        }
        answer
    }

    /// The same with one ticket for all of them.
    pub(crate) async fn insist_with(&mut self, service: &str, ticket: &str) -> Answer {
        self.insist(service, |service| format!("{service}&ticket={ticket}"))
            .await
    }

    /// Presses the button of this value on a page of the app at `url`.
    pub(crate) async fn answer(&mut self, url: &str, question: &Question, answer: &str) -> Answer {
        let request = self.form(&format!("{url}{}", question.action), question.form(answer));
        let request = request
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        self.send(request).await
    }

    /// A form as browsers send it that say nothing of where it comes from.
    pub(crate) fn form(&self, url: &str, form: String) -> RequestBuilder {
        self.request(Method::POST, url)
            .header("accept", "text/html,*/*;q=0.8")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends with this browser's cookies and keeps what comes back.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let path = request.url().path().to_owned();
        let mut builder = RequestBuilder::from_parts(self.http.clone(), request);
        for field in self.cookie_fields(&path) {
            builder = builder.header("cookie", field);
        }
        let response = builder.send().await.unwrap();
        let answer = Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        };
        for cookie in answer.set_cookies() {
            self.keep(cookie);
        }
        answer
    }

    pub(crate) fn keep(&mut self, cookie: Cookie<'static>) {
        self.cookies.retain(|kept| kept.name() != cookie.name());
        let removed = cookie
            .max_age()
            .is_some_and(|age| age.is_zero() || age.is_negative());
        if !removed && !self.refuses.iter().any(|part| cookie.name().contains(part)) {
            self.cookies.push(cookie);
        }
    }

    /// The cookie whose name ends like this.
    pub(crate) fn cookie(&self, ending: &str) -> Option<&Cookie<'static>> {
        self.cookies
            .iter()
            .find(|cookie| cookie.name().ends_with(ending))
    }

    pub(crate) fn has_session(&self) -> bool {
        self.cookie("-session").is_some()
    }
}
