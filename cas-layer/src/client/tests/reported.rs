//! Answers and tickets as users of CAS clients have reported them, byte for byte as a server sends them.

use super::{
    builder, or_hang,
    server::{Answer, Server},
};
use crate::{Authentication, ServiceTicket, ServiceUrl, ValidationError, ValidationErrorKind};

/// A file of `testdata/cases`.
macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!("../../../testdata/cases/", $name)).as_slice()
    };
}

async fn validated(server: &Server, ticket: &str) -> Result<Authentication, ValidationError> {
    let client = builder(&server.url)
        .response_namespace("https://ecas.ec.europa.eu/cas/schemas")
        .build()
        .unwrap();
    let ticket = ServiceTicket::parse(ticket).unwrap();
    let service = ServiceUrl::parse("https://app.example.org/login").unwrap();
    or_hang(client.validate(&ticket, &service)).await
}

/// What the server says with a status of 200.
async fn read(body: &[u8]) -> Authentication {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = [head.as_bytes(), body].concat();
    let server = Server::start(Answer::Bytes(answer)).await;
    validated(&server, "ST-1").await.unwrap()
}

fn values<'a>(authentication: &'a Authentication, name: &str) -> &'a [String] {
    authentication.attributes().all(name)
}

#[tokio::test]
async fn many_groups_all_arrive() {
    for (body, count) in [
        (case!("sixty-groups.xml"), 60),
        (case!("forty-five-groups-behind-nginx.xml"), 45),
    ] {
        let authentication = read(body).await;
        let groups = values(&authentication, "memberOf");
        assert_eq!(groups.len(), count);
        for (n, group) in groups.iter().enumerate() {
            assert!(group.contains(&format!("Group-{n:04}-")), "{group}");
            assert!(group.ends_with(",OU=Groups,DC=example,DC=org"), "{group}");
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_or_glued_together_where_lists_are_nested() {
    for body in [
        case!("eu-login-namespace.xml"),
        case!("flat-with-lists.xml"),
    ] {
        let authentication = read(body).await;
        assert_eq!(authentication.user(), "u0000001");
        for (name, expected) in [
            ("departmentNumber", &["UNIT.A.3"][..]),
            ("email", &["eva.example@example.eu"]),
            ("firstName", &["Eva"]),
            ("groups", &["UNIT_EDITORS", "UNIT_ALL"]),
            ("strengths", &["PASSWORD"]),
            ("ticketType", &["SERVICE"]),
        ] {
            assert_eq!(values(&authentication, name), expected, "{name}");
        }
    }
    let authentication = read(case!("groups-in-attributes.xml")).await;
    assert_eq!(values(&authentication, "memberOf"), ["staff", "admin"]);
}

#[tokio::test]
async fn an_encoding_that_is_declared_is_read() {
    let authentication = read(case!("latin1-declared.xml")).await;
    assert_eq!(authentication.user(), "jose");
    assert_eq!(values(&authentication, "cn"), ["José Muñoz"]);
}

#[tokio::test]
async fn a_ticket_of_325_characters_is_sent_whole() {
    let ticket = std::str::from_utf8(case!("ticket-325-characters.txt")).unwrap();
    let ticket = ticket.trim_end();
    assert_eq!(ticket.len(), 325);
    let server = Server::with_body(super::ALICE).await;
    assert_eq!(validated(&server, ticket).await.unwrap().user(), "alice");
    let [request] = &server.requests()[..] else {
        panic!("one request: {:?}", server.requests());
    };
    assert!(
        request.ends_with(&format!("&ticket={ticket} HTTP/1.1")),
        "{request}"
    );
}

#[tokio::test]
async fn a_refusal_with_status_400_is_a_refusal() {
    let text = std::str::from_utf8(case!("failure-with-status-400.http")).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
    let error = validated(&server, "ST-1").await.unwrap_err();
    assert_eq!(error.kind(), ValidationErrorKind::Refused);
    assert_eq!(error.code(), Some("INVALID_TICKET"));
}
