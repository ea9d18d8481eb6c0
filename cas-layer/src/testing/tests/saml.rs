//! SAML 1.1, as its text and the servers that speak it have it.

use reqwest::Method;
use roxmltree::{Document, Node};

use super::{Answer, Browser, CasServer, Quirk, SERVICE, StatusCode, client, header, url};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:1.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:1.0:assertion";
const ID: &str = "_a1b2";

fn envelope(ticket: &str) -> String {
    format!(
        "<e:Envelope xmlns:e='{SOAP}'><e:Body><Request xmlns='{PROTOCOL}' MajorVersion='1' MinorVersion='1' \
         RequestID='{ID}' IssueInstant='2026-11-23T22:26:03Z'><AssertionArtifact> {ticket}\n\
         </AssertionArtifact></Request></e:Body></e:Envelope>"
    )
}

async fn post(cas: &CasServer, target: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let mut request = client().post(url(cas, "/samlValidate", &[("TARGET", target)]));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(body).send().await.unwrap()).await
}

const HEADERS: [(&str, &str); 2] = [
    ("content-type", "Text/XML; charset=utf-8"),
    ("soapaction", ""),
];

async fn ask(cas: &CasServer, target: &str, ticket: &str) -> Answer {
    let answer = post(cas, target, &HEADERS, envelope(ticket)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer
}

/// The element at the end of a path of children, each the only one of its name.
#[track_caller]
fn at<'a, 'i>(parent: Node<'a, 'i>, path: &[(&str, &str)]) -> Node<'a, 'i> {
    path.iter().fold(parent, |parent, name| {
        let mut found = parent.children().filter(|child| child.has_tag_name(*name));
        let child = found.next().unwrap_or_else(|| panic!("no {name:?}"));
        assert!(found.next().is_none(), "two {name:?}");
        child
    })
}

#[track_caller]
fn response<'a, 'i>(document: &'a Document<'i>) -> Node<'a, 'i> {
    let root = document.root_element();
    assert!(root.has_tag_name((SOAP, "Envelope")));
    at(root, &[(SOAP, "Body"), (PROTOCOL, "Response")])
}

/// Prefix and name of the status, and what is said about it.
fn status(response: Node<'_, '_>) -> (String, Option<String>) {
    let status = at(response, &[(PROTOCOL, "Status")]);
    let code = at(status, &[(PROTOCOL, "StatusCode")]);
    let (prefix, name) = code.attribute("Value").unwrap().split_once(':').unwrap();
    assert_eq!(code.lookup_namespace_uri(Some(prefix)), Some(PROTOCOL));
    let message = status
        .children()
        .find(|child| child.has_tag_name((PROTOCOL, "StatusMessage")))
        .and_then(|message| message.text().map(str::to_owned));
    (name.to_owned(), message)
}

/// The name of the user in every statement, and each attribute with its values.
fn said(response: Node<'_, '_>) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let assertion = at(response, &[(ASSERTION, "Assertion")]);
    let users = ["AuthenticationStatement", "AttributeStatement"].map(|statement| {
        let path = [
            (ASSERTION, statement),
            (ASSERTION, "Subject"),
            (ASSERTION, "NameIdentifier"),
        ];
        at(assertion, &path).text().unwrap().to_owned()
    });
    let attributes = at(assertion, &[(ASSERTION, "AttributeStatement")])
        .children()
        .filter(|child| child.has_tag_name((ASSERTION, "Attribute")))
        .map(|attribute| {
            let values = attribute
                .children()
                .filter(|child| child.has_tag_name((ASSERTION, "AttributeValue")))
                .map(|value| value.text().unwrap_or_default().to_owned());
            let name = attribute.attribute("AttributeName").unwrap();
            (name.to_owned(), values.collect())
        });
    (users.into(), attributes.collect())
}

