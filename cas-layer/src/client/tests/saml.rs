//! SAML 1.1: a request with a body, and answers that count for a while.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::server::{Answer, Server, ok};
use super::{SERVICE, builder, failure, validate};
use crate::{
    CasClient, CasClientBuilder, Protocol, ServiceTicket, ServiceUrl, ValidationErrorKind,
};

/// An answer about Alice for the service of the tests that counts from `from` to `to`, in seconds from now.
fn alice(from: i64, to: i64) -> String {
    answer("Success", from, to, SERVICE)
}

fn answer(status: &str, from: i64, to: i64, audience: &str) -> String {
    let audience = audience.replace('&', "&amp;");
    let now = Timestamp::now();
    let [from, to] = [from, to].map(|seconds| now + SignedDuration::from_secs(seconds));
    format!(
        "<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Body>\
         <samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:1.0:protocol' MajorVersion='1' MinorVersion='1'>\
         <samlp:Status><samlp:StatusCode Value='samlp:{status}'>ST-1-hidden_ticket.cas~01 for \
         {audience}</samlp:StatusCode></samlp:Status>\
         <Assertion xmlns='urn:oasis:names:tc:SAML:1.0:assertion' MajorVersion='1' MinorVersion='1'>\
         <Conditions NotBefore='{from}' NotOnOrAfter='{to}'><AudienceRestrictionCondition><Audience>{audience}\
         </Audience></AudienceRestrictionCondition></Conditions>\
         <AuthenticationStatement><Subject><NameIdentifier>alice</NameIdentifier></Subject>\
         </AuthenticationStatement></Assertion></samlp:Response></S:Body></S:Envelope>"
    )
}

fn saml(server: &Server) -> CasClientBuilder {
    builder(&server.url).protocol(Protocol::Saml1)
}

fn client(server: &Server) -> CasClient {
    saml(server).build().unwrap()
}

