//! Users who come through proxies, and the way to a proxy-granting ticket.

use super::server::{Answer, Server, ok};
use super::{ALICE, SERVICE, builder, client, failure, or_hang, validate};
use crate::{CasClient, Protocol, ProxyChain, ServiceTicket, ServiceUrl, ValidationErrorKind};

const NEAR: &str = "https://near.proxy.example/cb";
const FAR: &str = "https://far.proxy.example/cb";

/// Alice, who came through these proxies, in XML and in JSON.
fn alice_through(proxies: &[&str]) -> [String; 2] {
    let tags: Vec<String> = proxies
        .iter()
        .map(|proxy| format!("<c:proxy>{proxy}</c:proxy>"))
        .collect();
    let strings: Vec<String> = proxies.iter().map(|proxy| format!("{proxy:?}")).collect();
    [
        format!(
            "<c:serviceResponse xmlns:c='http://www.yale.edu/tp/cas'><c:authenticationSuccess>\
             <c:user>alice</c:user><c:proxies>{}</c:proxies></c:authenticationSuccess></c:serviceResponse>",
            tags.concat()
        ),
        format!(
            r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"alice","proxies":[{}]}}}}}}"#,
            strings.join(",")
        ),
    ]
}

fn accepting(server: &Server, chains: impl IntoIterator<Item = ProxyChain>) -> CasClient {
    builder(&server.url).accept_proxies(chains).build().unwrap()
}

#[tokio::test]
async fn no_proxy_is_accepted_unless_a_chain_is_configured() {
    for body in alice_through(&[NEAR]) {
        let server = Server::with_body(&body).await;
        for client in [client(&server), accepting(&server, [])] {
            let error = failure(&client).await;
            assert_eq!(error.kind(), ValidationErrorKind::Refused);
            assert_eq!(error.proxies(), [NEAR]);
        }
        for request in server.requests() {
            assert!(
                request.starts_with("GET /cas/p3/serviceValidate?"),
                "{request}"
            );
        }
    }
}

#[tokio::test]
async fn a_user_among_the_proxies_is_no_proxy_only_where_none_is_accepted() {
    for body in alice_through(&["alice"]) {
        let server = Server::with_body(&body).await;
        for client in [client(&server), accepting(&server, [])] {
            assert!(validate(&client).await.unwrap().proxies().is_empty());
        }
        let error = failure(&accepting(&server, [ProxyChain::exact([NEAR])])).await;
        assert_eq!(error.kind(), ValidationErrorKind::Refused);
        assert_eq!(error.proxies(), ["alice"]);
    }
}

#[tokio::test]
async fn a_chain_is_accepted_if_it_is_a_configured_one() {
    let chains = || {
        [
            ProxyChain::exact([NEAR, FAR]),
            ProxyChain::pattern(["https://node-*.proxy.example/cb"]),
        ]
    };
    for (proxies, accepted) in [
        (&[][..], true),
        (&[NEAR, FAR], true),
        (&["https://node-1.proxy.example/cb"], true),
        (&[FAR, NEAR], false),
        (&[NEAR], false),
        (&[FAR], false),
        (&[NEAR, FAR, FAR], false),
        (&["https://near.proxy.example/cb.evil.example", FAR], false),
        (&["https://near.proxy.example.evil.example/cb", FAR], false),
        (&["https://node-1.proxy.example.evil.example/cb"], false),
        (&["https://node-1.evil.proxy.example/cb"], false),
        (&["https://node-1.proxy.example/cb", FAR], false),
    ] {
        for body in alice_through(proxies) {
            let server = Server::with_body(&body).await;
            let client = accepting(&server, chains());
            if accepted {
                let authentication = validate(&client).await.unwrap();
                assert_eq!(authentication.user(), "alice");
                assert_eq!(authentication.proxies(), proxies);
            } else {
                let error = failure(&client).await;
                assert_eq!(error.kind(), ValidationErrorKind::Refused, "{proxies:?}");
                assert_eq!(error.code(), None);
                assert_eq!(error.proxies(), proxies);
                assert!(!format!("{error} {error:?}").contains("proxy.example"));
            }
        }
    }
}

