//! What is asked, and what is made of answers.

use std::error::Error;

use super::server::{Answer, Server, ok};
use super::{ALICE, builder, client, failure, failure_kind, validate};
use crate::{Protocol, ResponseFormat, ValidationErrorKind};

#[tokio::test]
async fn each_protocol_asks_its_endpoint_for_exactly_this_ticket_and_service() {
    let query = "service=https%3A%2F%2Fapp.example.org%2Fhidden-service%3Fnext%3D%2Fa%2520b%26c%3Dd\
                 &ticket=ST-1-hidden_ticket.cas~01";
    for (protocol, path, body) in [
        (Protocol::Cas1, "/cas/validate", "yes\nalice\n"),
        (Protocol::Cas2, "/cas/serviceValidate", ALICE),
        (Protocol::Cas3, "/cas/p3/serviceValidate", ALICE),
    ] {
        let server = Server::with_body(body).await;
        // A slash at the end must not be doubled.
        let client = builder(&format!("{}/", server.url))
            .protocol(protocol)
            .build()
            .unwrap();
        assert_eq!(validate(&client).await.unwrap().user(), "alice");
        assert_eq!(server.requests(), [format!("GET {path}?{query} HTTP/1.1")]);
    }
}

#[tokio::test]
async fn tickets_are_validated_where_the_app_says() {
    for (protocol, body) in [(Protocol::Cas1, "yes\nalice\n"), (Protocol::Cas3, ALICE)] {
        let server = Server::with_body(body).await;
        let client = builder(&server.url)
            .protocol(protocol)
            .validate_path("/v4/check")
            .build()
            .unwrap();
        assert_eq!(validate(&client).await.unwrap().user(), "alice");
        let request = &server.requests()[0];
        assert!(request.starts_with("GET /cas/v4/check?"), "{request}");
    }
}

#[tokio::test]
async fn requests_go_out_as_the_http_client_was_told() {
    let server = Server::with_body(ALICE).await;
    let client = builder(&server.url)
        .http_client(|http| http.user_agent("portal/7"))
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
    let message = &server.messages()[0];
    assert!(message.contains("user-agent: portal/7\r\n"), "{message}");
}