#[tokio::test]
async fn the_ticket_is_posted_and_the_url_does_not_have_it() {
    let server = Server::with_body(&alice(0, 30)).await;
    let client = client(&server);
    assert_eq!(validate(&client).await.unwrap().user(), "alice");
    assert_eq!(
        server.requests(),
        [
            "POST /cas/samlValidate?TARGET=https%3A%2F%2Fapp.example.org%2Fhidden-service%3Fnext%3D%2Fa%2520b%26c%3Dd HTTP/1.1"
        ]
    );
    let [message] = &server.messages()[..] else {
        panic!("not one request");
    };
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for line in [
        "content-type: text/xml; charset=utf-8",
        "soapaction: http://www.oasis-open.org/committees/security",
    ] {
        assert!(head.lines().any(|known| known == line), "{line}: {head}");
    }
    let xml = roxmltree::Document::parse(body).unwrap();
    let artifact = xml.root_element().last_element_child().unwrap();
    assert_eq!(
        artifact.descendants().find_map(|node| node.text()),
        Some("ST-1-hidden_ticket.cas~01")
    );
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own_and_the_time() {
    let server = Server::with_body(&alice(0, 30)).await;
    let client = client(&server);
    let before = Timestamp::now() - SignedDuration::from_millis(1);
    for _ in 0..3 {
        validate(&client).await.unwrap();
    }
    let mut ids = Vec::new();
    for message in server.messages() {
        let xml = roxmltree::Document::parse(message.split_once("\r\n\r\n").unwrap().1).unwrap();
        let request = xml
            .descendants()
            .find(|node| node.has_attribute("RequestID"));
        let id = request.unwrap().attribute("RequestID").unwrap();
        assert!(id.len() == 33 && id.starts_with('_'), "{id}");
        ids.push(id.to_owned());
        let issued: Timestamp = request
            .unwrap()
            .attribute("IssueInstant")
            .unwrap()
            .parse()
            .unwrap();
        assert!((before..=Timestamp::now()).contains(&issued), "{issued}");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn an_artifact_arrives_as_it_is() {
    let server = Server::with_body(&alice(0, 30)).await;
    let ticket = ServiceTicket::parse("ST-AAEa/b+c==").unwrap();
    let service = ServiceUrl::parse(SERVICE).unwrap();
    client(&server).validate(&ticket, &service).await.unwrap();
    assert!(server.messages()[0].contains(">ST-AAEa/b+c==<"));
}

#[tokio::test]
async fn the_answer_counts_within_its_window_and_the_tolerance() {
    const MINUTE: i64 = 60;
    for (from, to, tolerance, counts) in [
        (-MINUTE, MINUTE, 0, true),
        (-2 * MINUTE, -MINUTE, 5, false),
        (-2 * MINUTE, -MINUTE, 120, true),
        (MINUTE, 2 * MINUTE, 5, false),
        (MINUTE, 2 * MINUTE, 120, true),
    ] {
        let server = Server::with_body(&alice(from, to)).await;
        let client = saml(&server)
            .saml_clock_tolerance(Duration::from_secs(tolerance))
            .build()
            .unwrap();
        if counts {
            assert_eq!(validate(&client).await.unwrap().user(), "alice");
            continue;
        }
        let error = failure(&client).await;
        assert_eq!(error.kind(), ValidationErrorKind::ConditionsUnmet);
        assert_eq!(error.code(), None);
        let text = error.to_string();
        assert!(
            text.starts_with("the CAS server's assertion does not count: it ")
                && text.contains("compare the clocks"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_default_tolerance_is_five_seconds() {
    for (ahead, counts) in [(4, true), (60, false)] {
        let server = Server::with_body(&alice(ahead, 120)).await;
        assert_eq!(validate(&client(&server)).await.is_ok(), counts, "{ahead}");
    }
}

#[tokio::test]
async fn an_answer_for_another_service_says_nothing_about_either() {
    let body = answer("Success", 0, 30, "https://other.app.example.org/hidden");
    let server = Server::with_body(&body).await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ValidationErrorKind::ConditionsUnmet);
    assert!(error.to_string().contains("`Audience`"), "{error}");
}

#[tokio::test]
async fn a_failed_status_is_a_refusal_with_its_code_even_with_an_assertion() {
    let server = Server::with_body(&answer("RequestDenied", 0, 30, SERVICE)).await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ValidationErrorKind::Refused);
    assert_eq!(error.code(), Some("RequestDenied"));
    assert_eq!(
        error.to_string(),
        "the CAS server refused the ticket: RequestDenied: … for …"
    );
}

#[tokio::test]
async fn nothing_is_sent_twice_and_no_redirect_is_followed() {
    let target = Server::with_body(&alice(0, 30)).await;
    for status in [301, 302, 303, 307, 308, 401, 500, 503] {
        let answer = format!(
            "HTTP/1.1 {status} X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
            target.url
        );
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable);
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
    assert!(target.requests().is_empty());

    // A connection that has served before and dies with the next request.
    let server = Server::start(Answer::Once(ok(&alice(0, 30)))).await;
    let client = client(&server);
    validate(&client).await.unwrap();
    let error = failure(&client).await;
    assert_eq!(error.kind(), ValidationErrorKind::Unreachable);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_over_1_mib_is_not_read() {
    let padding = " ".repeat(1024 * 1024);
    let server = Server::with_body(&(alice(0, 30) + &padding)).await;
    let error = failure(&client(&server)).await;
    assert_eq!(error.kind(), ValidationErrorKind::Unreadable);
    assert!(error.to_string().contains("1 MiB"), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_protocol_is_unreadable() {
    for body in [super::ALICE, "yes\nalice\n", "<html/>", ""] {
        let server = Server::with_body(body).await;
        let error = failure(&client(&server)).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{body}");
    }
    // And the other way round.
    for protocol in [Protocol::Cas1, Protocol::Cas2, Protocol::Cas3] {
        let server = Server::with_body(&alice(0, 30)).await;
        let client = builder(&server.url).protocol(protocol).build().unwrap();
        let error = failure(&client).await;
        assert_eq!(error.kind(), ValidationErrorKind::Unreadable, "{protocol}");
    }
}
