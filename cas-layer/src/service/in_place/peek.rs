//! Looks at the beginning of a form: is it a logout request of the CAS server?

use std::{
    collections::VecDeque,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http::{HeaderMap, Method, header};
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use super::peeked::Peeked;
use crate::{
    admission::Seat,
    protocol::{LogoutRequest, is_form},
    sign_out::form::{BROKE_OFF, Form, NO_ROOM, READING, TOO_SLOW, Unread, append},
};

/// The beginning of the form of every CAS server. It is longer than the likely beginning of any other field, and
/// never encoded.
const BEGINNING: &[u8] = b"logoutRequest=";

/// The most frames that are kept for the app. Even a frame with little data may keep a buffer of the HTTP server
/// alive: 8 KiB with hyper. A CAS server sends its message in a few frames. A sender with a byte in each is not a CAS
/// server.
const MAX_FRAMES: usize = 32;

/// Whether a request can be a logout request, judged by everything but its body.
pub(super) fn is_worth_it<B: Body>(method: &Method, headers: &HeaderMap, body: &B) -> bool {
    let is_too_long = |value: &header::HeaderValue| {
        let length = value.to_str().ok().and_then(|text| text.parse().ok());
        length.is_none_or(|length: usize| length > LogoutRequest::MAX_BYTES)
    };
    *method == Method::POST
        && headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| is_form(value.as_bytes()))
        && !headers.get(header::CONTENT_LENGTH).is_some_and(is_too_long)
        && !body.is_end_stream()
}

/// A form that is being looked at.
pub(super) struct Peek<B: Body> {
    entry: Entry,
    body: Pin<Box<B>>,
    has_ended: bool,
    seen: VecDeque<Frame<B::Data>>,
    broke_off: Option<B::Error>,
    /// The data of a form that the app does not get in any case, instead of `seen`.
    copied: Option<Vec<u8>>,
    /// Bytes of data in `seen` or `copied`.
    bytes: usize,
    /// Bytes of [`BEGINNING`] that were there. With all of them the form is for the layer.
    matched: usize,
    /// Begins when the layer first has to wait for the sender.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The way to a seat among the forms that are read.
enum Entry {
    Waits(Pin<Box<dyn Future<Output = Option<Seat>> + Send>>),
    Is(Seat),
}

/// What a form turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The beginning of a logout request. Polled again, it is read to its end.
    Ours,
    /// A whole logout request.
    Whole,
    /// A logout request that cannot be read to its end.
    Broken(Unread),
    /// The app's own.
    Foreign,
    /// Unknown: there was no room to read it.
    Unread,
}

impl<B: Body> Peek<B> {
    pub(super) fn new(seat: impl Future<Output = Option<Seat>> + Send + 'static, body: B) -> Self {
        Self {
            entry: Entry::Waits(Box::pin(seat)),
            body: Box::pin(body),
            has_ended: false,
            seen: VecDeque::new(),
            broke_off: None,
            copied: None,
            bytes: 0,
            matched: 0,
            timer: None,
        }
    }

    /// The same for a form that is known to be for the layer: it is read to its end.
    pub(super) fn known(
        seat: impl Future<Output = Option<Seat>> + Send + 'static,
        body: B,
    ) -> Self {
        Self {
            matched: BEGINNING.len(),
            copied: Some(Vec::new()),
            ..Self::new(seat, body)
        }
    }

