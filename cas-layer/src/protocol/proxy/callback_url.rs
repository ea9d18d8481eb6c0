//! Where the CAS server brings proxy-granting tickets: `pgtUrl` (CAS protocol 2.5.1, 2.5.4).

use url::Url;

use crate::{
    ConfigError,
    protocol::{InvalidServiceUrl, ServiceUrl},
    strict_url::{UrlFault, check_https, printable},
};

const WHAT: &str = "proxy callback URL";

/// Checks a callback URL. It has the form of a service URL, since servers treat it like one: it is this app's name
/// in chains of proxies, compared byte for byte.
pub(crate) fn proxy_callback_url(
    given: &str,
    allow_insecure_http: bool,
) -> Result<ServiceUrl, ConfigError> {
    let invalid = |reason| ConfigError::InvalidUrl {
        what: WHAT,
        url: printable(given),
        reason,
    };
    let callback = ServiceUrl::parse(given).map_err(|error| {
        invalid(match error {
            InvalidServiceUrl::NotAbsolute => "it is not an absolute http or https URL",
            InvalidServiceUrl::ForeignCharacter => {
                "it has a character that CAS servers refuse or rewrite"
            }
            InvalidServiceUrl::Fragment => "it has a fragment",
            InvalidServiceUrl::UserInfo => UrlFault::UserInfo.as_str(),
            InvalidServiceUrl::Host => {
                "it has no host, or not all programs read its host or port alike"
            }
            InvalidServiceUrl::Ticket => "it has a query parameter `ticket`",
        })
    })?;
    let url = Url::parse(given).map_err(|_| invalid("it is not an absolute URL"))?;
    if url
        .query_pairs()
        .any(|(name, _)| matches!(&*name, "pgtId" | "pgtIou"))
    {
        return Err(invalid(
            "it has a query parameter `pgtId` or `pgtIou`, which the CAS server adds",
        ));
    }
    check_https(WHAT, given, &url, allow_insecure_http)?;
    Ok(callback)
}

#[cfg(test)]
mod tests {
    use super::proxy_callback_url;
    use crate::ConfigError;

    #[test]
    fn a_callback_url_is_kept_byte_for_byte() {
        for url in [
            "https://app.example.org/proxy_callback",
            "https://App.example.org:8443/cb?app=a%20b&x=1",
            "http://127.0.0.1:8080/cb",
            "http://localhost/cb",
            "http://[::1]:1/cb",
        ] {
            assert_eq!(proxy_callback_url(url, false).unwrap().as_str(), url);
        }
    }

    #[test]
    fn plain_http_needs_loopback_or_leave_by_name() {
        for url in [
            "http://app.example.org/cb",
            "HTTP://10.0.0.1/cb",
            "http://localhost.example.org/cb",
        ] {
            let error = proxy_callback_url(url, false).unwrap_err();
            assert!(matches!(error, ConfigError::InsecureHttp { .. }), "{error}");
            proxy_callback_url(url, true).unwrap();
        }
    }

    #[test]
    fn what_servers_refuse_or_answer_wrongly_is_no_callback_url() {
        for url in [
            "",
            "/cb",
            "ftp://app.example.org/cb",
            "https://app.example.org/cb#x",
            "https://app.example.org/a b",
            "https://app.example.org/\u{e9}",
            "https://app.example.org/cb\n",
            "https://alice:hunter2@app.example.org/cb",
            "https://alice:hun@hunter2@app.example.org/cb",
            "https://alice:hunter2%40app.example.org/cb",
            "http://1/cb",
            "https://app.example.org/cb?ticket=1",
            "https://app.example.org/cb?pgtId=1",
            "https://app.example.org/cb?a=1&pgt%49ou=2",
        ] {
            let error = proxy_callback_url(url, true).unwrap_err();
            let printed = format!("{error} {error:?}");
            assert!(printed.contains("proxy callback URL"), "{printed}");
            assert!(!printed.contains("hunter2"), "{printed}");
        }
    }
}
