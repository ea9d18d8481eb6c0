//! Values that nobody can guess.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use http::StatusCode;

use super::{Quirk, quirks::Quirks};

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
    Ok(HEXLOWER.encode(&bytes))
}

/// A SAML artifact of type 4, 44 bytes of which the last 38 are random here. Its base64 always has `+`, `/` and
/// `=`.
pub(super) fn artifact() -> Result<String, NoRandomness> {
    let mut bytes = [0; 44];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    bytes[..6].copy_from_slice(&[0x00, 0x04, 0x00, 0xfb, 0xff, 0xff]);
    Ok(STANDARD.encode(bytes))
}

/// A name for a ticket of this kind, whatever it is good for.
pub(super) fn ticket_name(kind: &str, quirks: &Quirks) -> Result<String, NoRandomness> {
    let mut name = format!("{kind}-{}", hex::<20>()?);
    if quirks.has(Quirk::PunctuatedTickets) {
        name.push_str(".node_1~");
        name.push_str(&hex::<4>()?);
    }
    if quirks.has(Quirk::LongTickets) {
        name.push_str(&hex::<128>()?);
        name.truncate(256);
    }
    if quirks.has(Quirk::HugeTickets) && matches!(kind, "ST" | "PT") {
        name.push_str("@node.example:8443/a+b%3D==");
        name.extend(std::iter::repeat_n('x', 2048 - name.len()));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::artifact;

    #[test]
    fn an_artifact_is_base64_with_all_of_its_special_characters() {
        let (one, other) = (artifact().unwrap(), artifact().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 60);
        assert!(one.starts_with("AAQA+///"), "{one}");
        assert!(one.ends_with('='), "{one}");
    }
}
