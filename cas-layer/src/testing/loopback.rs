//! The only place that the server sends requests to: loopback.

use url::{Host, Url};

/// Where requests to this URL of a service go; `None` unless that is http or https on loopback.
pub(super) fn url(service: &str) -> Option<Url> {
    let mut url = Url::parse(service).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !is_loopback(&url.host()?) {
        return None;
    }
    url.set_fragment(None);
    Some(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        // Names below `localhost` are loopback too (RFC 6761, 6.3).
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// A service URL as far as it may be logged: without its query, which can carry anything.
pub(super) fn shown(service: &str) -> String {
    match Url::parse(service) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Err(_) => "no URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, url};

    #[test]
    fn only_loopback_is_a_target() {
        for service in [
            "http://127.0.0.1:8080/login",
            "https://127.255.255.254/",
            "http://[::1]:8080/",
            "http://localhost/",
            "https://LOCALHOST:8443/a",
            "http://app.localhost:8080/",
        ] {
            assert!(url(service).is_some(), "{service}");
        }
        for service in [
            "https://app.example.org/",
            "http://localhost.example.org/",
            "http://notlocalhost/",
            "http://localhost./",
            "http://127.0.0.1.example.org/",
            "http://127.0.0.1@example.org/",
            "http://0.0.0.0:8080/",
            "http://10.0.0.1/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "ftp://127.0.0.1/",
            "app:login",
            "127.0.0.1",
            "",
        ] {
            assert!(url(service).is_none(), "{service}");
        }
    }

    #[test]
    fn the_query_stays_and_the_fragment_goes() {
        let service = "http://127.0.0.1:8080/login?q=1&r=%C3%85#part";
        assert_eq!(
            url(service).unwrap().as_str(),
            "http://127.0.0.1:8080/login?q=1&r=%C3%85"
        );
    }

    #[test]
    fn no_query_and_no_password_is_shown() {
        assert_eq!(
            shown("http://user:pass@a.example:81/b?ticket=ST-1#c"),
            "http://a.example:81/b"
        );
        assert_eq!(shown("ST-1"), "no URL");
    }
}
