//! Reads forms within limits of number, length and time.

use std::{future::poll_fn, task::Poll, time::Duration};

use bytes::Buf;
use http::{Extensions, HeaderMap, StatusCode, header};
use http_body::Body;
use tokio::time::timeout;

use crate::{
    admission::Seat,
    app::Host,
    protocol::{LogoutRequest, is_form},
};

/// How long a sender may take for its form.
pub(crate) const READING: Duration = Duration::from_secs(10);

/// By how many bytes a form grows at least.
const GROWTH: usize = 8 * 1024;

/// Why a form could not be read to its end.
pub(crate) type Unread = (StatusCode, &'static str);

pub(crate) const TOO_SLOW: Unread = (StatusCode::REQUEST_TIMEOUT, "the request is too slow");
pub(crate) const BROKE_OFF: Unread = (StatusCode::BAD_REQUEST, "the request broke off");
const TOO_LONG: Unread = (StatusCode::PAYLOAD_TOO_LARGE, "the request is over 64 KiB");
pub(crate) const NO_ROOM: Unread = (StatusCode::SERVICE_UNAVAILABLE, "too many forms at once");

const NOT_A_FORM: Unread = (StatusCode::BAD_REQUEST, "not a form");

/// What is wrong with a `POST` that is not a form.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Unread> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let is_form = content_type.is_some_and(|value| is_form(value.as_bytes()));
    is_form.then_some(()).ok_or(NOT_A_FORM)
}

/// A form that was read. It keeps its seat for as long as it exists.
pub(crate) struct Form {
    data: Vec<u8>,
    _seat: Option<Seat>,
}

impl Form {
    pub(crate) fn new(data: Vec<u8>, seat: Option<Seat>) -> Self {
        Self { data, _seat: seat }
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }
}

/// Reads the form that a sender posts, within limits of number, length and time.
pub(crate) async fn read<B: Body>(
    host: &Host,
    extensions: &Extensions,
    body: B,
) -> Result<Form, Unread> {
    let seat = timeout(READING, host.app.forms.seat(host.app.peers.of(extensions))).await;
    // The layer was slow, not the sender.
    let mut seat = seat.ok().flatten().ok_or(NO_ROOM)?;
    let data = timeout(READING, collect(body, &mut seat)).await;
    Ok(Form::new(data.unwrap_or(Err(TOO_SLOW))?, Some(seat)))
}

/// At most [`LogoutRequest::MAX_BYTES`] of a body.
async fn collect<B: Body>(body: B, seat: &mut Seat) -> Result<Vec<u8>, Unread> {
    let mut form = Vec::new();
    let mut body = std::pin::pin!(body);
    loop {
        let frame = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame)),
            Poll::Pending => seat.poll_lost(cx).map(|()| Err(NO_ROOM)),
        });
        let Some(frame) = frame.await? else {
            return Ok(form);
        };
        let frame = frame.map_err(|_| BROKE_OFF)?;
        seat.goes_on();
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        let (len, left) = (data.remaining(), LogoutRequest::MAX_BYTES - form.len());
        if len > left {
            return Err(TOO_LONG);
        }
        // A vector that grows by itself may take twice what it needs.
        if len > form.capacity() - form.len() {
            form.reserve_exact(len.next_multiple_of(GROWTH).min(left));
        }
        append(&mut form, &mut data);
    }
}

pub(crate) fn append(form: &mut Vec<u8>, data: &mut impl Buf) {
    while data.has_remaining() {
        let chunk = data.chunk();
        form.extend_from_slice(chunk);
        let len = chunk.len();
        data.advance(len);
    }
}
