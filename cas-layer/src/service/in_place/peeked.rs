//! A request body whose first frames may have been looked at.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The request body that a [`CasInPlaceLayer`](crate::CasInPlaceLayer) gives to the inner service. It has the
    /// frames of `B` as they come: data, trailers and errors.
    ///
    /// The layer has to see the beginning of a posted form to recognise a logout request of the CAS server. The
    /// service gets the part that the layer has seen first, and then the rest. Every other body is not touched.
    ///
    /// axum accepts it like any other body. A service written for one type of body needs tower-http's
    /// `MapRequestBodyLayer` between.
    pub struct Peeked<B: Body> {
        seen: VecDeque<Frame<B::Data>>,
        broke_off: Option<B::Error>,
        #[pin]
        rest: Rest<B>,
    }
}

pin_project! {
    #[project = RestProjection]
    enum Rest<B> {
        Untouched { #[pin] body: B },
        // Looked at where it was, so it has to stay there.
        Begun { body: Pin<Box<B>> },
        // Nobody may ask it again.
        Ended,
    }
}

impl<B: Body> Peeked<B> {
    pub(super) fn untouched(body: B) -> Self {
        Self {
            seen: VecDeque::new(),
            broke_off: None,
            rest: Rest::Untouched { body },
        }
    }

    /// `seen` has been read from `body`, and after it perhaps an error. Without a body, that was its end.
    pub(super) fn begun(
        seen: VecDeque<Frame<B::Data>>,
        broke_off: Option<B::Error>,
        body: Option<Pin<Box<B>>>,
    ) -> Self {
        Self {
            seen,
            broke_off,
            rest: body.map_or(Rest::Ended, |body| Rest::Begun { body }),
        }
    }
}

impl<B: Body> Body for Peeked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        if let Some(frame) = this.seen.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(error) = this.broke_off.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = match this.rest.as_mut().project() {
            // As it is, whatever it does when it is asked again after its end.
            RestProjection::Untouched { body } => return body.poll_frame(cx),
            RestProjection::Begun { body } => ready!(body.as_mut().poll_frame(cx)),
            RestProjection::Ended => None,
        };
        if frame.is_none() {
            this.rest.set(Rest::Ended);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.seen.is_empty()
            && self.broke_off.is_none()
            && match &self.rest {
                Rest::Untouched { body } => body.is_end_stream(),
                Rest::Begun { body } => body.is_end_stream(),
                Rest::Ended => true,
            }
    }

    fn size_hint(&self) -> SizeHint {
        let seen: u64 = self
            .seen
            .iter()
            .filter_map(Frame::data_ref)
            .map(|data| data.remaining() as u64)
            .sum();
        let rest = match &self.rest {
            Rest::Untouched { body } => body.size_hint(),
            Rest::Begun { body } => body.size_hint(),
            Rest::Ended => SizeHint::with_exact(0),
        };
        SizeHint::with_exact(seen) + rest
    }
}

/// A visitor's data does not belong in a log.
impl<B: Body> fmt::Debug for Peeked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peeked")
            .field("seen", &self.seen.len())
            .finish_non_exhaustive()
    }
}