#[tokio::test]
async fn a_ticket_becomes_an_assertion_once() {
    let cas = CasServer::start().await.unwrap();
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let answer = ask(&cas, SERVICE, &ticket).await;
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        Some("text/xml;charset=utf-8")
    );
    let document = Document::parse(&answer.body).unwrap();
    let response = response(&document);
    assert_eq!(status(response), ("Success".to_owned(), None));
    assert_eq!(response.attribute("InResponseTo"), Some(ID));
    assert_eq!(response.attribute("Recipient"), Some(SERVICE));
    let assertion = at(response, &[(ASSERTION, "Assertion")]);
    for (node, id) in [(response, "ResponseID"), (assertion, "AssertionID")] {
        assert_eq!(node.attribute("MajorVersion"), Some("1"));
        assert_eq!(node.attribute("MinorVersion"), Some("1"));
        assert!(node.attribute(id).unwrap().starts_with('_'));
    }
    let conditions = at(assertion, &[(ASSERTION, "Conditions")]);
    let instant =
        |name| -> jiff::Timestamp { conditions.attribute(name).unwrap().parse().unwrap() };
    let lasts = instant("NotOnOrAfter").duration_since(instant("NotBefore"));
    assert_eq!(lasts.as_secs(), 30);
    assert!(instant("NotBefore") <= jiff::Timestamp::now());
    let audience = [
        (ASSERTION, "AudienceRestrictionCondition"),
        (ASSERTION, "Audience"),
    ];
    assert_eq!(at(conditions, &audience).text(), Some(SERVICE));
    let (users, attributes) = said(response);
    assert_eq!(users, ["casuser", "casuser"]);
    let rest: Vec<(&str, &[String])> = attributes
        .iter()
        .map(|(name, values)| (name.as_str(), values.as_slice()))
        .filter(|(name, _)| *name != "authenticationDate")
        .collect();
    assert_eq!(
        rest,
        [
            (
                "longTermAuthenticationRequestTokenUsed",
                &["false".to_owned()][..]
            ),
            ("isFromNewLogin", &["true".to_owned()]),
            ("mail", &["casuser@example.org".to_owned()]),
            ("displayName", &["Zoë <Čas> & \"User\" 猫".to_owned()]),
            (
                "memberOf",
                &["staff".to_owned(), "wine & cheese".to_owned()]
            ),
        ]
    );

    let answer = ask(&cas, SERVICE, &ticket).await;
    let document = Document::parse(&answer.body).unwrap();
    let words = Some("The ticket is not known.".to_owned());
    assert_eq!(
        status(self::response(&document)),
        ("RequestDenied".to_owned(), words)
    );
    assert!(!answer.body.contains("Assertion"));
    assert_eq!(cas.validations(), 2);
}

#[tokio::test]
async fn another_target_is_refused_and_burns_the_ticket_and_none_is_an_invalid_request() {
    let cas = CasServer::start().await.unwrap();
    let ticket = cas.issue_ticket("casuser", SERVICE);
    for (target, ticket, code) in [
        ("", ticket.as_str(), "Requester"),
        (SERVICE, "", "Requester"),
        ("https://app.example.org/", &ticket, "RequestDenied"),
        (SERVICE, &ticket, "RequestDenied"),
    ] {
        let answer = ask(&cas, target, ticket).await;
        let document = Document::parse(&answer.body).unwrap();
        assert_eq!(status(response(&document)).0, code, "{target:?} {ticket:?}");
    }
}

