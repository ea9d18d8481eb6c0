//! Over real sockets, as a browser and a service would.

mod by_hand;
mod contract;
mod dialects;
mod faults;
mod front_channel;
mod logout_quirks;
mod logs;
mod proxy;
mod quirks;
mod receiver;
mod rest;
mod saml;
mod server;
mod sign_in;
mod sign_out;
mod single_logout;
mod tls;
mod validation;
mod visiting;

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode, header};
use reqwest::Client;
use reqwest::redirect::Policy;
use url::Url;

use super::{CasServer, Fault, FrontChannel, LoginRequest, Quirk, User};
use receiver::{Heard, Message, Receiver};

const SERVICE: &str = "https://app.example.org/login?next=/profile";

/// A response, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Where a 302 leads.
    #[track_caller]
    fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::FOUND, "{}", self.body);
        self.header(header::LOCATION).unwrap()
    }

    /// The ticket in the URL where a 302 leads.
    #[track_caller]
    fn ticket(&self) -> String {
        let url = Url::parse(self.location()).unwrap();
        let (_, ticket) = url
            .query_pairs()
            .filter(|(name, _)| name == "ticket" || name == "SAMLart")
            .last()
            .unwrap();
        ticket.into_owned()
    }

    /// The value of a hidden field, as a browser would send it.
    fn hidden(&self, name: &str) -> Option<String> {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start)?;
        let (value, _) = rest.split_once('"').unwrap();
        let value = value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"");
        Some(value.replace("&#39;", "'").replace("&amp;", "&"))
    }

    fn is_login_form(&self) -> bool {
        self.body.contains("name=\"password\"")
    }

    fn set_cookie(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.get_all(header::SET_COOKIE).iter();
        fields.find_map(|field| {
            field
                .to_str()
                .unwrap()
                .strip_prefix(name)
                .filter(|rest| rest.starts_with('='))
        })
    }
}

fn client() -> Client {
    // Without root certificates: reading those of the system takes longer than most tests.
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// Waits for what is due at once; fails where a test would hang without it.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let minute = std::time::Duration::from_secs(60);
    tokio::time::timeout(minute, what)
        .await
        .expect("it does not come")
}

async fn get(url: impl reqwest::IntoUrl) -> Answer {
    Answer::of(client().get(url).send().await.unwrap()).await
}

/// The URL of an endpoint with these parameters.
fn url(cas: &CasServer, path: &str, params: &[(&str, &str)]) -> Url {
    Url::parse_with_params(&format!("{}{path}", cas.url()), params).unwrap()
}

/// Asks a validation endpoint about a ticket.
async fn validate(cas: &CasServer, path: &str, service: &str, ticket: &str) -> Answer {
    get(url(cas, path, &[("service", service), ("ticket", ticket)])).await
}

/// Follows no redirects, keeps cookies, sends forms as they were shown.
struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new() -> Self {
        Self {
            client: client(),
            cookies: BTreeMap::new(),
        }
    }

    async fn get(&mut self, url: Url) -> Answer {
        self.send(self.client.get(url)).await
    }

    async fn login(&mut self, cas: &CasServer, params: &[(&str, &str)]) -> Answer {
        self.get(url(cas, "/login", params)).await
    }

    /// Fills the login form in and sends it off.
    async fn fill_in(
        &mut self,
        cas: &CasServer,
        form: &Answer,
        name: &str,
        password: &str,
    ) -> Answer {
        let mut fields = vec![
            ("username", name.to_owned()),
            ("password", password.to_owned()),
        ];
        for hidden in ["execution", "service", "TARGET", "method", "rememberMe"] {
            fields.extend(form.hidden(hidden).map(|value| (hidden, value)));
        }
        self.post(cas, &fields).await
    }

    async fn post(&mut self, cas: &CasServer, fields: &[(&str, String)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .client
            .post(url(cas, "/login", &[]))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        self.send(request).await
    }

    /// Signs `casuser` in.
    async fn sign_in(&mut self, cas: &CasServer, params: &[(&str, &str)]) -> Answer {
        let form = self.login(cas, params).await;
        self.fill_in(cas, &form, "casuser", "Mellon").await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header(header::COOKIE, cookies.join("; "));
        let answer = Answer::of(request.send().await.unwrap()).await;
        for field in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(field.to_str().unwrap()).unwrap();
            if cookie
                .max_age()
                .is_some_and(cookie::time::Duration::is_zero)
            {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies
                    .insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        answer
    }
}