#[tokio::test]
async fn json_is_asked_for_and_whatever_comes_is_read_as_what_it_is() {
    let json = r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice"}}}"#;
    for protocol in [Protocol::Cas2, Protocol::Cas3] {
        for (format, is_asked_for) in [(ResponseFormat::Json, true), (ResponseFormat::Xml, false)] {
            for body in [json, ALICE] {
                let server = Server::with_body(body).await;
                let client = builder(&server.url)
                    .protocol(protocol)
                    .format(format)
                    .build()
                    .unwrap();
                assert_eq!(validate(&client).await.unwrap().user(), "alice");
                let request = &server.requests()[0];
                assert_eq!(
                    request.ends_with("&ticket=ST-1-hidden_ticket.cas~01&format=JSON HTTP/1.1"),
                    is_asked_for,
                    "{request}"
                );
                assert_eq!(request.contains("format"), is_asked_for, "{request}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_carries_the_code_of_the_server_and_neither_ticket_nor_service() {
    let server = Server::with_body(
        "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'>\
         <cas:authenticationFailure code='INVALID_TICKET'>Ticket ST-1-hidden_ticket.cas~01 for \
         https://app.example.org/hidden-service not recognized</cas:authenticationFailure>\
         </cas:serviceResponse>",
    )
    .await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ValidationErrorKind::Refused);
    assert_eq!(error.code(), Some("INVALID_TICKET"));
    assert_eq!(
        error.to_string(),
        "the CAS server refused the ticket: INVALID_TICKET: … for … not recognized"
    );

    let server = Server::with_body("no\n\n").await;
    let error = failure(&client(&server)).await;
    assert_eq!(
        (error.kind(), error.code()),
        (ValidationErrorKind::Refused, None)
    );
    assert_eq!(error.to_string(), "the CAS server refused the ticket");
}

#[tokio::test]
async fn a_code_that_holds_the_ticket_is_not_repeated() {
    let server = Server::with_body(
        "<serviceResponse><authenticationFailure code='ST-1-hidden_ticket.cas~01'/></serviceResponse>",
    )
    .await;
    assert_eq!(failure(&client(&server)).await.code(), None);
}

#[tokio::test]
async fn a_user_who_came_through_a_proxy_is_refused_in_xml_and_json() {
    for body in [
        "<serviceResponse><authenticationSuccess><user>alice</user>\
         <proxies><proxy>https://proxy.example/</proxy></proxies></authenticationSuccess></serviceResponse>",
        r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice","proxies":["https://proxy.example/"]}}}"#,
    ] {
        let server = Server::with_body(body).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Refused);
        assert_eq!(error.code(), None);
    }
}

#[tokio::test]
async fn a_success_counts_only_with_a_2xx_status() {
    for (status, accepted) in [
        (200, true),
        (203, true),
        (300, false),
        (304, false),
        (400, false),
        (401, false),
        (404, false),
        (500, false),
        (503, false),
        (999, false),
    ] {
        let length = if status == 304 { 0 } else { ALICE.len() };
        let body = &ALICE[..length];
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        if accepted {
            assert_eq!(
                validate(&client(&server)).await.unwrap().user(),
                "alice",
                "{status}"
            );
        } else {
            let error = failure(&client(&server)).await;
            assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{status}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
    }
}

fn answer(status: u16, head: &str, body: &str) -> Answer {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\n{head}Content-Length: {length}\r\n\r\n{body}");
    Answer::Bytes(answer.into_bytes())
}

#[tokio::test]
async fn a_refusal_counts_with_every_status_of_an_error() {
    let keycloak = "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\
        <cas:authenticationFailure code=\"INVALID_TICKET\">Code not valid</cas:authenticationFailure>\
        </cas:serviceResponse>";
    let json = r#"{"serviceResponse":{"authenticationFailure":{"code":"INVALID_SERVICE","description":"no"}}}"#;
    let unregistered = include_str!("../../../testdata/apereo/service3-unregistered-service.xml");
    for (status, head, body, code) in [
        (
            400,
            "Content-Type: application/xml;charset=utf-8\r\n",
            keycloak,
            Some("INVALID_TICKET"),
        ),
        (401, "", json, Some("INVALID_SERVICE")),
        (
            403,
            "Content-Type: application/xml;charset=UTF-8\r\n",
            unregistered,
            Some("INVALID_SERVICE"),
        ),
        (422, "", keycloak, Some("INVALID_TICKET")),
        (500, "", keycloak, Some("INVALID_TICKET")),
        (599, "", keycloak, Some("INVALID_TICKET")),
        (500, "", "no\n\n", None),
    ] {
        let server = Server::start(answer(status, head, body)).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Refused, "{status}");
        assert_eq!(error.code(), code, "{status}");
    }
    // Nothing answers like this, so it need not be read.
    for status in [301, 302, 304, 600, 999] {
        let body = if status == 304 { "" } else { keycloak };
        let server = Server::start(answer(status, "", body)).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{status}");
    }
}

#[tokio::test]
async fn an_error_page_is_an_error_of_the_server_whatever_it_says() {
    for status in [400, 403, 404, 500, 502, 503] {
        for body in [
            "<!DOCTYPE html><html><authenticationFailure code='INVALID_TICKET'/></html>",
            "<html><body>code INVALID_TICKET</body></html>",
            "",
            "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationFailure>",
            "{}",
        ] {
            let server = Server::start(answer(status, "", body)).await;
            let error = failure(&client(&server)).await;
            assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{status}");
            assert_eq!(error.code(), None);
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
        // The body of an error that breaks off, or never ends, says no more than the status.
        let cut = format!("HTTP/1.1 {status} X\r\nContent-Length: 100\r\n\r\n<cas");
        let server = Server::start(Answer::ThenClose(cut.into_bytes())).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{status}");
    }
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    for line in [
        "",
        "Content-Type: text/xml\r\n",
        "Content-Type: text/xml; charset=utf-8\r\n",
        "Content-Type: application/soap+xml\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json\r\n",
        "Content-Type: nonsense\r\n",
    ] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\n{line}Content-Length: {}\r\n\r\n{ALICE}",
            ALICE.len()
        );
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        assert_eq!(
            validate(&client(&server)).await.unwrap().user(),
            "alice",
            "{line}"
        );
    }
}

const ECAS: &str = "https://ecas.ec.europa.eu/cas/schemas";

#[tokio::test]
async fn an_answer_in_another_namespace_is_read_only_if_the_app_names_it() {
    let body = include_str!("../../../testdata/eu-login/service3-ok.xml");
    let server = Server::with_body(body).await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ValidationErrorKind::Unreadable);
    assert!(
        error.to_string().contains("response_namespace"),
        "the operator learns what to do: {error}"
    );
    for other in [
        "https://ecas.ec.europa.eu/cas",
        "https://ecas.ec.europa.eu/cas/schemas/",
    ] {
        let client = builder(&server.url)
            .response_namespace(other)
            .build()
            .unwrap();
        assert_eq!(failure_kind(&client).await, ValidationErrorKind::Unreadable);
    }

    let client = builder(&server.url)
        .response_namespace("urn:other")
        .response_namespace(ECAS)
        .build()
        .unwrap();
    let authentication = validate(&client).await.unwrap();
    assert_eq!(authentication.user(), "u0000001");
    let attributes = authentication.attributes();
    for (name, values) in [
        ("departmentNumber", &["UNIT.A.3"][..]),
        ("email", &["eva.example@example.eu"]),
        ("firstName", &["Eva"]),
        ("groups", &["UNIT_EDITORS", "UNIT_ALL"]),
        ("strengths", &["PASSWORD"]),
        ("ticketType", &["SERVICE"]),
        ("proxyGrantingProtocol", &["NONE"]),
    ] {
        assert_eq!(attributes.all(name), values, "{name}");
    }
    // The usual answers are read as before.
    let server = Server::with_body(ALICE).await;
    let client = builder(&server.url)
        .response_namespace(ECAS)
        .build()
        .unwrap();
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
}

