//! What targets share.

/// An answer with its `Content-Type`, if its first line is one. So answers of servers can be used as they were captured.
#[must_use]
pub fn answer(data: &[u8]) -> (Option<&str>, &[u8]) {
    let Some(rest) = data.strip_prefix(b"Content-Type: ") else {
        return (None, data);
    };
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, body) = rest.split_at(end.unwrap_or(rest.len()));
    (str::from_utf8(line).ok(), body.get(1..).unwrap_or_default())
}
