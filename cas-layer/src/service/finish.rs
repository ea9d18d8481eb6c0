//! What responses of the inner service get.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::extra_cookie::ExtraCookie;
use crate::app::Frames;

#[allow(
    clippy::declare_interior_mutable_const,
    reason = "it is made anew for each response"
)]
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// What a response of the inner service gets.
pub(super) struct Finish {
    /// A `Cache-Control` if it has none.
    pub(super) private: bool,
    /// A cookie that it may bring.
    pub(super) extra: Option<ExtraCookie>,
    /// Who may frame it.
    pub(super) frames: Option<Arc<Frames>>,
}

impl Finish {
    pub(super) fn apply(&mut self, status: StatusCode, headers: &mut HeaderMap) {
        if self.private {
            headers.entry(header::CACHE_CONTROL).or_insert(PRIVATE);
        }
        if let Some(extra) = self.extra.take() {
            extra.add_to(headers);
        }
        if let Some(frames) = &self.frames {
            frames.guard(status, headers);
        }
    }
}
