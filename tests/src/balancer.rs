//! A load balancer over the nodes of one app.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Sends each request to the next node in turn, and past a node that cannot be reached to the one after
/// it. Stops when it is dropped.
#[derive(Debug)]
pub struct Balancer {
    url: String,
    nodes: Arc<Nodes>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Nodes {
    urls: Mutex<Vec<String>>,
    next: AtomicUsize,
    http: reqwest::Client,
}

/// Far more than a request of the tests has.
const MAX_BODY: usize = 1024 * 1024;

impl Balancer {
    /// Starts on a free port, without nodes.
    pub async fn start() -> Self {
        let nodes = Arc::new(Nodes {
            urls: Mutex::default(),
            next: AtomicUsize::new(0),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .expect("a client"),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let app = Router::new()
            .fallback(pass_on)
            .with_state(Arc::clone(&nodes));
        Self {
            url: format!("http://{address}"),
            nodes,
            server: tokio::spawn(async move {
                axum::serve(listener, app).await.expect("a server");
            }),
        }
    }

    /// Its URL, which is the app's.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The nodes from now on, by their URLs.
    pub fn set_nodes(&self, urls: impl IntoIterator<Item = String>) {
        *self.nodes.urls.lock().expect("no panic") = urls.into_iter().collect();
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(nodes): State<Arc<Nodes>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await.expect("a body");
    let urls = nodes.urls.lock().expect("no panic").clone();
    let first = nodes.next.fetch_add(1, Ordering::Relaxed);
    for turn in 0..urls.len() {
        let node = &urls[(first + turn) % urls.len()];
        let sent = nodes
            .http
            .request(parts.method.clone(), format!("{node}{}", parts.uri))
            .headers(parts.headers.clone())
            .body(body.clone())
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = answer.status();
                *response.headers_mut() = answer.headers().clone();
                *response.body_mut() = answer.bytes().await.unwrap_or_default().into();
                return response;
            }
            Err(error) if error.is_connect() => {}
            Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }
    StatusCode::BAD_GATEWAY.into_response()
}
