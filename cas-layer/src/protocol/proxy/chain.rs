//! Which chains of proxies are accepted (CAS protocol 2.6.2).

#[cfg(test)]
mod tests;

use crate::{
    ConfigError,
    strict_url::{is_number, printable},
};

const WILDCARD: char = '*';

/// A chain of proxies that a user may come through.
///
/// The proxies stand **most recent first**, as in the server's answer (CAS protocol 2.6.2) and in
/// [`Authentication::proxies`](crate::Authentication::proxies): the first is the app that sends the request, the
/// last is the one where the user signed in. Each is named by its callback URL (`pgtUrl`).
///
/// A user is accepted if the answer has exactly as many proxies as one of the configured chains, and each is the same
/// as the one in its place, byte for byte. Upper and lower case, a slash at the end and a port that is written out
/// make a difference.
///
/// Not every server names the whole chain: at least one names only the most recent proxy, and one names services in
/// place of proxies. Configure what your server sends; [`ValidationError::proxies`](crate::ValidationError::proxies)
/// shows it.
///
/// ```
/// use cas_layer::{CasClient, ProxyChain};
///
/// let client = CasClient::builder("https://cas.example.org/cas")
///     .accept_proxies([
///         // The portal by itself …
///         ProxyChain::exact(["https://portal.example.org/proxy_callback"]),
///         // … and one of the search nodes that the portal asked.
///         ProxyChain::pattern([
///             "https://search-*.example.org/proxy_callback",
///             "https://portal.example.org/proxy_callback",
///         ]),
///     ])
///     .build()?;
/// # Ok::<(), cas_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyChain(Entries);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entries {
    Exact(Vec<String>),
    Pattern(Vec<String>),
    Any,
}

impl ProxyChain {
    /// The chain of exactly these proxies, most recent first. A `*` is an ordinary character here.
    #[must_use]
    pub fn exact<T: Into<String>>(proxies: impl IntoIterator<Item = T>) -> Self {
        Self(Entries::Exact(
            proxies.into_iter().map(Into::into).collect(),
        ))
    }

    /// A chain of proxies like these, most recent first, where a `*` stands for one or more letters, digits, `-`,
    /// `_` or `~`.
    ///
    /// So a `*` stays within one label of a host name or one segment of a path: it never stands for `.`, `/`, `:`,
    /// `?`, `#`, `@` or `%`. Everything else is compared byte for byte, from the first character to the last, so
    /// `https://*.example.org/cb` admits neither `https://a.b.example.org/cb` nor `https://a.example.org/cb/` nor
    /// `https://a.example.org.evil.example/cb`.
    ///
    /// [`build`](crate::CasClientBuilder::build) refuses a pattern that does not begin with `https://` or
    /// `http://` and a host, and a `*` in the last label of the host, in an IP address, in a port, in a query, or twice in
    /// one label or segment.
    ///
    /// # Security
    ///
    /// Anyone who can get a matching host name can act as every user who signs in at their app. `https://*.com/cb`
    /// matches everybody.
    #[must_use]
    pub fn pattern<T: Into<String>>(proxies: impl IntoIterator<Item = T>) -> Self {
        Self(Entries::Pattern(
            proxies.into_iter().map(Into::into).collect(),
        ))
    }

    /// Any chain of any proxies.
    ///
    /// # Security
    /// Every app that the CAS server lets be a proxy can then act here as each of its own users, without their
    /// knowledge. Use it only if you trust every app that the CAS server lets be a proxy.
    #[must_use]
    pub fn dangerous_any() -> Self {
        Self(Entries::Any)
    }

    /// Whether these proxies, most recent first, are this chain. An empty list is not a chain.
    pub(crate) fn admits(&self, proxies: &[String]) -> bool {
        let each = |entries: &[String], is_same: fn(&str, &str) -> bool| {
            entries.len() == proxies.len()
                && entries
                    .iter()
                    .zip(proxies)
                    .all(|(entry, proxy)| is_same(entry, proxy))
        };
        !proxies.is_empty()
            && match &self.0 {
                Entries::Exact(entries) => each(entries, |entry, proxy| entry == proxy),
                Entries::Pattern(entries) => each(entries, matches),
                Entries::Any => true,
            }
    }

    /// Refuses a chain that can admit nobody, and a pattern that does not mean what it seems to.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match &self.0 {
            Entries::Exact(entries) => check_each(entries, check_text),
            Entries::Pattern(entries) => check_each(entries, check_pattern),
            Entries::Any => Ok(()),
        }
    }
}

fn check_each(
    proxies: &[String],
    check: fn(&str) -> Result<(), &'static str>,
) -> Result<(), ConfigError> {
    let invalid = |proxy: &str, reason| ConfigError::InvalidProxyChain {
        proxy: printable(proxy),
        reason,
    };
    if proxies.is_empty() {
        return Err(invalid("", "the chain has no proxies"));
    }
    proxies
        .iter()
        .try_for_each(|proxy| check(proxy).map_err(|reason| invalid(proxy, reason)))
}

/// What a `*` may stand for. Every other character ends a label or a segment, or has no place in one.
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~')
}

/// Goes through pattern and text piece by piece, a piece being a run of name characters and the character
/// after it. A `*` is in one piece, so it cannot reach beyond.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = text.split_inclusive(|c| !is_of_a_name(c));
    pattern_pieces(pattern).all(|pattern| {
        pieces
            .next()
            .is_some_and(|piece| piece_matches(pattern, piece))
    }) && pieces.next().is_none()
}

fn pattern_pieces(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split_inclusive(|c| c != WILDCARD && !is_of_a_name(c))
}

fn piece_matches(pattern: &str, piece: &str) -> bool {
    let Some((before, after)) = pattern.split_once(WILDCARD) else {
        return pattern == piece;
    };
    piece
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|run| !run.is_empty() && run.chars().all(is_of_a_name))
}

fn check_text(proxy: &str) -> Result<(), &'static str> {
    if proxy.is_empty() {
        return Err("it is empty");
    }
    if !proxy.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has a character other than printable ASCII, or a space");
    }
    Ok(())
}

fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    check_text(pattern)?;
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| pattern.strip_prefix(scheme))
        .ok_or("a pattern begins with `https://` or `http://`")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("it has a user name or password");
    }
    let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    if host.is_empty() {
        return Err("it has no host");
    }
    // `https://app.*` would be `https://app.evil`, and so would `https://app.*.` be: what ends in a dot is a full name.
    let full_name = host.trim_end_matches('.');
    let last_label = full_name.rsplit('.').next().unwrap_or(full_name);
    if last_label.contains(WILDCARD) || port.contains(WILDCARD) {
        return Err("it has a `*` in the last label of the host or in the port");
    }
    // The first number of an address stands for the most hosts.
    if is_number(last_label) && host.contains(WILDCARD) {
        return Err("it has a `*` in an IP address");
    }
    if path
        .split_once(['?', '#'])
        .is_some_and(|(_, query)| query.contains(WILDCARD))
    {
        return Err("it has a `*` in the query");
    }
    if pattern_pieces(pattern).any(|piece| piece.matches(WILDCARD).count() > 1) {
        return Err("it has a `*` twice in one label or segment");
    }
    Ok(())
}
