//! The names of our cookies.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::error::ConfigError;

/// Longest name that a user may choose, in bytes.
const MAX_LEN: usize = 64;

/// The names of the session cookie, of the login binding cookie, and of the cookie that counts rounds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CookieNames {
    pub(crate) session: String,
    pub(crate) binding: String,
    pub(crate) rounds: String,
}

impl CookieNames {
    /// `chosen` is the base name that the app chose. The default has a short hash of app and CAS server, so that two
    /// apps on one host do not overwrite each other's cookies. On https all names get the prefix `__Host-` (RFC
    /// 6265bis, section 4.1.3.2).
    ///
    /// Cookies for frames have names of their own: a browser keeps the ones from before beside them, and would send both.
    pub(crate) fn new(
        chosen: Option<&str>,
        app_url: &str,
        cas_url: &str,
        https: bool,
        framed: bool,
    ) -> Result<Self, ConfigError> {
        let base = match chosen {
            Some(name) => {
                check(name)?;
                name.to_owned()
            }
            None => format!("cas-{}", short_hash(&[app_url, cas_url])),
        };
        let prefix = if https { "__Host-" } else { "" };
        let base = format!("{prefix}{base}{}", if framed { "-framed" } else { "" });
        Ok(Self {
            session: format!("{base}-session"),
            binding: format!("{base}-login"),
            rounds: format!("{base}-rounds"),
        })
    }
}

fn check(name: &str) -> Result<(), ConfigError> {
    let invalid = |reason| ConfigError::InvalidCookieName {
        name: name.to_owned(),
        reason,
    };
    if name.is_empty() || name.len() > MAX_LEN {
        return Err(invalid("is not 1 to 64 characters long"));
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    {
        return Err(invalid(
            "has other characters than letters, digits, `-`, `_` and `.`",
        ));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("__host-") || lower.starts_with("__secure-") {
        return Err(invalid(
            "give it without a prefix: the layer adds the right one",
        ));
    }
    Ok(())
}

fn short_hash(parts: &[&str]) -> String {
    let hash: [u8; 32] = Sha256::digest(parts.join("\n")).into();
    let (short, _) = hash.split_at(4);
    HEXLOWER.encode(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(app: &str, cas: &str, https: bool) -> CookieNames {
        CookieNames::new(None, app, cas, https, false).unwrap()
    }

    #[test]
    fn apps_and_cas_servers_do_not_share_a_name() {
        let one = names("https://a", "https://cas", true);
        assert!(one.session.starts_with("__Host-cas-") && one.session.ends_with("-session"));
        assert_ne!(one, names("https://b", "https://cas", true));
        assert_ne!(one, names("https://a", "https://other", true));
        assert_ne!(one.session, one.binding);
        assert_eq!(one, names("https://a", "https://cas", true));
    }

    #[test]
    fn plain_http_has_no_prefix() {
        assert!(
            names("http://a", "http://cas", false)
                .session
                .starts_with("cas-")
        );
    }

    #[test]
    fn names_that_browsers_or_proxies_would_mangle_are_refused() {
        for bad in [
            "",
            "a b",
            "a;b",
            "a=b",
            "ä",
            "__Host-a",
            "__secure-a",
            &"a".repeat(65),
        ] {
            assert!(
                CookieNames::new(Some(bad), "", "", true, false).is_err(),
                "{bad}"
            );
        }
        let names = CookieNames::new(Some("portal"), "", "", true, false).unwrap();
        assert_eq!(names.session, "__Host-portal-session");
        let names = CookieNames::new(Some("portal"), "", "", true, true).unwrap();
        assert_eq!(names.session, "__Host-portal-framed-session");
    }
}
