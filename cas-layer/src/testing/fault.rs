//! Wrong answers of a broken server.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;

use super::{connection::CutOff, stopping::Stopping};

/// What the validation endpoints, `/proxy` and the REST protocol answer instead of the truth. Tickets are not used up by it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// This status with a short text. A number that is no HTTP status becomes 500.
    Status(u16),
    /// 302 to this URL.
    Redirect(String),
    /// 201 with this `Location`, as for a new ticket-granting ticket. Left out when it cannot be a field.
    Created(String),
    /// An HTML page with status 200, as from a proxy or a maintenance page.
    Html,
    /// Bytes that are neither text nor XML nor JSON, declared as XML.
    Garbage,
    /// Status 200 and an empty body, declared as XML.
    Empty,
    /// A well-formed beginning, then 40 MB of one attribute value, streamed.
    Oversized,
    /// The beginning of a good answer, then the connection is closed.
    Truncated,
    /// Nothing: the request is read and the connection stays open.
    Hang,
    /// The beginning of a good answer and nothing more; the connection stays open.
    HangInBody,
    /// The truth, after this delay.
    Slow(Duration),
    /// The connection is closed without an answer.
    CloseConnection,
    /// This body with status 200.
    Body {
        /// The value of `Content-Type`; left out when it cannot be one.
        content_type: String,
        /// The body itself.
        body: String,
    },
}

const XML: &str = "text/xml;charset=utf-8";
const BEGINNING: &str = "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\
    <cas:authenticationSuccess><cas:user>casuser</cas:user><cas:attributes><cas:mail>";
/// How much is streamed, and in what pieces.
const OVERSIZED: usize = 40_000_000;
const PIECE: usize = 64_000;

impl Fault {
    /// The answer instead of the truth; `None` when it is time for the truth.
    pub(super) async fn respond(self, stopping: &Stopping, cut_off: &CutOff) -> Option<Response> {
        Some(match self {
            Self::Slow(delay) => {
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = stopping.stopped() => {}
                }
                return None;
            }
            Self::Status(status) => {
                let status =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, "out of order").into_response()
            }
            Self::Redirect(url) => (StatusCode::FOUND, [(header::LOCATION, url)]).into_response(),
            Self::Created(location) => {
                let mut response = StatusCode::CREATED.into_response();
                if let Ok(location) = HeaderValue::try_from(location) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            Self::Html => with_type(
                "text/html;charset=utf-8",
                "<!DOCTYPE html><html lang=\"en\"><title>Maintenance</title><p>Back soon.</html>",
            ),
            Self::Garbage => with_type(XML, [0xff, 0xfe, 0x00, 0x3c, 0x80, 0x1b].repeat(50)),
            Self::Empty => with_type(XML, ""),
            Self::Oversized => with_type(XML, Body::new(Broken::new(Then::Flood(OVERSIZED)))),
            Self::Truncated => with_type(XML, Body::new(Broken::new(Then::Close))),
            Self::HangInBody => {
                let stopping = stopping.clone();
                let stopped = Box::pin(async move { stopping.stopped().await });
                with_type(XML, Body::new(Broken::new(Then::Wait(stopped))))
            }
            Self::Hang => {
                stopping.stopped().await;
                cut(cut_off)
            }
            Self::CloseConnection => cut(cut_off),
            Self::Body { content_type, body } => {
                let mut response = Body::from(body).into_response();
                if let Ok(content_type) = HeaderValue::try_from(content_type) {
                    response
                        .headers_mut()
                        .insert(header::CONTENT_TYPE, content_type);
                }
                response
            }
        })
    }
}

fn with_type(content_type: &'static str, body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, content_type)], body.into()).into_response()
}

/// The response is never written: the connection refuses.
fn cut(cut_off: &CutOff) -> Response {
    cut_off.cut();
    StatusCode::NO_CONTENT.into_response()
}

/// A body that begins well.
struct Broken {
    begun: bool,
    then: Then,
}

enum Then {
    /// This many bytes more.
    Flood(usize),
    Close,
    Closing,
    /// Silence until the server stops.
    Wait(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Broken {
    fn new(then: Then) -> Self {
        Self { begun: false, then }
    }
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        static LETTERS: [u8; PIECE] = [b'a'; PIECE];
        if !self.begun {
            self.begun = true;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(
                BEGINNING.as_bytes(),
            )))));
        }
        match &mut self.then {
            Then::Flood(0) => Poll::Ready(None),
            Then::Flood(left) => {
                *left = left.saturating_sub(PIECE);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&LETTERS)))))
            }
            Then::Close => {
                // Once more round, so that the beginning is on its way before the end.
                self.then = Then::Closing;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Then::Closing => Poll::Ready(Some(Err(std::io::ErrorKind::BrokenPipe.into()))),
            Then::Wait(stopped) => stopped
                .as_mut()
                .poll(cx)
                .map(|()| Some(Err(std::io::ErrorKind::BrokenPipe.into()))),
        }
    }
}
