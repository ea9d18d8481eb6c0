//! The URLs, byte for byte.

use super::{LoginMode, LogoutParameter, ServerPaths, ServerUrl, Validation};
use crate::ConfigError;
use crate::language_tag::LanguageTag;
use crate::protocol::{
    LoginPage, Protocol, ProxyGrantingTicket, ResponseFormat, ServiceTicket, ServiceUrl,
    proxy_callback_url,
};

/// A plain validation by this protocol.
fn validation<'a>(
    protocol: Protocol,
    ticket: &'a ServiceTicket,
    service: &'a ServiceUrl,
) -> Validation<'a> {
    Validation {
        protocol,
        format: ResponseFormat::Xml,
        ticket,
        service,
        renewed: false,
        proxied: false,
        proxy_callback: None,
        extra: &[],
    }
}

#[test]
fn a_server_may_have_its_endpoints_elsewhere() {
    let paths = ServerPaths {
        login: "/oauth/login".to_owned(),
        logout: "/bye".to_owned(),
        validate: Some("/v4/check".to_owned()),
        proxy_validate: Some("/v4/proxyCheck".to_owned()),
        proxy: "/v4/proxy".to_owned(),
    };
    let server = ServerUrl::parse("https://cas.example.org/cas", paths, false).unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    let ticket = ServiceTicket::parse("ST-1").unwrap();
    let granting = ProxyGrantingTicket::parse("PGT-1").unwrap();
    let usual = validation(Protocol::Cas3, &ticket, &service);
    for (url, path) in [
        (
            server.login(
                Protocol::Cas3,
                &service,
                (LoginMode::Renew, &LoginPage::default()),
                &[],
            ),
            "/oauth/login?service=",
        ),
        (server.logout(LogoutParameter::Service, None), "/bye"),
        (server.logout_relay("x"), "/bye?_eventId=next"),
        (
            server.validate(&Validation {
                renewed: true,
                ..usual
            }),
            "/v4/check?service=",
        ),
        (
            server.validate(&Validation {
                proxied: true,
                ..usual
            }),
            "/v4/proxyCheck?service=",
        ),
        (
            server.proxy(&granting, &service).to_string(),
            "/v4/proxy?pgt=",
        ),
    ] {
        let expected = format!("https://cas.example.org/cas{path}");
        assert!(url.starts_with(&expected), "{url}");
    }
    let shortest = ServerPaths {
        login: "/a".to_owned(),
        ..ServerPaths::default()
    };
    ServerUrl::parse("https://cas.example.org", shortest, false).unwrap();
    for bad in [
        "",
        "/",
        "login",
        "//evil.example",
        "/a?b",
        "/a b",
        "/a#b",
        "https://b",
    ] {
        let usual = ServerPaths::default;
        let bad = || bad.to_owned();
        for paths in [
            ServerPaths {
                login: bad(),
                ..usual()
            },
            ServerPaths {
                validate: Some(bad()),
                ..usual()
            },
            ServerPaths {
                proxy_validate: Some(bad()),
                ..usual()
            },
            ServerPaths {
                proxy: bad(),
                ..usual()
            },
        ] {
            assert!(
                ServerUrl::parse("https://cas.example.org", paths.clone(), false).is_err(),
                "{paths:?}"
            );
        }
    }
}

#[test]
fn renewal_and_gateway_are_asked_for_by_exactly_true() {
    let server =
        ServerUrl::parse("https://cas.example.org", ServerPaths::default(), false).unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    let login = |mode| server.login(Protocol::Cas3, &service, (mode, &LoginPage::default()), &[]);
    let plain = login(LoginMode::Normal);
    assert_eq!(login(LoginMode::Renew), format!("{plain}&renew=true"));
    assert_eq!(login(LoginMode::Gateway), format!("{plain}&gateway=true"));
}