#[tokio::test]
async fn what_is_no_saml_request_in_soap_is_refused_and_burns_nothing() {
    let cas = CasServer::start().await.unwrap();
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let good = envelope(&ticket);
    for (headers, status) in [(&HEADERS[..1], 400), (&HEADERS[1..], 415), (&[], 415)] {
        let answer = post(&cas, SERVICE, headers, good.clone()).await;
        assert_eq!(answer.status, status);
    }
    for (part, replacement) in [
        (SOAP, "urn:x"),
        (PROTOCOL, "urn:oasis:names:tc:SAML:2.0:protocol"),
        ("MajorVersion='1'", "MajorVersion='2'"),
        ("MinorVersion='1'", ""),
        ("RequestID='_a1b2'", "RequestID=''"),
        ("2026-11-23T22:26:03Z", "yesterday"),
        ("AssertionArtifact", "Artifact"),
        ("</e:Envelope>", ""),
    ] {
        assert!(good.contains(part), "{part}");
        let answer = post(&cas, SERVICE, &HEADERS, good.replace(part, replacement)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{part}");
    }
    for method in [Method::GET, Method::PUT] {
        let url = url(&cas, "/samlValidate", &[("TARGET", SERVICE)]);
        let answer = client().request(method, url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert!(
        ask(&cas, SERVICE, &ticket)
            .await
            .body
            .contains("saml1p:Success")
    );
}

#[tokio::test]
async fn a_login_with_target_comes_back_with_an_artifact_parameter() {
    let cas = CasServer::start().await.unwrap();
    let start = "https://app.example.org/login?next=/profile&";
    for params in [
        &[("TARGET", SERVICE)][..],
        &[("service", SERVICE), ("TARGET", SERVICE)],
        &[
            ("service", "https://other.example.org/"),
            ("TARGET", SERVICE),
        ],
    ] {
        let mut browser = Browser::new();
        let form = browser.login(&cas, params).await;
        assert_eq!(form.hidden("TARGET").as_deref(), Some(SERVICE));
        assert_eq!(form.hidden("service"), None);
        let first = browser.fill_in(&cas, &form, "casuser", "Mellon").await;
        let again = browser.login(&cas, params).await;
        for answer in [first, again] {
            assert!(
                answer
                    .location()
                    .starts_with(&format!("{start}SAMLart=ST-")),
                "{}",
                answer.location()
            );
            assert!(
                ask(&cas, SERVICE, &answer.ticket())
                    .await
                    .body
                    .contains(":Success")
            );
        }
        let mut by_post = params.to_vec();
        by_post.push(("method", "POST"));
        let page = browser.login(&cas, &by_post).await;
        assert!(page.hidden("SAMLart").unwrap().starts_with("ST-"));
        assert_eq!(page.hidden("ticket"), None);
    }
    let answer = Browser::new().sign_in(&cas, &[("service", SERVICE)]).await;
    assert!(answer.location().starts_with(&format!("{start}ticket=ST-")));
}

#[tokio::test]
async fn a_server_that_ignores_target_knows_service_alone() {
    let cas = CasServer::builder()
        .quirk(Quirk::IgnoreTarget)
        .start()
        .await
        .unwrap();
    let both = [("service", SERVICE), ("TARGET", SERVICE)];
    let answer = Browser::new().sign_in(&cas, &both).await;
    assert!(
        answer.location().contains("&ticket=ST-"),
        "{}",
        answer.location()
    );
    assert!(
        ask(&cas, SERVICE, &answer.ticket())
            .await
            .body
            .contains(":Success")
    );
    let answer = Browser::new().sign_in(&cas, &[("TARGET", SERVICE)]).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "a page, for want of a service"
    );
}

#[tokio::test]
async fn artifact_tickets_are_base64_and_good_like_others() {
    let cas = CasServer::builder()
        .quirk(Quirk::ArtifactTickets)
        .start()
        .await
        .unwrap();
    for _ in 0..2 {
        let mut browser = Browser::new();
        let answer = browser.sign_in(&cas, &[("TARGET", SERVICE)]).await;
        // Encoded, so that no `+` becomes a space.
        assert!(
            answer.location().contains("SAMLart=AAQA%2B%2F%2F%2F"),
            "{}",
            answer.location()
        );
        let ticket = answer.ticket();
        assert!(ticket.starts_with("AAQA+///"), "{ticket}");
        assert!(ask(&cas, SERVICE, &ticket).await.body.contains(":Success"));
        assert!(
            ask(&cas, SERVICE, &ticket)
                .await
                .body
                .contains(":RequestDenied")
        );
        // Without `TARGET` the tickets are those of CAS.
        let answer = browser.login(&cas, &[("service", SERVICE)]).await;
        assert!(answer.ticket().starts_with("ST-"));
    }
    assert!(cas.issue_ticket("casuser", SERVICE).starts_with("ST-"));
}

#[tokio::test]
async fn two_tickets_and_a_replaced_one_have_the_name_of_the_login() {
    let cas = CasServer::builder()
        .quirk(Quirk::TwoTickets)
        .start()
        .await
        .unwrap();
    let service = "https://app.example.org/?SAMLart=OLD";
    let answer = Browser::new().sign_in(&cas, &[("TARGET", service)]).await;
    assert!(
        answer.location().starts_with(&format!(
            "{service}&SAMLart=ST-00000000000000000000000000000000&SAMLart=ST-"
        )),
        "{}",
        answer.location()
    );
    cas.set_quirks([Quirk::ReplaceTicketInService]);
    let answer = Browser::new().sign_in(&cas, &[("TARGET", service)]).await;
    assert!(
        answer
            .location()
            .starts_with("https://app.example.org/?SAMLart=ST-"),
        "{}",
        answer.location()
    );
}

#[tokio::test]
async fn every_style_says_the_same() {
    let cas = CasServer::start().await.unwrap();
    let mut seen = Vec::new();
    for (quirk, start) in [
        (None, "<saml1p:Response xmlns:saml1p="),
        (Some(Quirk::OtherPrefix), "<samlp:Response xmlns:samlp="),
        (Some(Quirk::DefaultNamespace), "<Response xmlns=\"urn"),
        (Some(Quirk::TypedSamlValues), "xsi:type=\"xsd:string\""),
        (Some(Quirk::RepeatedSamlAttributes), "memberOf"),
        (Some(Quirk::NoSamlAddressee), "saml1:Audience"),
        (Some(Quirk::NoNamespace), "xmlns"),
        (Some(Quirk::SpaciousXml), "\r\n"),
        (Some(Quirk::CdataText), "<![CDATA[casuser]]>"),
        (Some(Quirk::CommentedXml), "c<!-- nobody -->asuser"),
        (Some(Quirk::NumericReferences), "saml1p&#x3A;Success"),
        (Some(Quirk::XmlDeclaration), "<?xml"),
        (Some(Quirk::ByteOrderMark), "\u{feff}<SOAP-ENV:Envelope"),
    ] {
        cas.set_quirks(quirk);
        let ticket = cas.issue_ticket("casuser", SERVICE);
        let answer = ask(&cas, SERVICE, &ticket).await;
        assert!(answer.body.contains(start), "{quirk:?}: {}", answer.body);
        let body = answer.body.trim_start_matches('\u{feff}');
        let document = Document::parse(body).unwrap();
        let response = response(&document);
        assert_eq!(status(response).0, "Success", "{quirk:?}");
        let is_addressed = quirk != Some(Quirk::NoSamlAddressee);
        assert_eq!(response.has_attribute("InResponseTo"), is_addressed);
        assert_eq!(response.has_attribute("Recipient"), is_addressed);
        let text = |node: Node<'_, '_>| -> String {
            let text: String = node
                .descendants()
                .filter(Node::is_text)
                .map(|node| node.text().unwrap().to_owned())
                .collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let assertion = at(response, &[(ASSERTION, "Assertion")]);
        let attributes: Vec<(String, String)> = assertion
            .descendants()
            .filter(|node| node.has_tag_name((ASSERTION, "AttributeValue")))
            .map(|value| {
                let name = value.parent().unwrap().attribute("AttributeName").unwrap();
                (name.to_owned(), text(value))
            })
            .filter(|(name, _)| name != "authenticationDate")
            .collect();
        seen.push(attributes);
        let lists = assertion
            .descendants()
            .filter(|node| node.attribute("AttributeName") == Some("memberOf"))
            .count();
        let repeated = quirk == Some(Quirk::RepeatedSamlAttributes);
        assert_eq!(lists, if repeated { 2 } else { 1 }, "{quirk:?}");
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn the_words_of_a_refusal_are_a_message_or_the_text_of_the_code() {
    let cas = CasServer::builder()
        .quirk(Quirk::SamlStatusText)
        .start()
        .await
        .unwrap();
    let answer = ask(&cas, SERVICE, "ST-1").await;
    assert!(
        answer.body.contains(
            "<saml1p:StatusCode Value=\"saml1p:RequestDenied\">The ticket is not known.</saml1p:StatusCode>"
        ) && !answer.body.contains("StatusMessage"),
        "{}",
        answer.body
    );
    cas.set_quirks([Quirk::FailureAsPlainNo]);
    assert_eq!(ask(&cas, SERVICE, "ST-1").await.body, "no\n\n");
    cas.set_quirks([Quirk::FailureStatus500]);
    let answer = post(&cas, SERVICE, &HEADERS, envelope("ST-1")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn instants_have_microseconds_and_an_offset_where_dates_do() {
    let cas = CasServer::builder()
        .quirk(Quirk::DateWithOffset)
        .start()
        .await
        .unwrap();
    let ticket = cas.issue_ticket("casuser", SERVICE);
    let answer = ask(&cas, SERVICE, &ticket).await;
    let (_, rest) = answer.body.split_once("NotBefore=\"").unwrap();
    let (instant, _) = rest.split_once('"').unwrap();
    assert!(
        instant.ends_with("+00:00") && instant.len() == 32,
        "{instant}"
    );
    instant.parse::<jiff::Timestamp>().unwrap();
}
