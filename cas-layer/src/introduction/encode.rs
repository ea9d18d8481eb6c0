//! Any text as the value of a header: visible ASCII and spaces (RFC 9110, section 5.5).

use http::HeaderValue;
use percent_encoding::percent_encode_byte;

/// The most bytes that a written value may have. Apache takes 8,190 for a whole header, nginx 8,192.
pub(crate) const MAX_VALUE_BYTES: usize = 8_000;

/// How values are written.
#[derive(Debug)]
pub(crate) struct Encoding {
    /// ASCII punctuation, not `%`.
    separator: u8,
}

impl Encoding {
    /// `None` for a separator that could be taken for a part of what it separates.
    pub(crate) fn new(separator: char) -> Option<Self> {
        let separator = u8::try_from(separator).ok()?;
        (separator.is_ascii_punctuation() && separator != b'%').then_some(Self { separator })
    }

    /// Values that stand in one header.
    pub(crate) fn joined(&self, values: &[String]) -> String {
        let mut text = String::new();
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                text.push(char::from(self.separator));
            }
            push(&mut text, value, Some(self.separator));
        }
        text
    }
}

/// A value that stands alone.
pub(crate) fn single(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    push(&mut text, value, None);
    text
}

/// Spaces at the ends of a header are not part of its value (RFC 9110, section 5.5), so they are written
/// in another way.
fn push(text: &mut String, value: &str, separator: Option<u8>) {
    let begin = value.len() - value.trim_start_matches(' ').len();
    let end = value.trim_end_matches(' ').len();
    for (at, byte) in value.bytes().enumerate() {
        let is_plain = match byte {
            b' ' => (begin..end).contains(&at),
            b'%' => false,
            _ => byte.is_ascii_graphic() && Some(byte) != separator,
        };
        if is_plain {
            text.push(char::from(byte));
        } else {
            text.push_str(percent_encode_byte(byte));
        }
    }
}

/// `None` for a value that is too long. It is kept out of logs of headers, as it is about a person.
pub(crate) fn header_value(value: String) -> Option<HeaderValue> {
    if value.len() > MAX_VALUE_BYTES {
        return None;
    }
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}
