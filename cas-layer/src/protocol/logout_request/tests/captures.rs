//! What a real server sent.

use super::{LogoutRequest, from_xml, is_form, named, sessions};

macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/django-cas-server/",
            $name
        ))
    };
}

/// Service ticket, the service ticket of a proxy, its proxy ticket at the back-end, and its
/// proxy-granting ticket at the callback.
const CAPTURES: [(&str, &str, &str); 4] = [
    (
        capture!("slo-one-1.http"),
        capture!("slo-one-1.xml"),
        "ST-OhIzQBiQpP1ubPuUQOUeuDifZYn2UI7am6zXfPTiueUDUEIjFzhvMLoAPZFxB",
    ),
    (
        capture!("slo-proxy-1.http"),
        capture!("slo-proxy-1.xml"),
        "ST-wibkTbwR23dCnXWa8xhaV1ESaLc4GuiKdZ0mCs16gbp6Thda00gSaIA7OJK5J",
    ),
    (
        capture!("slo-proxy-2.http"),
        capture!("slo-proxy-2.xml"),
        "PT-tz89sQlU2ws99k5sCXcEwqTbovNb4Rj88eQRAu3CCqdxw4BbgjFHywXw4a2hZ",
    ),
    (
        capture!("slo-proxy-3.http"),
        capture!("slo-proxy-3.xml"),
        "PGT-Gs6ZFDAKlGa0ecc5MWOmHEHFcf60IqTFidGXxFUKOabMilpNeelDrJhxCXpJ",
    ),
];

#[test]
fn the_ticket_of_a_captured_request_is_found() {
    for (http, _, ticket) in CAPTURES {
        let (head, body) = http.split_once("\r\n\r\n").unwrap();
        let content_type = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Type:"))
            .unwrap();
        assert!(is_form(content_type.as_bytes()));
        assert_eq!(
            sessions(LogoutRequest::from_form(body.as_bytes())),
            named(&[ticket])
        );
    }
}

#[test]
fn the_form_of_a_captured_request_holds_the_captured_message() {
    for (_, document, ticket) in CAPTURES {
        assert_eq!(from_xml(document), named(&[ticket]));
        assert_eq!(from_xml(document.replace('\n', "\r\n")), named(&[ticket]));
    }
}
