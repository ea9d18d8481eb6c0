//! Base64 of deflated XML: how a browser carries a logout request in a query (SAML 2.0 bindings, 3.4.4.1).

use base64::{
    alphabet,
    engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig},
};
use flate2::{Decompress, FlushDecompress, Status};

/// How many times its own length a request may inflate to. Tickets are random, so one of them stays below two,
/// and as many short ones as are read below seven.
const MAX_RATIO: usize = 10;
/// What any request may inflate to, in bytes: a few lines of white space or of a repeated letter are enough for
/// any ratio in a short one. It is not worth a bound, as a plain request of that length is taken from anybody.
const FLOOR: usize = 4 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The XML, which is no longer than `max_bytes`: 4 KiB at least.
pub(super) fn decode(value: &str, max_bytes: usize) -> Result<String, &'static str> {
    let deflated = BASE64
        .decode(standard_alphabet(value))
        .map_err(|_| "it is neither XML nor base64")?;
    let inflated = inflate(&deflated, max_bytes)?;
    Ok(String::from_utf8_lossy(&inflated).into_owned())
}

/// Undoes what the way does to base64: the URL alphabet, a `+` that was read as a space, and line breaks.
fn standard_alphabet(value: &str) -> Vec<u8> {
    value
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n' | b'\t'))
        .map(|byte| match byte {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect()
}

/// In one call into one buffer of fixed size, so a bomb ends when the buffer is full.
fn inflate(deflated: &[u8], max_bytes: usize) -> Result<Vec<u8>, &'static str> {
    let limit = (deflated.len() * MAX_RATIO).clamp(FLOOR, max_bytes);
    // One byte more, to tell what is too long from what just fits.
    let mut inflated = Vec::with_capacity(limit + 1);
    let mut stream = Decompress::new(has_zlib_header(deflated));
    let status = stream.decompress_vec(deflated, &mut inflated, FlushDecompress::Finish);
    if inflated.len() > limit {
        return Err("it inflates to more than its bound");
    }
    let is_whole = matches!(status, Ok(Status::StreamEnd))
        && usize::try_from(stream.total_in()) == Ok(deflated.len());
    is_whole
        .then_some(inflated)
        .ok_or("it is neither deflate nor zlib")
}

/// RFC 1950, 2.2. Raw deflate does not begin like that: read as such, it would be a stored block (RFC 1951,
/// 3.2.4) with a bit set in its padding, and those that compress leave the padding at zero.
fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..]
        if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}
