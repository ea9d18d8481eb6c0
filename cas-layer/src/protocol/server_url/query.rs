//! Parameters in a URL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The one place where parameters are put into a URL, each encoded once.
pub(super) struct Query {
    url: String,
    separator: char,
}

impl Query {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            separator: '?',
        }
    }

    /// Makes room for parameters, so that adding them leaves no copy of a secret among them behind.
    pub(super) fn reserve(&mut self, parameters: &[(&str, &str)]) {
        let longest = |(name, value): &(&str, &str)| 2 + 3 * (name.len() + value.len());
        self.url.reserve(parameters.iter().map(longest).sum());
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.url.push(self.separator);
        self.url.extend(utf8_percent_encode(name, ESCAPED));
        self.url.push('=');
        self.url.extend(utf8_percent_encode(value, ESCAPED));
        self.separator = '&';
    }

    pub(super) fn finish(self) -> String {
        self.url
    }
}
