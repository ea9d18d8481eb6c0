//! Chains that are accepted, and what looks like them.

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
fn a_proxy_that_ends_in_a_slash_admits_nothing_below_it() {
    for accepted in [
        ProxyChain::exact(["https://b.a.example/"]),
        ProxyChain::pattern(["https://b.a.example/"]),
        ProxyChain::pattern(["https://*.a.example/"]),
    ] {
        assert_admits(&accepted, &["https://b.a.example/"], true);
        for longer in [
            "https://b.a.example/evil",
            "https://b.a.example//",
            "https://b.a.example/?",
            "https://b.a.example/\n",
            "https://b.a.example",
        ] {
            assert_admits(&accepted, &[longer], false);
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

/// `https://app.evil.` is `https://app.evil`, and `https://9.1` is the address 9.0.0.1.
#[test]
fn a_wildcard_where_it_would_stand_for_any_host_is_a_mistake() {
    for pattern in [
        "https://*./cb",
        "https://app.*./cb",
        "https://app.*..:443/cb",
        "https://*.1/cb",
        "https://*.0.0.1/cb",
        "https://10.*.0.1./cb",
        "https://a*.0x1/cb",
    ] {
        let error = ProxyChain::pattern([pattern]).check().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidProxyChain { .. }),
            "{pattern}: {error}"
        );
    }
    for pattern in [
        "https://*.example./cb",
        "https://10.0.0.1/*",
        "https://*.1a/cb",
    ] {
        assert!(ProxyChain::pattern([pattern]).check().is_ok(), "{pattern}");
    }
}
