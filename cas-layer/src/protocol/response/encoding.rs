//! Bytes to text. An answer is in UTF-8, unless it says otherwise: by a byte order mark, in the header `Content-Type`,
//! or in its XML declaration. Where it says so more than once, it has to say the same.

use std::{borrow::Cow, ops::Deref};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use zeroize::Zeroizing;

use crate::protocol::document::is_space;

/// How far into a document its XML declaration may end, in bytes.
const MAX_DECLARATION: usize = 512;

const UNKNOWN: &str = "it is in an encoding that is not known";
const CONTRADICTORY: &str = "it names two different encodings";

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
        Some((encoding, length)) => (
            Some(Named::Exactly(encoding)),
            body.get(length..).unwrap_or_default(),
        ),
        None => (None, body),
    };
    let mut named: Option<Named> = mark;
    for label in content_type.into_iter().flat_map(charsets) {
        note(&mut named, label)?;
    }
    // What is read as UTF-8 has its declaration in ASCII, as everything else but UTF-16 has.
    let wide = match named {
        Some(Named::Exactly(encoding)) => is_wide(encoding).then_some(encoding),
        Some(Named::Utf16) | None => looks_wide(body),
    };
    let text = wide.map(|encoding| decode_by(encoding, body)).transpose()?;
    let start = match &text {
        Some(text) => text.as_bytes(),
        None => body,
    };
    if let Some(label) = declared(start) {
        note(&mut named, label)?;
    }
    match (named, text) {
        (Some(Named::Exactly(encoding)), Some(text)) if is_wide(encoding) => Ok(text),
        (Some(Named::Utf16), Some(text)) => Ok(text),
        (Some(Named::Utf16), None) => Err("it is not UTF-16, as it says"),
        (Some(Named::Exactly(encoding)), _) => decode_by(encoding, body),
        (None, _) => decode_by(UTF_8, body),
    }
}

/// An encoding, as an answer names it.
#[derive(Clone, Copy)]
enum Named {
    Exactly(&'static Encoding),
    /// `UTF-16`: the bytes show which of the two it is.
    Utf16,
}

/// What an answer says once more has to agree with what it has said.
fn note(named: &mut Option<Named>, label: &str) -> Result<(), &'static str> {
    let new = if label.eq_ignore_ascii_case("utf-16") {
        Named::Utf16
    } else {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes()).ok_or(UNKNOWN)?;
        // In others, markup can be spelt in a second way.
        if !encoding.is_ascii_compatible() && !is_wide(encoding) {
            return Err(UNKNOWN);
        }
        Named::Exactly(encoding)
    };
    *named = Some(match (*named, new) {
        (None, new) => new,
        (Some(Named::Exactly(old)), Named::Exactly(new)) if old == new => Named::Exactly(old),
        (Some(Named::Exactly(old)), Named::Utf16) if is_wide(old) => Named::Exactly(old),
        (Some(Named::Utf16), Named::Exactly(new)) if is_wide(new) => Named::Exactly(new),
        (Some(Named::Utf16), Named::Utf16) => Named::Utf16,
        _ => return Err(CONTRADICTORY),
    });
    Ok(())
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

fn decode_by<'a>(encoding: &'static Encoding, body: &'a [u8]) -> Result<Text<'a>, &'static str> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(body);
    match text {
        Some(Cow::Borrowed(text)) => Ok(Text::Borrowed(text)),
        Some(Cow::Owned(text)) => Ok(Text::Decoded(Zeroizing::new(text))),
        None => Err("it has bytes that its encoding does not have"),
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
