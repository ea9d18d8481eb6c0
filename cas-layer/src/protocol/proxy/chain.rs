//! Which chains of proxies are accepted (CAS protocol 2.6.2).

use crate::ConfigError;

const WILDCARD: char = '*';

/// A chain of proxies that a user may come through.
///
/// The proxies stand **most recent first**, as in the server's answer (CAS protocol 2.6.2) and in
/// [`Authentication::proxies`](crate::Authentication::proxies): the first is the app that sends the request, the
/// last is the one where the user signed in. Each is named by its callback URL (`pgtUrl`).
///
/// A user is accepted when the answer has exactly as many proxies as one of the configured chains, and each is
/// the one in its place: the same text, byte for byte. Case, a slash at the end and a port that is written out
/// count.
///
/// Not every server tells the whole chain: at least one names only the most recent proxy, and one names services
/// in place of proxies. Configure what your server sends, which
/// [`ValidationError::proxies`](crate::ValidationError::proxies) tells.
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
    /// `http://` and a host, and a `*` in the last label of the host, in a port, in a query, or twice in one label or
    /// segment.
    ///
    /// # Security
    ///
    /// Whoever can have a host name that fits can act as every user who signs in at an app of theirs. `https://*.com/cb`
    /// is everybody.
    pub fn pattern<T: Into<String>>(proxies: impl IntoIterator<Item = T>) -> Self {
        Self(Entries::Pattern(
            proxies.into_iter().map(Into::into).collect(),
        ))
    }

    /// Any chain of any proxies.
    ///
    /// # Security
    ///
    /// Every app that the CAS server lets be a proxy can then act here as each of its own users, without their
    /// knowing. Only for a CAS server that lets no app be a proxy which is not trusted with that.
    #[must_use]
    pub fn dangerous_any() -> Self {
        Self(Entries::Any)
    }

    /// Whether these proxies, most recent first, are this chain. No proxies are not a chain.
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

    /// A chain that can admit nobody is a mistake, and so is a pattern that says something else than it seems to.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let (entries, check): (_, fn(&str) -> Result<(), &'static str>) = match &self.0 {
            Entries::Exact(entries) => (entries, check_text),
            Entries::Pattern(entries) => (entries, check_pattern),
            Entries::Any => return Ok(()),
        };
        if entries.is_empty() {
            return Err(ConfigError::InvalidProxyChain {
                proxy: String::new(),
                reason: "the chain has no proxies",
            });
        }
        entries.iter().try_for_each(|entry| {
            check(entry).map_err(|reason| ConfigError::InvalidProxyChain {
                proxy: entry.clone(),
                reason,
            })
        })
    }
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
    // `https://app.*` would be `https://app.evil`.
    let last_label = host.rsplit('.').next().unwrap_or(host);
    if last_label.contains(WILDCARD) || port.contains(WILDCARD) {
        return Err("it has a `*` in the last label of the host or in the port");
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

#[cfg(test)]
mod tests {
    use super::ProxyChain;
    use crate::ConfigError;

    fn chain(proxies: &[&str]) -> Vec<String> {
        proxies.iter().map(|&proxy| proxy.to_owned()).collect()
    }

    #[track_caller]
    fn assert_admits(accepted: &ProxyChain, proxies: &[&str], expected: bool) {
        accepted.check().unwrap();
        assert_eq!(
            accepted.admits(&chain(proxies)),
            expected,
            "{accepted:?} {proxies:?}"
        );
    }

    /// What looks like `https://a.example/cb` and is not it.
    const LOOK_ALIKES: [&str; 42] = [
        "",
        "https://a.example/cb/",
        "https://a.example/cb?",
        "https://a.example/cb?x=1",
        "https://a.example/cb#",
        "https://a.example/cb#x",
        "https://a.example/cb2",
        "https://a.example/cb;x",
        "https://a.example/cb%2f",
        "https://a.example/cb/../cb",
        "https://a.example/./cb",
        "https://a.example//cb",
        "https://a.example/c",
        "https://a.example/",
        "https://a.example",
        "https://a.example/CB",
        "https://A.example/cb",
        "HTTPS://a.example/cb",
        "http://a.example/cb",
        "https://a.example:443/cb",
        "https://a.example:8443/cb",
        "https://a.example./cb",
        "https://a.example.evil/cb",
        "https://a.example.evil.example/cb",
        "https://a.examplex/cb",
        "https://xa.example/cb",
        "https://x.a.example/cb",
        "https://aXexample/cb",
        "https://evil.example/https://a.example/cb",
        "https://a.example@evil.example/cb",
        "https://alice@a.example/cb",
        "https://evil.example\\@a.example/cb",
        "https://a.example\\cb",
        "https://\u{430}.example/cb",
        "https://a\u{3002}example/cb",
        "https://a.example/cb\u{200b}",
        "https://a.example/cb\n",
        "\nhttps://a.example/cb",
        "https://a.example/cb\nhttps://a.example/cb",
        "https://evil.example/\nhttps://a.example/cb",
        "https://a.example/cb\0",
        " https://a.example/cb",
    ];

    #[test]
    fn nothing_that_looks_like_a_proxy_is_taken_for_it() {
        for accepted in [
            ProxyChain::exact(["https://a.example/cb"]),
            ProxyChain::pattern(["https://a.example/cb"]),
        ] {
            assert_admits(&accepted, &["https://a.example/cb"], true);
            for look_alike in LOOK_ALIKES {
                assert_admits(&accepted, &[look_alike], false);
            }
        }
    }

    #[test]
    fn a_proxy_without_a_path_admits_no_longer_host() {
        for accepted in [
            ProxyChain::exact(["https://a.example"]),
            ProxyChain::pattern(["https://a.example"]),
        ] {
            assert_admits(&accepted, &["https://a.example"], true);
            for look_alike in [
                "https://a.example.evil",
                "https://a.example/",
                "https://a.example:443",
                "https://a.example@evil.example",
                "https://a.exampleevil",
                "https://a.exampl",
            ] {
                assert_admits(&accepted, &[look_alike], false);
            }
        }
    }

    #[test]
    fn a_chain_is_accepted_in_its_order_and_length_alone() {
        let (a, b, c) = (
            "https://a.example/",
            "https://b.example/",
            "https://c.example/",
        );
        for accepted in [ProxyChain::exact([a, b]), ProxyChain::pattern([a, b])] {
            for (proxies, expected) in [
                (&[a, b][..], true),
                (&[b, a], false),
                (&[a], false),
                (&[b], false),
                (&[], false),
                (&[a, b, c], false),
                (&[c, a, b], false),
                (&[a, c, b], false),
                (&[a, b, b], false),
                (&[a, a], false),
                (&["https://a.example/https://b.example/"], false),
                (&["https://a.example/", "https://b.example/", ""], false),
            ] {
                assert_admits(&accepted, proxies, expected);
            }
        }
    }

    #[test]
    fn a_wildcard_stays_within_its_label_or_segment() {
        let label = ProxyChain::pattern(["https://*.a.example/cb"]);
        let part = ProxyChain::pattern(["https://node-*x.a.example/cb"]);
        let segment = ProxyChain::pattern(["https://a.example/*/cb"]);
        let end = ProxyChain::pattern(["https://a.example/app-*"]);
        for (accepted, proxy, expected) in [
            (&label, "https://b.a.example/cb", true),
            (&label, "https://b-1_2~C.a.example/cb", true),
            (&label, "https://.a.example/cb", false),
            (&label, "https://a.example/cb", false),
            (&label, "https://b.c.a.example/cb", false),
            (&label, "https://evil.example/.a.example/cb", false),
            (&label, "https://evil.example?.a.example/cb", false),
            (&label, "https://evil.example#.a.example/cb", false),
            (&label, "https://evil\\.a.example/cb", false),
            (&label, "https://evil:1.a.example/cb", false),
            (&label, "https://alice@b.a.example/cb", false),
            (&label, "https://evil@.a.example/cb", false),
            (&label, "https://b%2e.a.example/cb", false),
            (&label, "https://b\u{e9}.a.example/cb", false),
            (&label, "https://b\n.a.example/cb", false),
            (&label, "https://b .a.example/cb", false),
            (&label, "https://*.a.example/cb", false),
            (&label, "https://b.a.example/cb/", false),
            (&label, "https://b.a.example.evil/cb", false),
            (&label, "https://b.a.example/cb\n", false),
            (&part, "https://node-1x.a.example/cb", true),
            (&part, "https://node-xx.a.example/cb", true),
            (&part, "https://node-x.a.example/cb", false),
            (&part, "https://node-1.a.example/cb", false),
            (&part, "https://xnode-1x.a.example/cb", false),
            (&part, "https://node-1.x.a.example/cb", false),
            (&segment, "https://a.example/one/cb", true),
            (&segment, "https://a.example//cb", false),
            (&segment, "https://a.example/one/two/cb", false),
            (&segment, "https://a.example/../cb", false),
            (&segment, "https://a.example/%2e%2e/cb", false),
            (&segment, "https://a.example/one;x/cb", false),
            (&end, "https://a.example/app-1", true),
            (&end, "https://a.example/app-", false),
            (&end, "https://a.example/app-1/", false),
            (&end, "https://a.example/app-1?x", false),
            (&end, "https://a.example/app-1#x", false),
            (&end, "https://a.example/app-1.evil", false),
            (&end, "https://a.example/app-1\n", false),
        ] {
            assert_admits(accepted, &[proxy], expected);
        }
    }

    #[test]
    fn several_wildcards_and_a_query_are_matched_piece_by_piece() {
        let accepted = ProxyChain::pattern(["https://*.*.a.example/*/x.y?app=a%20b&c=*1"]);
        assert!(accepted.check().is_err(), "a wildcard in the query");
        let accepted = ProxyChain::pattern(["https://*.n-*.a.example:8443/*/x.y?app=a%20b&c=1"]);
        for (proxy, expected) in [
            ("https://b.n-1.a.example:8443/p/x.y?app=a%20b&c=1", true),
            ("https://b.n-1.a.example/p/x.y?app=a%20b&c=1", false),
            ("https://b.n-1.a.example:8443/p/x.y?app=a%20b&c=11", false),
            ("https://b.n-1.a.example:8443/p/xzy?app=a%20b&c=1", false),
            ("https://b.n-1.a.example:8443/p/x.y?app=a b&c=1", false),
        ] {
            assert_admits(&accepted, &[proxy], expected);
        }
    }

    #[test]
    fn a_star_in_an_exact_chain_is_a_star() {
        let accepted = ProxyChain::exact(["https://*.example/"]);
        assert_admits(&accepted, &["https://*.example/"], true);
        assert_admits(&accepted, &["https://a.example/"], false);
    }

    #[test]
    fn any_chain_is_any_chain_of_at_least_one_proxy() {
        let any = ProxyChain::dangerous_any();
        assert_admits(&any, &["https://evil.example/"], true);
        assert_admits(&any, &["a", "b", "c"], true);
        assert_admits(&any, &[], false);
    }

    #[test]
    fn a_chain_that_is_a_mistake_is_reported() {
        for accepted in [
            ProxyChain::exact(Vec::<String>::new()),
            ProxyChain::pattern(Vec::<String>::new()),
            ProxyChain::exact([""]),
            ProxyChain::exact(["https://a.example/", ""]),
            ProxyChain::exact([" https://a.example/"]),
            ProxyChain::exact(["https://a.example/\n"]),
            ProxyChain::exact(["https://\u{e9}.example/"]),
            ProxyChain::pattern([""]),
            ProxyChain::pattern(["*"]),
            ProxyChain::pattern(["a.example"]),
            ProxyChain::pattern(["//a.example/"]),
            ProxyChain::pattern(["*://a.example/"]),
            ProxyChain::pattern(["http*://a.example/"]),
            ProxyChain::pattern(["HTTPS://a.example/"]),
            ProxyChain::pattern(["ftp://a.example/"]),
            ProxyChain::pattern(["https://"]),
            ProxyChain::pattern(["https:///cb"]),
            ProxyChain::pattern(["https://*"]),
            ProxyChain::pattern(["https://*/cb"]),
            ProxyChain::pattern(["https://a.*/cb"]),
            ProxyChain::pattern(["https://a.example*"]),
            ProxyChain::pattern(["https://a.example*/cb"]),
            ProxyChain::pattern(["https://10.0.0.*/cb"]),
            ProxyChain::pattern(["https://a.example:*/cb"]),
            ProxyChain::pattern(["https://a.example:8*/cb"]),
            ProxyChain::pattern(["https://*@a.example/cb"]),
            ProxyChain::pattern(["https://a.example/cb?*"]),
            ProxyChain::pattern(["https://a.example/cb?x=*"]),
            ProxyChain::pattern(["https://a.example/cb#*"]),
            ProxyChain::pattern(["https://a.example/**"]),
            ProxyChain::pattern(["https://*-*.a.example/"]),
            ProxyChain::pattern(["https://a.example/ *"]),
            ProxyChain::pattern(["https://a.example/", "https://b.*/"]),
        ] {
            let error = accepted.check().unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidProxyChain { .. }),
                "{accepted:?}: {error}"
            );
        }
    }
}
