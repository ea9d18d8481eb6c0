//! Bytes to text.
//!
//! An answer says its encoding by a byte order mark, in its XML declaration, or in the header `Content-Type`. What says
//! nothing is UTF-8. The rule, where an answer says it more than once:
//!
//! - Bytes that are all ASCII mean the same in all encodings that are taken, but UTF-16. So they are read, whichever of
//!   these are named.
//! - Else, all have to name the same.
//! - But a header that a servlet container has made up counts for nothing beside an XML declaration: `text/html`, or a
//!   charset of `ISO-8859-1` or `US-ASCII`.
//!
//! UTF-16 has to look like it, in the order of bytes that is named.

use std::ops::Deref;

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use zeroize::Zeroizing;

use crate::protocol::document::is_space;

/// How far into a document its XML declaration may end, in bytes.
const MAX_DECLARATION: usize = 512;

const UNKNOWN: &str = "it is in an encoding that is not known";
const CONTRADICTORY: &str = "it names two different encodings";
const NOT_UTF_16: &str = "it is not UTF-16, as it says";
const FOREIGN_BYTES: &str = "it has bytes that its encoding does not have";

/// A text that may quote a live ticket.
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Decoded(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// The text without a byte order mark, or what is wrong with the bytes.
pub(super) fn decode<'a>(
    body: &'a [u8],
    content_type: Option<&str>,
) -> Result<Text<'a>, &'static str> {
    let (mark, body) = match Encoding::for_bom(body) {
        Some((encoding, length)) => (Some(encoding), body.get(length..).unwrap_or_default()),
        None => (None, body),
    };
    let header = Header::read(content_type.unwrap_or_default())?;
    let wide = match mark {
        Some(mark) => is_wide(mark).then_some(mark),
        None => looks_wide(body),
    };
    // Everything but UTF-16 has its declaration in ASCII.
    let text = wide.map(|encoding| decode_by(encoding, body)).transpose()?;
    let start = match &text {
        Some(text) => text.as_bytes(),
        None => body,
    };
    let declared = declared(start).map(Named::read).transpose()?;
    let mark = mark.map(Named::Exactly);

    let mut all = mark.iter().chain(&declared).chain(&header.charsets);
    if wide.is_none() && body.is_ascii() && all.all(|named| named.has_ascii()) {
        return decode_by(UTF_8, body);
    }
    let said = mark.into_iter().chain(declared);
    let named = match declared {
        Some(_) if header.is_made_up => agreed(said),
        _ => agreed(said.chain(header.charsets)),
    }?;
    match (named, wide, text) {
        (Some(Named::Exactly(named)), Some(wide), _) if named != wide => Err(CONTRADICTORY),
        (Some(_), Some(_), Some(text)) => Ok(text),
        (Some(Named::Exactly(named)), None, _) if !is_wide(named) => decode_by(named, body),
        (Some(_), ..) => Err(NOT_UTF_16),
        (None, None, _) => decode_by(UTF_8, body),
        (None, ..) => Err("it looks like UTF-16, and does not say so"),
    }
}

/// An encoding, as an answer names it.
#[derive(Clone, Copy)]
enum Named {
    Exactly(&'static Encoding),
    /// `UTF-16`: the bytes show which of the two it is.
    Utf16,
}

impl Named {
    fn read(label: &str) -> Result<Self, &'static str> {
        if label.eq_ignore_ascii_case("utf-16") {
            return Ok(Self::Utf16);
        }
        let encoding = Encoding::for_label_no_replacement(label.as_bytes()).ok_or(UNKNOWN)?;
        // In others, markup can be spelt in a second way.
        if !encoding.is_ascii_compatible() && !is_wide(encoding) {
            return Err(UNKNOWN);
        }
        Ok(Self::Exactly(encoding))
    }

    fn has_ascii(self) -> bool {
        matches!(self, Self::Exactly(encoding) if encoding.is_ascii_compatible())
    }

    /// The more exact of two that agree.
    fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Exactly(one), Self::Exactly(other)) => (one == other).then_some(self),
            (Self::Exactly(one), Self::Utf16) => is_wide(one).then_some(self),
            (Self::Utf16, Self::Exactly(other_one)) => is_wide(other_one).then_some(other),
            (Self::Utf16, Self::Utf16) => Some(self),
        }
    }
}

/// What all of these say. Nothing, if there are none.
fn agreed(mut all: impl Iterator<Item = Named>) -> Result<Option<Named>, &'static str> {
    let Some(first) = all.next() else {
        return Ok(None);
    };
    let named = all.try_fold(first, Named::and).ok_or(CONTRADICTORY)?;
    Ok(Some(named))
}

/// What the header `Content-Type` says.
struct Header {
    charsets: Vec<Named>,
    /// Whether a servlet container may have added the charset without knowing the content.
    is_made_up: bool,
}

impl Header {
    fn read(content_type: &str) -> Result<Self, &'static str> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let charsets = charsets(content_type).map(Named::read);
        let is_default = |label: &str| {
            label.eq_ignore_ascii_case("iso-8859-1") || label.eq_ignore_ascii_case("us-ascii")
        };
        Ok(Self {
            charsets: charsets.collect::<Result<_, _>>()?,
            is_made_up: media_type.eq_ignore_ascii_case("text/html")
                || self::charsets(content_type).all(is_default),
        })
    }
}

fn is_wide(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// UTF-16 without a byte order mark: each answer begins with an ASCII character.
fn looks_wide(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, 1..=0x7f, ..] => Some(UTF_16BE),
        [1..=0x7f, 0, ..] => Some(UTF_16LE),
        _ => None,
    }
}

/// The text may quote a live ticket. So it gets a buffer that is large enough from the start: one that grows leaves
/// copies behind, and so does one that is thrown away at the first wrong byte.
fn decode_by<'a>(encoding: &'static Encoding, body: &'a [u8]) -> Result<Text<'a>, &'static str> {
    if encoding == UTF_8 {
        let text = str::from_utf8(body).map_err(|_| FOREIGN_BYTES)?;
        return Ok(Text::Borrowed(text));
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let length = decoder.max_utf8_buffer_length_without_replacement(body.len());
    let mut text = Zeroizing::new(String::with_capacity(length.ok_or(FOREIGN_BYTES)?));
    match decoder.decode_to_string_without_replacement(body, &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(Text::Decoded(text)),
        _ => Err(FOREIGN_BYTES),
    }
}

/// The values of `charset` in a media type (RFC 9110, 8.3).
fn charsets(content_type: &str) -> impl Iterator<Item = &str> {
    content_type.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

/// The encoding in the XML declaration, if there is one. A declaration in another form is no XML, which the parser
/// says.
fn declared(start: &[u8]) -> Option<&str> {
    let start = start.get(..MAX_DECLARATION).unwrap_or(start);
    let start = start.trim_ascii_start().strip_prefix(b"<?xml")?;
    // `<?xml-stylesheet` is no declaration.
    start.first().filter(|byte| is_space(char::from(**byte)))?;
    let end = start.windows(2).position(|two| two == b"?>")?;
    let mut rest = str::from_utf8(start.get(..end)?).ok()?;
    loop {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start_matches(is_space);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = value.get(1..)?.split_once(quote)?;
        if name.trim_matches(is_space) == "encoding" {
            return Some(value);
        }
        rest = after;
    }
}