#[tokio::test]
async fn chains_of_several_calls_add_up_and_any_is_any() {
    for body in alice_through(&[NEAR, FAR]) {
        let server = Server::with_body(&body).await;
        let client = builder(&server.url)
            .accept_proxies([ProxyChain::exact([NEAR, FAR])])
            .accept_proxies([ProxyChain::exact([FAR])])
            .build()
            .unwrap();
        validate(&client).await.unwrap();
        validate(&accepting(&server, [ProxyChain::dangerous_any()]))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn with_a_chain_configured_tickets_are_validated_where_proxy_tickets_are() {
    let query = "service=https%3A%2F%2Fapp.example.org%2Fhidden-service%3Fnext%3D%2Fa%2520b%26c%3Dd\
                 &ticket=ST-1-hidden_ticket.cas~01";
    let accepted = || [ProxyChain::exact([NEAR])];
    for (protocol, path) in [
        (Protocol::Cas2, "/cas/proxyValidate"),
        (Protocol::Cas3, "/cas/p3/proxyValidate"),
    ] {
        let server = Server::with_body(super::ALICE).await;
        let builder = || {
            builder(&server.url)
                .protocol(protocol)
                .accept_proxies(accepted())
        };
        validate(&builder().build().unwrap()).await.unwrap();
        validate(&builder().proxy_validate_path("/check").build().unwrap())
            .await
            .unwrap();
        assert_eq!(
            server.requests(),
            [path, "/cas/check"].map(|path| format!("GET {path}?{query} HTTP/1.1"))
        );
    }
}

#[tokio::test]
async fn credentials_just_given_never_come_through_a_proxy() {
    for body in alice_through(&[NEAR]) {
        let server = Server::with_body(&body).await;
        let client = accepting(&server, [ProxyChain::dangerous_any()]);
        let ticket = ServiceTicket::parse("PT-1").unwrap();
        let service = ServiceUrl::parse(SERVICE).unwrap();
        let error = or_hang(client.validate_renewed(&ticket, &service))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ValidationErrorKind::Refused);
        assert_eq!(error.proxies(), [NEAR]);
        let request = &server.requests()[0];
        assert!(
            request.starts_with("GET /cas/p3/serviceValidate?") && request.contains("&renew=true"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_callback_url_is_sent_with_every_validation_and_the_iou_comes_back() {
    let body = "<serviceResponse><authenticationSuccess><user>alice</user>\
                <proxyGrantingTicket>PGTIOU-hidden-1</proxyGrantingTicket>\
                </authenticationSuccess></serviceResponse>";
    let server = Server::with_body(body).await;
    let client = builder(&server.url)
        .proxy_callback_url("https://app.example.org/cb?a=1&b=%26")
        .build()
        .unwrap();
    let authentication = validate(&client).await.unwrap();
    let iou = authentication.proxy_granting_ticket_iou().unwrap();
    assert_eq!(iou.expose_secret(), "PGTIOU-hidden-1");
    assert!(!format!("{authentication:?} {authentication:#?}").contains("hidden"));
    let request = &server.requests()[0];
    assert!(
        request.starts_with("GET /cas/p3/serviceValidate?service=")
            && request.ends_with(
                "&ticket=ST-1-hidden_ticket.cas~01\
                 &pgtUrl=https%3A%2F%2Fapp.example.org%2Fcb%3Fa%3D1%26b%3D%2526 HTTP/1.1"
            ),
        "{request}"
    );
}

fn refusal(code: &str) -> String {
    format!(
        "<serviceResponse><authenticationFailure code='{code}'>no</authenticationFailure></serviceResponse>"
    )
}

#[tokio::test]
async fn a_refused_callback_is_a_refusal_with_its_code() {
    let server = Server::with_body(&refusal("INVALID_PROXY_CALLBACK")).await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ValidationErrorKind::Refused);
    assert_eq!(error.code(), Some("INVALID_PROXY_CALLBACK"));
    assert_eq!(server.requests().len(), 1, "there was no callback");
}

/// A client that asks for proxy-granting tickets, and a server that answers so with the callback and without it.
async fn called_back(with: &str, without: Vec<u8>) -> (Server, CasClient) {
    let server = Server::start(Answer::ByCallback(ok(with), without)).await;
    let client = builder(&server.url)
        .proxy_callback_url("https://app.example.org/hidden-callback")
        .build()
        .unwrap();
    (server, client)
}

#[tokio::test]
async fn a_ticket_refused_because_of_the_callback_is_validated_once_more_without_it() {
    for code in ["INVALID_PROXY_CALLBACK", "UNAUTHORIZED_SERVICE_PROXY"] {
        let (server, client) = called_back(&refusal(code), ok(ALICE)).await;
        let authentication = validate(&client).await.unwrap();
        assert_eq!(authentication.user(), "alice");
        assert!(authentication.proxy_granting_ticket_iou().is_none());
        let requests = server.requests();
        let [first, second] = &requests[..] else {
            panic!("{requests:?}");
        };
        let start = first.split("&pgtUrl=").next().unwrap();
        assert_eq!(*second, format!("{start} HTTP/1.1"), "otherwise the same");
    }
}

#[tokio::test]
async fn if_that_fails_too_the_refused_callback_is_the_error() {
    let first = refusal("INVALID_PROXY_CALLBACK");
    for second in [
        ok(&refusal("INVALID_TICKET")),
        ok(&refusal("INVALID_PROXY_CALLBACK")),
        ok("<html>"),
    ] {
        let (server, client) = called_back(&first, second).await;
        let error = failure(&client).await;
        assert_eq!(error.kind(), ValidationErrorKind::Refused);
        assert_eq!(error.code(), Some("INVALID_PROXY_CALLBACK"));
        assert_eq!(server.requests().len(), 2, "never a third time");
    }
    // But for what passes by itself, and for a chain of proxies that is not accepted.
    let second = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec();
    let (_, client) = called_back(&first, second).await;
    assert!(failure(&client).await.is_temporary());
    let second = ok(&alice_through(&[NEAR])[0]);
    let (_, client) = called_back(&first, second).await;
    assert_eq!(failure(&client).await.proxies(), [NEAR]);
}

#[tokio::test]
async fn no_other_ticket_is_sent_twice() {
    for code in ["INVALID_TICKET", "INVALID_SERVICE", "UNAUTHORIZED_SERVICE"] {
        let (server, client) = called_back(&refusal(code), ok(ALICE)).await;
        assert_eq!(failure(&client).await.code(), Some(code));
        assert_eq!(server.requests().len(), 1, "{code}");
    }
}
