//! What a builder takes, and which mistakes it reports.

use std::time::Duration;

use crate::{
    CasClient, CasClientBuilder, ConfigError, LogoutParameter, Protocol, ProxyChain,
    ResponseFormat, ServiceUrl,
};

fn builder() -> CasClientBuilder {
    CasClient::builder("https://CAS.example.org/cas/")
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let client = builder().build().unwrap();
    assert_eq!(client.url(), "https://cas.example.org/cas");
    assert_eq!(client.protocol(), Protocol::Cas3);
    assert_eq!(client.timeout(), Duration::from_secs(10));
}

#[test]
fn the_url_is_checked_when_the_client_is_built() {
    let error = CasClient::builder("cas.example.org").build().unwrap_err();
    assert!(matches!(error, ConfigError::InvalidUrl { .. }), "{error}");
    let insecure = || CasClient::builder("http://cas.example.org");
    let error = insecure().build().unwrap_err();
    assert!(matches!(error, ConfigError::InsecureHttp { .. }), "{error}");
    insecure().allow_insecure_http(true).build().unwrap();
}

#[test]
fn time_limits_are_more_than_zero_and_at_most_five_minutes() {
    for limit in [
        Duration::ZERO,
        Duration::from_millis(300_001),
        Duration::MAX,
    ] {
        for builder in [builder().timeout(limit), builder().connect_timeout(limit)] {
            let error = builder.build().unwrap_err();
            assert!(
                matches!(error, ConfigError::InvalidDuration { .. }),
                "{error}"
            );
        }
    }
    let limit = Duration::from_secs(300);
    let client = builder()
        .timeout(limit)
        .connect_timeout(limit)
        .build()
        .unwrap();
    assert_eq!(client.timeout(), limit);
}

#[test]
fn json_is_for_cas_2_and_3_alone() {
    for protocol in [
        Protocol::Cas1,
        Protocol::Cas2,
        Protocol::Cas3,
        Protocol::Saml1,
    ] {
        let with = |format| builder().protocol(protocol).format(format).build();
        with(ResponseFormat::Xml).unwrap();
        let is_taken = matches!(protocol, Protocol::Cas2 | Protocol::Cas3);
        match with(ResponseFormat::Json) {
            Ok(_) => assert!(is_taken, "{protocol}"),
            Err(error) => {
                assert!(!is_taken, "{protocol}");
                let text = error.to_string();
                assert!(text.contains(&protocol.to_string()), "{text}");
            }
        }
    }
}

#[test]
fn clocks_may_differ_by_ten_minutes_at_most() {
    for (tolerance, is_taken) in [
        (Duration::ZERO, true),
        (Duration::from_secs(600), true),
        (Duration::from_millis(600_001), false),
        (Duration::MAX, false),
    ] {
        let result = builder().saml_clock_tolerance(tolerance).build();
        assert_eq!(result.is_ok(), is_taken, "{tolerance:?}");
    }
}

#[test]
fn login_parameters_are_sent_in_order_and_encoded() {
    let client = builder()
        .login_parameter("locale", "fr")
        .login_parameter("a b", "&=")
        .build()
        .unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    assert_eq!(
        client.login_url(&service),
        "https://cas.example.org/cas/login?service=https%3A%2F%2Fapp.example.org%2F&locale=fr&a%20b=%26%3D"
    );
}

#[test]
fn login_parameters_of_the_protocol_twice_or_unprintable_are_refused() {
    for name in [
        "service", "Service", "renew", "gateway", "method", "ticket", "TARGET", "target",
        "password", "",
    ] {
        let error = builder().login_parameter(name, "x").build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidLoginParameter { .. }),
            "{name}: {error}"
        );
    }
    for builder in [
        builder()
            .login_parameter("a", "1")
            .login_parameter("a", "2"),
        builder().login_parameter("a", "1\n"),
        builder().login_parameter("a\0", "1"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidLoginParameter { .. }),
            "{error}"
        );
    }
}