#[tokio::test]
async fn elements_of_two_namespaces_are_unreadable_though_both_are_known() {
    let ecas = format!("xmlns:e='{ECAS}'");
    for inner in [
        "<e:authenticationSuccess><cas:user>alice</cas:user></e:authenticationSuccess>",
        "<cas:authenticationSuccess><e:user>alice</e:user></cas:authenticationSuccess>",
        "<cas:authenticationSuccess><cas:user>alice</cas:user><e:user>bob</e:user></cas:authenticationSuccess>",
        "<e:authenticationSuccess><e:user>alice</e:user></e:authenticationSuccess>",
    ] {
        let body = format!(
            "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas' {ecas}>{inner}</cas:serviceResponse>"
        );
        let server = Server::with_body(&body).await;
        let client = builder(&server.url)
            .response_namespace(ECAS)
            .build()
            .unwrap();
        assert_eq!(
            failure_kind(&client).await,
            ValidationErrorKind::Unreadable,
            "{inner}"
        );
    }
    let refusal = format!(
        "<e:serviceResponse {ecas}><e:authenticationFailure code='INVALID_STRENGTH'/></e:serviceResponse>"
    );
    let server = Server::with_body(&refusal).await;
    let client = builder(&server.url)
        .response_namespace(ECAS)
        .build()
        .unwrap();
    let error = failure(&client).await;
    assert_eq!(error.code(), Some("INVALID_STRENGTH"));
}

#[tokio::test]
async fn parameters_of_a_validation_come_after_our_own_and_encoded() {
    for (protocol, start) in [
        (Protocol::Cas3, "GET /cas/p3/serviceValidate?service="),
        (Protocol::Saml1, "POST /cas/samlValidate?TARGET="),
    ] {
        let server = Server::with_body(ALICE).await;
        let client = builder(&server.url)
            .protocol(protocol)
            .validation_parameter("assuranceLevel", "LOW")
            .validation_parameter("a b", "&ticket=x")
            .build()
            .unwrap();
        drop(validate(&client).await);
        let request = &server.requests()[0];
        assert!(request.starts_with(start), "{request}");
        let end = "&assuranceLevel=LOW&a%20b=%26ticket%3Dx HTTP/1.1";
        assert!(request.ends_with(end), "{request}");
    }
}

