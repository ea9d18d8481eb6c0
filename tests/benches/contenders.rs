//! What is measured: one `GET /profile` of a signed-in user, in memory, without sockets.
//!
//! Every contender answers with the user's name. The session of each is proven to work before it
//! is handed out, so that nobody is fast by answering with an error.

mod axum_login;
mod cas;
mod plain;
mod signed_jar;

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tokio::task::coop::unconstrained;
use tower::{Service, ServiceExt as _};

/// The user who is signed in everywhere.
const USER: &str = "casuser";

/// What setting up and checking a contender can fail with.
type Failure = Box<dyn Error>;

/// One way to serve an authenticated request.
pub(crate) struct Contender {
    /// Its line in the table.
    pub(crate) name: &'static str,
    run: Box<dyn FnMut(u64) -> Duration>,
}

impl Contender {
    /// Sends `requests` requests, one after the other, and returns the time all of them took.
    pub(crate) fn run(&mut self, requests: u64) -> Duration {
        (self.run)(requests)
    }
}

/// The bare router, and the contenders that the command names by a part of their names; without one, all.
pub(crate) fn all() -> Result<Vec<Contender>, Failure> {
    let bench = Bench {
        runtime: Rc::new(
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        ),
    };
    let mut contenders = plain::contenders(&bench)?;
    contenders.extend(cas::contenders(&bench)?);
    contenders.push(signed_jar::contender(&bench)?);
    contenders.push(axum_login::contender(&bench)?);
    contenders.retain(|contender| contender.name == plain::FLOOR || is_wanted(contender.name));
    Ok(contenders)
}

fn is_wanted(name: &str) -> bool {
    // Cargo adds options of its own.
    let mut parts = std::env::args()
        .skip(1)
        .filter(|part| !part.starts_with('-'))
        .peekable();
    parts.peek().is_none() || parts.any(|part| name.contains(&part))
}

/// Turns services into contenders that share one single-threaded runtime.
struct Bench {
    runtime: Rc<Runtime>,
}

impl Bench {
    /// A contender whose `service` lets only the owner of `cookie` in.
    fn guarded<S>(
        &self,
        name: &'static str,
        service: S,
        cookie: HeaderValue,
    ) -> Result<Contender, Failure>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + 'static,
    {
        let (status, _) = self
            .runtime
            .block_on(fetch(service.clone(), profile(None)))?;
        if status == StatusCode::OK {
            return Err(format!("{name}: answers without a cookie").into());
        }
        self.open(name, service, cookie)
    }

    /// A contender whose `service` does not look at the cookie. It gets one all the same, so that
    /// making the request costs everyone the same.
    fn open<S>(
        &self,
        name: &'static str,
        service: S,
        cookie: HeaderValue,
    ) -> Result<Contender, Failure>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + 'static,
    {
        let request = profile(Some(&cookie));
        let (status, text) = self.runtime.block_on(fetch(service.clone(), request))?;
        if status != StatusCode::OK || text != USER {
            return Err(format!("{name}: answers {status} to a signed-in user").into());
        }
        Ok(self.sending(name, service, move |_| profile(Some(&cookie))))
    }

    /// A contender whose `service` gets these requests, each made from its number.
    fn sending<S>(
        &self,
        name: &'static str,
        service: S,
        request: impl Fn(usize) -> Request<Body> + 'static,
    ) -> Contender
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + 'static,
    {
        let runtime = Rc::clone(&self.runtime);
        let mut sent = 0;
        let run = move |requests| {
            // Tokio makes a task yield now and then. Over sockets each request is polled afresh,
            // so a loop of thousands of them in one task must not pay for that.
            runtime.block_on(unconstrained(async {
                let start = Instant::now();
                for _ in 0..requests {
                    // A clone per request is what hyper-util, and so `axum::serve`, does.
                    let Ok(response) = service.clone().oneshot(request(sent)).await;
                    black_box(response);
                    sent += 1;
                }
                start.elapsed()
            }))
        };
        Contender {
            name,
            run: Box::new(run),
        }
    }
}

fn profile(cookie: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static("/profile");
    if let Some(cookie) = cookie {
        request.headers_mut().insert(header::COOKIE, cookie.clone());
    }
    request
}

async fn fetch<S>(service: S, request: Request<Body>) -> Result<(StatusCode, String), Failure>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let Ok(response) = service.oneshot(request).await;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec())?))
}

/// The `name=value` of the cookie that `response` sets and whose name ends in `name`.
fn cookie_set_by<B>(response: &Response<B>, name: &str) -> Result<HeaderValue, Failure> {
    for set_cookie in response.headers().get_all(header::SET_COOKIE) {
        let pair = set_cookie.to_str()?.split(';').next().unwrap_or_default();
        if pair
            .split_once('=')
            .is_some_and(|(own, value)| own.ends_with(name) && !value.is_empty())
        {
            return Ok(HeaderValue::from_str(pair)?);
        }
    }
    Err(format!("no cookie {name} was set").into())
}