#[test]
fn validation_parameters_never_take_the_place_of_our_own() {
    for name in [
        "service", "SERVICE", "renew", "ticket", "format", "pgtUrl", "PGTURL", "TARGET", "",
    ] {
        let error = builder()
            .validation_parameter(name, "x")
            .build()
            .unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidValidationParameter { .. }),
            "{name}: {error}"
        );
    }
    for builder in [
        builder()
            .validation_parameter("a", "1")
            .validation_parameter("a", "1"),
        builder().validation_parameter("a", "1\n"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidValidationParameter { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_namespace_that_no_answer_can_be_in_is_refused() {
    let long = "x".repeat(1_025);
    for namespace in ["", " ", "urn:a b", "urn:a\n", &long] {
        let error = builder().response_namespace(namespace).build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidResponseNamespace { .. }),
            "{namespace}: {error}"
        );
    }
    for protocol in [Protocol::Cas1, Protocol::Saml1] {
        let builder = builder().protocol(protocol).response_namespace("urn:a");
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidResponseNamespace { .. }),
            "{error}"
        );
    }
}

#[test]
fn pages_of_the_server_may_be_elsewhere() {
    let client = builder()
        .login_page_path("/enter")
        .logout_page_path("/leave")
        .build()
        .unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    let query = "?service=https%3A%2F%2Fapp.example.org%2F";
    let at = |page: &str| format!("https://cas.example.org/cas{page}{query}");
    assert_eq!(client.login_url(&service), at("/enter"));
    assert_eq!(client.logout_url(Some(&service)), at("/leave"));
}

#[test]
fn the_logout_parameter_can_be_chosen() {
    let client = builder()
        .logout_parameter(LogoutParameter::Url)
        .build()
        .unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    assert_eq!(
        client.logout_url(Some(&service)),
        "https://cas.example.org/cas/logout?url=https%3A%2F%2Fapp.example.org%2F"
    );
}

#[test]
fn a_root_certificate_that_is_none_is_reported() {
    for pem in [
        "",
        "not a certificate",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let error = builder().add_root_certificate_pem(pem).build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidCertificate { .. }),
            "{pem}: {error}"
        );
    }
}

#[test]
fn the_functions_on_the_http_client_run_in_order() {
    let (send, calls) = std::sync::mpsc::channel();
    let again = send.clone();
    builder()
        .http_client(move |http| {
            send.send(1).unwrap();
            http
        })
        .http_client(move |http| {
            again.send(2).unwrap();
            http
        })
        .build()
        .unwrap();
    assert_eq!(calls.iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn proxies_are_for_cas_2_and_3_alone() {
    for protocol in [
        Protocol::Cas1,
        Protocol::Cas2,
        Protocol::Cas3,
        Protocol::Saml1,
    ] {
        let is_taken = matches!(protocol, Protocol::Cas2 | Protocol::Cas3);
        for builder in [
            builder().accept_proxies([ProxyChain::exact(["https://a.example/"])]),
            builder().accept_proxies([ProxyChain::dangerous_any()]),
            builder().proxy_callback_url("https://app.example.org/cb"),
        ] {
            match builder.protocol(protocol).build() {
                Ok(_) => assert!(is_taken, "{protocol}"),
                Err(error) => {
                    assert!(!is_taken, "{protocol}");
                    let text = error.to_string();
                    assert!(text.contains(&protocol.to_string()), "{text}");
                }
            }
        }
        builder()
            .accept_proxies([])
            .protocol(protocol)
            .build()
            .unwrap();
    }
}

#[test]
fn a_chain_of_proxies_that_is_a_mistake_is_reported() {
    for (chain, named) in [
        (ProxyChain::exact(Vec::<String>::new()), "no proxies"),
        (
            ProxyChain::pattern(["https://a.*/cb"]),
            "`https://a.*/cb` in an accepted chain",
        ),
    ] {
        let fine = ProxyChain::exact(["https://a.example/"]);
        let error = builder().accept_proxies([fine, chain]).build().unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidProxyChain { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn a_proxy_callback_url_is_https_unless_allowed_by_name() {
    let insecure = || builder().proxy_callback_url("http://app.example.org/cb");
    let error = insecure().build().unwrap_err();
    assert!(matches!(error, ConfigError::InsecureHttp { .. }), "{error}");
    insecure().allow_insecure_http(true).build().unwrap();
    let error = builder().proxy_callback_url("/cb").build().unwrap_err();
    assert!(matches!(error, ConfigError::InvalidUrl { .. }), "{error}");
}