#[test]
fn a_server_url_is_normalised() {
    for (given, normalised) in [
        ("https://cas.example.org/cas", "https://cas.example.org/cas"),
        (
            "https://cas.example.org/cas/",
            "https://cas.example.org/cas",
        ),
        (
            "https://cas.example.org/cas///",
            "https://cas.example.org/cas",
        ),
        ("https://cas.example.org", "https://cas.example.org"),
        ("https://cas.example.org/", "https://cas.example.org"),
        (
            "HTTPS://CAS.Example.org:443/cas",
            "https://cas.example.org/cas",
        ),
        (
            "https://cas.example.org:8443/a/b",
            "https://cas.example.org:8443/a/b",
        ),
        (
            "https://cas.example.org/a/../Cas",
            "https://cas.example.org/Cas",
        ),
        ("http://localhost:8081", "http://localhost:8081"),
        ("http://127.0.0.1:8081/cas", "http://127.0.0.1:8081/cas"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8081/cas/", "http://[::1]:8081/cas"),
    ] {
        assert_eq!(
            ServerUrl::parse(given, ServerPaths::default(), false)
                .unwrap()
                .as_str(),
            normalised,
            "{given}"
        );
    }
}

#[test]
fn a_server_url_has_nothing_but_scheme_host_port_and_path() {
    for given in [
        "",
        "cas.example.org",
        "/cas",
        "ftp://cas.example.org",
        "https://",
        "https://cas.example.org:99999",
        "https://cas.example.org/cas?",
        "https://cas.example.org/cas?x=1",
        "https://cas.example.org/cas#",
        "https://cas.example.org/cas#x",
        "https://alice@cas.example.org/cas",
        "https://alice:hunter2@cas.example.org/cas",
        "https://@cas.example.org/cas",
        " https://cas.example.org",
        "https://cas.example.org/c as",
        "https://cas.exa\tmple.org",
        "https://cas.example.org\\cas",
    ] {
        let error = ServerUrl::parse(given, ServerPaths::default(), true).unwrap_err();
        assert!(
            matches!(error, ConfigError::InvalidUrl { .. }),
            "{given}: {error}"
        );
    }
}

#[test]
fn a_password_in_a_server_url_is_not_repeated_in_the_error() {
    for given in [
        "https://alice:hunter2@cas.example.org",
        "https://alice:hunter2@x:99999",
        "https://alice:hunter2@hunter2@cas.example.org",
        "https://alice:hunter2/hunter2@cas.example.org",
        "alice:hunter2@x",
    ] {
        let error = ServerUrl::parse(given, ServerPaths::default(), false).unwrap_err();
        let printed = format!("{error} {error:?}");
        assert!(
            !printed.contains("hunter2") && !printed.contains("alice"),
            "{printed}"
        );
    }
}

#[test]
fn plain_http_needs_loopback_or_leave_by_name() {
    for given in [
        "http://cas.example.org/cas",
        "http://10.0.0.1",
        "http://[::2]",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
    ] {
        let error = ServerUrl::parse(given, ServerPaths::default(), false).unwrap_err();
        assert!(
            matches!(error, ConfigError::InsecureHttp { .. }),
            "{given}: {error}"
        );
        ServerUrl::parse(given, ServerPaths::default(), true).unwrap();
    }
}

#[test]
fn a_server_url_says_whether_what_is_sent_there_is_encrypted_or_stays_here() {
    for (given, is_https, is_safe, is_here_in_clear) in [
        ("https://cas.example.org/cas", true, true, false),
        ("https://localhost/cas", true, true, false),
        ("http://localhost:8080", false, true, true),
        ("http://127.0.0.1/cas", false, true, true),
        ("http://[::1]:8080/cas", false, true, true),
        ("http://cas.example.org", false, false, false),
        ("http://10.0.0.1/cas", false, false, false),
    ] {
        let server = ServerUrl::parse(given, ServerPaths::default(), true).unwrap();
        assert_eq!(server.is_https(), is_https, "{given}");
        assert_eq!(server.is_safe_for_passwords(), is_safe, "{given}");
        assert_eq!(
            server.is_this_machine_in_clear(),
            is_here_in_clear,
            "{given}"
        );
    }
}

#[test]
fn every_parameter_is_encoded_once() {
    let server = ServerUrl::parse(
        "https://cas.example.org/cas/",
        ServerPaths::default(),
        false,
    )
    .unwrap();
    let service = ServiceUrl::parse("https://app.example.org/login?next=/a%20b&x=1+2").unwrap();
    let encoded = "https%3A%2F%2Fapp.example.org%2Flogin%3Fnext%3D%2Fa%2520b%26x%3D1%2B2";

    let extra = [("lo&c".to_owned(), "fr ü=#".to_owned())];
    for (protocol, names) in [
        (Protocol::Cas3, format!("service={encoded}")),
        (
            Protocol::Saml1,
            format!("service={encoded}&TARGET={encoded}"),
        ),
    ] {
        assert_eq!(
            server.login(
                protocol,
                &service,
                (LoginMode::Normal, &LoginPage::default()),
                &[]
            ),
            format!("https://cas.example.org/cas/login?{names}")
        );
        assert_eq!(
            server.login(
                protocol,
                &service,
                (LoginMode::Normal, &LoginPage::default()),
                &extra
            ),
            format!("https://cas.example.org/cas/login?{names}&lo%26c=fr%20%C3%BC%3D%23")
        );
    }
    for (parameter, name) in [
        (LogoutParameter::Service, "service"),
        (LogoutParameter::Url, "url"),
    ] {
        assert_eq!(
            server.logout(parameter, Some(&service)),
            format!("https://cas.example.org/cas/logout?{name}={encoded}")
        );
        assert_eq!(
            server.logout(parameter, None),
            "https://cas.example.org/cas/logout"
        );
    }
    let ticket = ServiceTicket::parse("ST-1_a.b~c-D").unwrap();
    for (protocol, path) in [
        (Protocol::Cas1, "/validate"),
        (Protocol::Cas2, "/serviceValidate"),
        (Protocol::Cas3, "/p3/serviceValidate"),
    ] {
        let url =
            format!("https://cas.example.org/cas{path}?service={encoded}&ticket=ST-1_a.b~c-D");
        let validate = |format| {
            server.validate(&Validation {
                format,
                ..validation(protocol, &ticket, &service)
            })
        };
        assert_eq!(validate(ResponseFormat::Xml), url);
        assert_eq!(validate(ResponseFormat::Json), format!("{url}&format=JSON"));
    }
    // The ticket travels in the body.
    assert_eq!(
        server.validate(&validation(Protocol::Saml1, &ticket, &service)),
        format!("https://cas.example.org/cas/samlValidate?TARGET={encoded}")
    );
}

#[test]
fn a_server_at_the_root_is_joined_with_one_slash() {
    let server =
        ServerUrl::parse("https://cas.example.org/", ServerPaths::default(), false).unwrap();
    assert_eq!(
        server.logout(LogoutParameter::Service, None),
        "https://cas.example.org/logout"
    );
}

#[test]
fn tickets_that_may_be_proxied_are_validated_elsewhere() {
    let server =
        ServerUrl::parse("https://cas.example.org", ServerPaths::default(), false).unwrap();
    let ticket = ServiceTicket::parse("PT-1").unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    for (protocol, path) in [
        (Protocol::Cas1, "/validate"),
        (Protocol::Cas2, "/proxyValidate"),
        (Protocol::Cas3, "/p3/proxyValidate"),
        (Protocol::Saml1, "/samlValidate"),
    ] {
        let url = server.validate(&Validation {
            proxied: true,
            ..validation(protocol, &ticket, &service)
        });
        let expected = format!("https://cas.example.org{path}?");
        assert!(url.starts_with(&expected), "{url}");
    }
}

#[test]
fn a_proxy_callback_cannot_add_a_parameter() {
    let server =
        ServerUrl::parse("https://cas.example.org", ServerPaths::default(), false).unwrap();
    let ticket = ServiceTicket::parse("ST-1").unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    let usual = validation(Protocol::Cas3, &ticket, &service);
    let plain = server.validate(&usual);
    for (callback, encoded) in [
        (
            "https://app.example.org/cb",
            "https%3A%2F%2Fapp.example.org%2Fcb",
        ),
        (
            "https://app.example.org/cb?a=1&ticket2=ST-2&b=%26renew%3Dtrue+%20;x",
            "https%3A%2F%2Fapp.example.org%2Fcb%3Fa%3D1%26ticket2%3DST-2%26b%3D%2526renew%253Dtrue%2B%2520%3Bx",
        ),
    ] {
        let callback = proxy_callback_url(callback, false).unwrap();
        let url = server.validate(&Validation {
            proxy_callback: Some(&callback),
            ..usual
        });
        assert_eq!(url, format!("{plain}&pgtUrl={encoded}"));
    }
}

#[test]
fn neither_ticket_nor_target_can_add_a_parameter_to_a_request_for_a_proxy_ticket() {
    let server =
        ServerUrl::parse("https://cas.example.org/cas", ServerPaths::default(), false).unwrap();
    let ticket = ProxyGrantingTicket::parse("PGT-1_a.b~c-D").unwrap();
    for (target, encoded) in [
        (
            "https://mail.example.org/inbox",
            "https%3A%2F%2Fmail.example.org%2Finbox",
        ),
        (
            "https://mail.example.org/?a=1&pgt=PGT-2&targetService=%26x%3d%23+%20",
            "https%3A%2F%2Fmail.example.org%2F%3Fa%3D1%26pgt%3DPGT-2%26targetService%3D%2526x%253d%2523%2B%2520",
        ),
    ] {
        let target = ServiceUrl::parse(target).unwrap();
        assert_eq!(
            *server.proxy(&ticket, &target),
            format!("https://cas.example.org/cas/proxy?pgt=PGT-1_a.b~c-D&targetService={encoded}")
        );
    }
    #[cfg(target_os = "linux")]
    {
        let marker = crate::secret::tests::Marker::new();
        let ticket = ProxyGrantingTicket::parse(&marker.text()).unwrap();
        let target = format!("https://mail.example.org/?{}", "%20".repeat(700));
        let url = server.proxy(&ticket, &ServiceUrl::parse(target).unwrap());
        assert_eq!(marker.copies(), 2, "in the ticket and in the URL");
        drop((ticket, url));
        assert_eq!(marker.copies(), 0);
    }
    let odd = ProxyGrantingTicket::parse("PGT-1#x%26=+/:@?").unwrap();
    let target = ServiceUrl::parse("https://mail.example.org/").unwrap();
    assert_eq!(
        *server.proxy(&odd, &target),
        "https://cas.example.org/cas/proxy?pgt=PGT-1%23x%2526%3D%2B%2F%3A%40%3F\
         &targetService=https%3A%2F%2Fmail.example.org%2F"
    );
    // What would need more than that is neither.
    for text in ["PGT-1&x=y", "PGT-1 x", "PGT-1\u{e9}"] {
        assert!(ProxyGrantingTicket::parse(text).is_err(), "{text}");
    }
    for text in [
        "https://mail.example.org/#x",
        "https://mail.example.org/ x",
        "https://mail.example.org/\u{e9}",
    ] {
        assert!(ServiceUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_url_of_an_endpoint_is_an_error_that_says_what_it_should_be() {
    let parse = |url: &str| ServerUrl::parse(url, ServerPaths::default(), false);
    for endpoint in [
        "login",
        "logout",
        "validate",
        "serviceValidate",
        "p3/serviceValidate",
        "proxyValidate",
        "p3/proxyValidate",
        "proxy",
        "samlValidate",
        "Login",
        "servicevalidate",
        "login/",
    ] {
        for base in ["https://cas.example.org/cas", "https://cas.example.org"] {
            let given = format!("{base}/{endpoint}");
            let error = parse(&given).unwrap_err();
            assert!(
                matches!(
                    &error,
                    ConfigError::CasUrlOfEndpoint { url, should_be, .. }
                        if *url == given && should_be == base
                ),
                "{given}: {error}"
            );
        }
    }
    for url in [
        "https://login.example.org/",
        "https://login/",
        "https://proxy",
        "https://cas.example.org/login/cas",
        "https://cas.example.org/mylogin",
        "https://cas.example.org/p3",
        "https://cas.example.org/login.do",
    ] {
        assert!(parse(url).is_ok(), "{url}");
    }
}

#[test]
fn what_the_login_page_is_asked_for_comes_before_other_parameters_and_never_with_a_gateway() {
    let server = "https://cas.example.org/cas";
    let server = ServerUrl::parse(server, ServerPaths::default(), false).unwrap();
    let service = ServiceUrl::parse("https://app.example.org/").unwrap();
    let page = LoginPage {
        warns: true,
        remembers: true,
        locale: LanguageTag::parse("pt-BR"),
    };
    let extra = [("theme".to_owned(), "dark".to_owned())];
    let login = |mode, page: &LoginPage| {
        let url = server.login(Protocol::Cas3, &service, (mode, page), &extra);
        let (_, rest) = url.split_once("app.example.org%2F").unwrap();
        rest.to_owned()
    };
    let asked = "&warn=true&rememberMe=true&locale=pt-BR&theme=dark";
    assert_eq!(login(LoginMode::Normal, &page), asked);
    assert_eq!(
        login(LoginMode::Renew, &page),
        format!("&renew=true{asked}")
    );
    assert_eq!(login(LoginMode::Gateway, &page), "&gateway=true&theme=dark");
    let one = LoginPage {
        remembers: true,
        ..LoginPage::default()
    };
    assert_eq!(
        login(LoginMode::Normal, &one),
        "&rememberMe=true&theme=dark"
    );
    assert_eq!(
        login(LoginMode::Normal, &LoginPage::default()),
        "&theme=dark"
    );
}

#[test]
fn a_login_adds_to_what_every_login_asks_for() {
    let page = |warns, remembers, locale| LoginPage {
        warns,
        remembers,
        locale: LanguageTag::parse(locale),
    };
    let none = LoginPage::default();
    assert_eq!(none.with(&none), none);
    let always = page(true, false, "de");
    assert_eq!(always.with(&none), always);
    assert_eq!(
        always.with(&page(false, true, "fr")),
        page(true, true, "fr")
    );
    assert_eq!(none.with(&always), always);
}
