//! Values that nobody can guess.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// The operating system gave no randomness, so nothing can be issued.
#[derive(Debug)]
pub(super) struct NoRandomness;

impl IntoResponse for NoRandomness {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, "no randomness available").into_response()
    }
}

/// `N` random bytes as `2 * N` lower-case hexadecimal digits.
pub(super) fn hex<const N: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes
        .iter()
        .fold(String::with_capacity(2 * N), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
}
