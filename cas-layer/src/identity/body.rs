//! The body of a request, without trailers that could name a user.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::scrub::scrub;
use crate::introduction::Reserved;

pin_project! {
    /// The body of a request below an [`IdentityHeadersLayer`](crate::IdentityHeadersLayer): its data as it
    /// arrives, its trailers without the headers that are the layer's.
    #[derive(Debug)]
    pub struct IdentityBody<B> {
        #[pin]
        inner: B,
        reserved: Arc<Reserved>,
    }
}

impl<B> IdentityBody<B> {
    pub(super) fn new(inner: B, reserved: Arc<Reserved>) -> Self {
        Self { inner, reserved }
    }
}

impl<B: Body> Body for IdentityBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        loop {
            let frame = match ready!(this.inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            return Poll::Ready(Some(Ok(match frame.into_trailers() {
                Ok(mut trailers) => {
                    scrub(&mut trailers, this.reserved);
                    if trailers.is_empty() {
                        continue;
                    }
                    Frame::trailers(trailers)
                }
                Err(frame) => frame,
            })));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