#[tokio::test]
async fn the_charset_of_the_content_type_counts() {
    let body = b"<serviceResponse><authenticationSuccess><user>Jos\xe9</user></authenticationSuccess></serviceResponse>";
    for (head, is_read) in [
        ("Content-Type: text/xml; charset=iso-8859-1\r\n", true),
        ("Content-Type: text/xml\r\n", false),
        (
            "Content-Type: text/xml;charset=iso-8859-1\r\nContent-Type: text/xml;charset=utf-8\r\n",
            false,
        ),
    ] {
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        let server = Server::start(Answer::Bytes(bytes)).await;
        let client = client(&server);
        if is_read {
            assert_eq!(validate(&client).await.unwrap().user(), "José");
        } else {
            assert_eq!(failure_kind(&client).await, ValidationErrorKind::Unreadable);
        }
    }
}

#[tokio::test]
async fn an_answer_of_something_else_is_unreadable() {
    for body in [
        "",
        "<!DOCTYPE html><html></html>",
        "<html/>",
        "yes\nalice\n",
        "\u{1}\u{2}\u{3}",
    ] {
        let server = Server::with_body(body).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{body:?}");
        assert!(error.source().is_none());
    }
}

#[tokio::test]
async fn no_redirect_is_followed_whatever_the_http_client_was_told() {
    for status in [301, 302, 303, 307, 308] {
        let target = Server::with_body(ALICE).await;
        let answer = format!(
            "HTTP/1.1 {status} X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
            target.url
        );
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        let client = builder(&server.url)
            .http_client(|http| http.redirect(reqwest::redirect::Policy::limited(10)))
            .build()
            .unwrap();
        let error = failure(&client).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable);
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(server.requests().len(), 1);
        assert!(target.requests().is_empty());
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = failure(&builder(&url).build().unwrap()).await;
    assert_eq!(error.kind(), ValidationErrorKind::Unreachable);
    assert_eq!(error.to_string(), "the CAS server cannot be reached");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_connection_that_breaks_is_unreachable() {
    for bytes in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<serviceResponse>",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n<serviceRespons",
        "this is not HTTP\r\n\r\n",
    ] {
        let server = Server::start(Answer::ThenClose(bytes.into())).await;
        let kind = failure_kind(&client(&server)).await;
        assert_eq!(kind, ValidationErrorKind::Unreachable, "{bytes:?}");
        assert_eq!(server.requests().len(), 1, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_ticket_is_sent_once_even_when_the_connection_dies_after_the_request() {
    // On a connection of its own …
    let server = Server::start(Answer::ThenClose(Vec::new())).await;
    assert_eq!(
        failure_kind(&client(&server)).await,
        ValidationErrorKind::Unreachable
    );
    assert_eq!(server.requests().len(), 1);

    // … and on one that has served before.
    let server = Server::start(Answer::Once(ok(ALICE))).await;
    let client = client(&server);
    validate(&client).await.unwrap();
    assert_eq!(
        failure_kind(&client).await,
        ValidationErrorKind::Unreachable
    );
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn nothing_is_retried_whatever_the_http_client_was_told() {
    let unavailable = "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n";
    for answer in [
        Answer::Bytes(unavailable.into()),
        Answer::ThenClose(Vec::new()),
    ] {
        let server = Server::start(answer).await;
        let client = builder(&server.url)
            .http_client(|http| {
                let policy = reqwest::retry::for_host("127.0.0.1")
                    .no_budget()
                    .max_retries_per_request(5)
                    .classify_fn(|request| match request.status() {
                        Some(reqwest::StatusCode::OK) => request.success(),
                        _ => request.retryable(),
                    });
                http.retry(policy)
            })
            .build()
            .unwrap();
        failure(&client).await;
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn connections_are_kept_open_and_shared_by_clones() {
    // Closes a connection with its second request, so a third answer shows a new connection.
    let server = Server::start(Answer::Once(ok(ALICE))).await;
    let client = client(&server);
    validate(&client).await.unwrap();
    failure(&client.clone()).await;
    validate(&client).await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn many_validations_run_at_once() {
    let server = Server::with_body(ALICE).await;
    let client = client(&server);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { validate(&client).await.unwrap().user().to_owned() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "alice");
    }
}

#[tokio::test]
async fn debug_of_a_client_shows_its_configuration_alone() {
    let server = Server::with_body(ALICE).await;
    let printed = format!("{:?}", client(&server));
    assert!(
        printed.contains(&server.url) && printed.contains("Cas3"),
        "{printed}"
    );
}
