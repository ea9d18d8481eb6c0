//! Chains of proxies.

use url::Url;

use crate::ProxyChain;

/// A chain in lines, and below an empty line the proxies of an answer.
pub fn proxy_chain(text: &str) {
    let (chain, proxies) = text.split_once("\n\n").unwrap_or((text, ""));
    let chain: Vec<&str> = chain.lines().collect();
    let proxies: Vec<String> = proxies.lines().map(str::to_owned).collect();
    let exact = ProxyChain::exact(chain.clone());
    let is_same = chain == proxies && !proxies.is_empty();
    assert_eq!(exact.admits(&proxies), is_same);

    let pattern = ProxyChain::pattern(chain.clone());
    if pattern.check().is_err() {
        return;
    }
    let alike = |(pattern, proxy): (&&str, &String)| matches(pattern.as_bytes(), proxy.as_bytes());
    let expected = chain.len() == proxies.len() && chain.iter().zip(&proxies).all(alike);
    assert_eq!(pattern.admits(&proxies), expected);
    if expected {
        for (pattern, proxy) in chain.iter().zip(&proxies) {
            stays_at_its_host(pattern, proxy);
        }
    }
}

/// What the documentation says of a pattern, byte by byte.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let is_of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_~".contains(byte);
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => {
            let most = text.iter().take_while(|byte| is_of_a_name(byte)).count();
            (1..=most).any(|taken| matches(rest, &text[taken..]))
        }
        Some((first, rest)) => text
            .split_first()
            .is_some_and(|(own, text)| own == first && matches(rest, text)),
    }
}

/// What a browser makes of both has one origin, but for the labels with a `*`.
fn stays_at_its_host(pattern: &str, proxy: &str) {
    let (Ok(ours), Ok(theirs)) = (Url::parse(&pattern.replace('*', "x")), Url::parse(proxy)) else {
        return;
    };
    assert_eq!(ours.scheme(), theirs.scheme());
    assert_eq!(ours.port_or_known_default(), theirs.port_or_known_default());
    assert_eq!(theirs.username(), "");
    let labels = |url: &Url| -> Vec<String> {
        let host = url.host_str().unwrap_or_default();
        host.split('.').map(str::to_owned).collect()
    };
    let (ours, theirs) = (labels(&ours), labels(&theirs));
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(ours.last(), theirs.last());
}
