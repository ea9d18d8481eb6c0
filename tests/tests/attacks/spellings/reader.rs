//! Somebody who reads paths as loosely as any server may.

use percent_encoding::percent_decode_str;
use url::Url;

/// The plain path that somebody arrives at who decodes as often as there is something to decode, takes a backslash for
/// a slash, cares neither about case nor about what stands around a name, drops parameters, and resolves dots.
pub(super) fn loosely(path: &str) -> String {
    let mut path = path.to_owned();
    while let Ok(decoded) = percent_decode_str(&path).decode_utf8()
        && decoded != path
    {
        path = decoded.into_owned();
    }
    let mut names: Vec<String> = Vec::new();
    for segment in path.split(['/', '\\']) {
        let name = segment.split(';').next().unwrap_or_default().trim();
        if name == ".." {
            names.pop();
            continue;
        }
        let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
        if !name.is_empty() {
            names.push(name.to_lowercase());
        }
    }
    format!("/{}", names.join("/"))
}

/// What is wrong with where a redirect leads, below this path.
pub(super) fn complaint(prefix: &str, location: &str) -> Option<&'static str> {
    let base = Url::parse("https://app.example.org").unwrap();
    let mut location = location.to_owned();
    // As a browser reads it, and as somebody does who has decoded it once, twice …
    loop {
        let Ok(url) = base.join(&location) else {
            return Some("no URL");
        };
        if url.origin() != base.origin() {
            return Some("another origin");
        }
        let inside = |path: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let read = loosely(url.path());
        if !inside(url.path()) || !inside(&read) {
            return Some("outside of the app");
        }
        let own = &read[prefix.len()..];
        if ["/login", "/logout", "/logout_callback"].contains(&own) {
            return Some("an endpoint");
        }
        match percent_decode_str(&location).decode_utf8() {
            Ok(decoded) if decoded != location => location = decoded.into_owned(),
            _ => return None,
        }
    }
}