    /// Reads only as much as it needs to tell. After any result but [`Found::Ours`], it must not be called again.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        loop {
            let found = match self.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.take_in(frame),
                Poll::Ready(Some(Err(Stopped::BrokeOff(error)))) => {
                    self.broke_off = Some(error);
                    Some(self.stop(Found::Broken(BROKE_OFF)))
                }
                Poll::Ready(Some(Err(Stopped::NoRoom))) => Some(self.stop_without_room()),
                Poll::Ready(None) => {
                    self.has_ended = true;
                    Some(self.stop(Found::Whole))
                }
                Poll::Pending if self.is_out_of_time(cx) => Some(match self.entry {
                    Entry::Waits(_) => self.stop_without_room(),
                    Entry::Is(_) => self.stop(Found::Broken(TOO_SLOW)),
                }),
                Poll::Pending => return Poll::Pending,
            };
            if let Some(found) = found {
                return Poll::Ready(found);
            }
        }
    }

    /// What comes next, as long as there is a seat to read it.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<B>>> {
        if let Entry::Waits(seat) = &mut self.entry {
            match ready!(seat.as_mut().poll(cx)) {
                Some(seat) => self.entry = Entry::Is(seat),
                None => return Poll::Ready(Some(Err(Stopped::NoRoom))),
            }
        }
        let frame = self.body.as_mut().poll_frame(cx);
        match &mut self.entry {
            Entry::Is(seat) if frame.is_pending() => {
                ready!(seat.poll_lost(cx));
                Poll::Ready(Some(Err(Stopped::NoRoom)))
            }
            Entry::Is(seat) => {
                seat.goes_on();
                frame.map(|frame| frame.map(|frame| frame.map_err(Stopped::BrokeOff)))
            }
            Entry::Waits(_) => Poll::Pending,
        }
    }

    /// The form, when it is whole.
    pub(super) fn into_form(self) -> Form {
        let mut form = self.copied.unwrap_or_default();
        for mut data in self
            .seen
            .into_iter()
            .filter_map(|seen| seen.into_data().ok())
        {
            append(&mut form, &mut data);
        }
        let seat = match self.entry {
            Entry::Is(seat) => Some(seat),
            Entry::Waits(_) => None,
        };
        Form::new(form, seat)
    }

    /// The body as it came.
    pub(super) fn into_body(self) -> Peeked<B> {
        let rest = (!self.has_ended).then_some(self.body);
        Peeked::begun(self.seen, self.broke_off, rest)
    }

    /// The result for a body that does not go on.
    fn stop(&self, ours: Found) -> Found {
        if self.is_ours() { ours } else { Found::Foreign }
    }

    /// The same if the layer could not go on.
    fn stop_without_room(&self) -> Found {
        if self.is_ours() {
            Found::Broken(NO_ROOM)
        } else if self.seen.is_empty() {
            Found::Unread
        } else {
            Found::Foreign
        }
    }

    fn is_ours(&self) -> bool {
        self.matched == BEGINNING.len()
    }

    fn take_in(&mut self, frame: Frame<B::Data>) -> Option<Found> {
        if let Some(copied) = &mut self.copied {
            let mut data = frame.into_data().ok()?;
            self.bytes += data.remaining();
            if self.bytes > LogoutRequest::MAX_BYTES {
                return Some(Found::Foreign);
            }
            append(copied, &mut data);
            return None;
        }
        let was_ours = self.is_ours();
        // Behind trailers there is no data.
        let may_be_ours = was_ours || frame.data_ref().is_some_and(|data| self.compare(data));
        self.bytes += frame.data_ref().map_or(0, Buf::remaining);
        self.seen.push_back(frame);
        if !may_be_ours || self.bytes > LogoutRequest::MAX_BYTES || self.seen.len() > MAX_FRAMES {
            return Some(Found::Foreign);
        }
        (self.is_ours() && !was_ours).then_some(Found::Ours)
    }

    /// Whether the form can still begin as a logout request does.
    fn compare(&mut self, data: &B::Data) -> bool {
        let mut slices = [IoSlice::new(&[]); BEGINNING.len()];
        let count = data.chunks_vectored(&mut slices);
        let mut visible = 0;
        for &byte in slices.iter().take(count).flat_map(|slice| slice.iter()) {
            visible += 1;
            match BEGINNING.get(self.matched) {
                Some(&expected) if expected == byte => self.matched += 1,
                Some(_) => return false,
                None => return true,
            }
        }
        // Data of which nothing more can be seen without taking it is left to the app.
        self.is_ours() || visible == data.remaining()
    }

    fn is_out_of_time(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(READING)));
        timer.as_mut().poll(cx).is_ready()
    }
}

type Next<B> = Result<Frame<<B as Body>::Data>, Stopped<<B as Body>::Error>>;

/// Why there is no further frame.
enum Stopped<E> {
    BrokeOff(E),
    NoRoom,
}

#[cfg(test)]
mod tests;
