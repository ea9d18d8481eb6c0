//! A service that hears what the server sends: logout requests and proxy callbacks.

use std::fmt;
use std::future::Future;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use http::{HeaderMap, Method, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::tls::Authority;

/// Keeps every request that it is sent.
pub(super) struct Receiver {
    pub(super) url: String,
    heard: UnboundedReceiver<Heard>,
    server: JoinHandle<()>,
}

/// A request as it came.
pub(super) struct Heard {
    pub(super) method: Method,
    /// Path and query.
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Receiver {
    /// Accepts everything.
    pub(super) async fn start() -> Self {
        Self::answering(|| std::future::ready(StatusCode::OK)).await
    }

    /// Answers as it is told, once it has kept the request.
    pub(super) async fn answering<F>(answer: impl Fn() -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output: IntoResponse> + Send,
    {
        Self::replying(move |_| answer()).await
    }

    /// The same with an answer to each request, which is told by its path and query.
    pub(super) async fn replying<F>(
        answer: impl Fn(&str) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoResponse> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::on(listener, url, answer)
    }

    /// The same on https, with a certificate for `localhost`.
    pub(super) async fn https<F>(
        authority: &Authority,
        answer: impl Fn(&str) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output: IntoResponse> + Send,
    {
        let listener = authority.listener().await;
        let port = axum::serve::Listener::local_addr(&listener).unwrap().port();
        Self::on(listener, format!("https://localhost:{port}"), answer)
    }

    fn on<L, F>(
        listener: L,
        url: String,
        answer: impl Fn(&str) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        L: axum::serve::Listener<Addr: fmt::Debug>,
        F: Future<Output: IntoResponse> + Send,
    {
        let (tell, heard) = unbounded_channel();
        let app = Router::new().fallback(move |request: Request| {
            let (tell, answer) = (tell.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
                let uri = parts.uri.to_string();
                let answering = answer(&uri);
                let heard = Heard {
                    method: parts.method,
                    uri,
                    headers: parts.headers,
                    body: String::from_utf8(body.into()).unwrap(),
                };
                tell.send(heard).unwrap();
                answering.await
            }
        });
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, heard, server }
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Waits for a request.
    pub(super) async fn next(&mut self) -> Heard {
        super::soon(self.heard.recv()).await.unwrap()
    }

    /// What has come so far.
    pub(super) fn all(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    /// The tickets of the messages that have come so far, sorted.
    pub(super) fn tickets(&mut self) -> Vec<String> {
        let all = self.all();
        let messages = all.iter().map(Heard::message);
        let mut tickets: Vec<String> = messages.flat_map(|message| message.tickets).collect();
        tickets.sort_unstable();
        tickets
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Heard {
    /// The logout request as XML.
    #[track_caller]
    pub(super) fn xml(&self) -> String {
        let fields: Vec<_> = form_urlencoded::parse(self.body.as_bytes()).collect();
        let [(name, value)] = &fields[..] else {
            panic!("not one field: {}", self.body);
        };
        assert_eq!(name, "logoutRequest");
        value.to_string()
    }

    #[track_caller]
    pub(super) fn message(&self) -> Message {
        Message::read(&self.xml())
    }
}

/// What a logout request says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) date: Option<String>,
    pub(super) name: Option<String>,
    pub(super) tickets: Vec<String>,
}

impl Message {
    /// Fails on anything but a well-formed logout request.
    #[track_caller]
    pub(super) fn read(xml: &str) -> Self {
        const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
        const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
        let document = roxmltree::Document::parse(xml).unwrap();
        let root = document.root_element();
        assert!(root.has_tag_name((PROTOCOL, "LogoutRequest")), "{xml}");
        assert_eq!(root.attribute("Version"), Some("2.0"));
        let mut message = Self {
            id: root.attribute("ID").unwrap().to_owned(),
            date: root.attribute("IssueInstant").map(str::to_owned),
            name: None,
            tickets: Vec::new(),
        };
        for child in root.children().filter(roxmltree::Node::is_element) {
            let text = child.text().unwrap_or_default().to_owned();
            if child.has_tag_name((PROTOCOL, "SessionIndex")) {
                message.tickets.push(text);
            } else {
                assert!(child.has_tag_name((ASSERTION, "NameID")), "{xml}");
                assert_eq!(message.name.replace(text), None, "{xml}");
            }
        }
        message
    }
}
