//! Answers to a request for a proxy ticket, and the IOU in an answer to a validation.

use super::{NAMESPACE, Outcome, alice_and, authentication, refused, response};
use crate::protocol::response::{ResponseError, parse_proxy_response};

/// The ticket in place of the user.
pub(super) fn outcome(body: impl AsRef<[u8]>) -> Outcome {
    match parse_proxy_response(body.as_ref()) {
        Ok(ticket) => Outcome::User(ticket.expose_secret().to_owned()),
        Err(ResponseError::Refused(refusal)) => {
            Outcome::Refused(refusal.code("PGT-of-the-tests").map(str::to_owned))
        }
        Err(ResponseError::Unmet(unmet)) => Outcome::Unmet(unmet),
        Err(ResponseError::Unreadable(_)) => Outcome::Unreadable,
    }
}

fn ticket(text: &str) -> Outcome {
    Outcome::User(text.to_owned())
}

fn success(inner: &str) -> String {
    response(&format!("<cas:proxySuccess>{inner}</cas:proxySuccess>"))
}

fn json_success(answer: &str) -> String {
    format!(r#"{{"serviceResponse":{{"proxySuccess":{answer}}}}}"#)
}

#[test]
fn every_dialect_of_a_success_gives_the_ticket() {
    for body in [
        success("<cas:proxyTicket>PT-1-a_b.c~d</cas:proxyTicket>"),
        success("\n  <cas:proxyTicket>\n PT-1-a_b.c~d\t</cas:proxyTicket>\n"),
        success("<cas:proxyTicket>PT-1<!-- x -->-a_<![CDATA[b.c]]>~d</cas:proxyTicket>"),
        success("<cas:other>x</cas:other><cas:proxyTicket>PT-1-a_b.c~d</cas:proxyTicket>"),
        "<serviceResponse><proxySuccess><proxyTicket>PT-1-a_b.c~d</proxyTicket></proxySuccess></serviceResponse>".to_owned(),
        format!("\u{feff}\n<?xml version='1.0'?><serviceResponse xmlns='{NAMESPACE}'><proxySuccess><proxyTicket>PT-1-a_b.c~d</proxyTicket></proxySuccess></serviceResponse>"),
        json_success(r#"{"proxyTicket":"PT-1-a_b.c~d"}"#),
        json_success(r#"{"other":[1],"proxyTicket":" PT\u002d1-a_b.c~d\n"}"#),
    ] {
        assert_eq!(outcome(&body), ticket("PT-1-a_b.c~d"), "{body}");
    }
}

#[test]
fn a_failure_of_either_name_is_one_because_it_is_there() {
    for name in ["proxyFailure", "authenticationFailure"] {
        for (attributes, inner, expected) in [
            (
                " code='INVALID_TICKET'",
                "not found",
                refused("INVALID_TICKET"),
            ),
            (" code='BAD_PGT'", "", refused("BAD_PGT")),
            (" code='OF_THIS_SERVER'", "", refused("OF_THIS_SERVER")),
            ("", "", Outcome::Refused(None)),
            (" code='PGT-of-the-tests'", "", Outcome::Refused(None)),
            (
                " code='X'",
                "<cas:proxyTicket>PT-1</cas:proxyTicket>",
                refused("X"),
            ),
        ] {
            let body = response(&format!("<cas:{name}{attributes}>{inner}</cas:{name}>"));
            assert_eq!(outcome(&body), expected, "{body}");
        }
        for (answer, expected) in [
            (
                r#"{"code":"INVALID_TICKET","description":"x"}"#,
                refused("INVALID_TICKET"),
            ),
            (r#"{"code":7}"#, Outcome::Refused(None)),
            ("null", Outcome::Refused(None)),
            (r#"{"proxyTicket":"PT-1"}"#, Outcome::Refused(None)),
        ] {
            let body = format!(r#"{{"serviceResponse":{{"{name}":{answer}}}}}"#);
            assert_eq!(outcome(&body), expected, "{body}");
        }
    }
    assert_eq!(outcome("no\n\n"), Outcome::Refused(None));
}

#[test]
fn a_success_without_a_ticket_is_a_refusal() {
    for body in [
        success(""),
        success("PT-1"),
        success("<cas:proxyTicket/>"),
        success("<cas:proxyTicket> \n </cas:proxyTicket>"),
        success("<cas:x><cas:proxyTicket>PT-1</cas:proxyTicket></cas:x>"),
        success("<cas:ProxyTicket>PT-1</cas:ProxyTicket>"),
        success("<cas:proxyGrantingTicket>PGT-1</cas:proxyGrantingTicket>"),
        json_success("{}"),
        json_success(r#"{"proxyTicket":null}"#),
        json_success(r#"{"proxyTicket":" "}"#),
    ] {
        assert_eq!(outcome(&body), Outcome::Refused(None), "{body}");
    }
}

#[test]
fn two_answers_two_tickets_and_foreign_elements_are_unreadable() {
    let granted = "<cas:proxySuccess><cas:proxyTicket>PT-1</cas:proxyTicket></cas:proxySuccess>";
    let failure = "<cas:proxyFailure code='X'/>";
    let user = "<cas:authenticationSuccess><cas:user>alice</cas:user></cas:authenticationSuccess>";
    let one = "<cas:proxyTicket>PT-1</cas:proxyTicket>";
    for body in [
        response(&format!("{granted}{failure}")),
        response(&format!("{failure}{granted}")),
        response(&format!("{granted}{granted}")),
        response(&format!("{granted}{user}")),
        response(user),
        response(one),
        response(""),
        success(&format!("{one}{one}")),
        success(&format!("{one}<cas:proxyTicket/>")),
        success(&format!("{one}<proxyTicket>PT-2</proxyTicket>")),
        success("<proxyTicket>PT-1</proxyTicket>"),
        success("<e:proxyTicket xmlns:e='http://evil.example/'>PT-1</e:proxyTicket>"),
        success("<cas:proxyTicket>PT-<b/>1</cas:proxyTicket>"),
        success("<cas:proxyTicket>PT-1 PT-2</cas:proxyTicket>"),
        success("<cas:proxyTicket>PT-1&amp;x=y</cas:proxyTicket>"),
        success("<cas:proxyTicket>PT-\u{e9}</cas:proxyTicket>"),
        success(&format!("<cas:proxyTicket>{}</cas:proxyTicket>", "x".repeat(2_049))),
        format!("<!DOCTYPE x>{}", success(one)),
        format!("{}x", success(one)),
        success(one).replace(NAMESPACE, "http://evil.example/"),
        success(one).replace("serviceResponse", "html"),
        format!("<cas:proxySuccess xmlns:cas='{NAMESPACE}'>{one}</cas:proxySuccess>"),
        response("<cas:myproxySuccess><cas:proxyTicket>PT-1</cas:proxyTicket></cas:myproxySuccess>"),
        response("<e:proxySuccess xmlns:e='http://evil.example/'><cas:proxyTicket>PT-1</cas:proxyTicket></e:proxySuccess>"),
        r#"{"serviceResponse":{"proxySuccess":{"proxyTicket":"PT-1"},"proxyFailure":{}}}"#.to_owned(),
        r#"{"serviceResponse":{"proxySuccess":{"proxyTicket":"PT-1"},"proxySuccess":{"proxyTicket":"PT-1"}}}"#.to_owned(),
        r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice"}}}"#.to_owned(),
        r#"{"proxySuccess":{"proxyTicket":"PT-1"}}"#.to_owned(),
        json_success(r#"{"proxyTicket":"PT-1","proxyTicket":"PT-2"}"#),
        json_success(r#"{"proxyTicket":["PT-1"]}"#),
        json_success(r#"{"proxyTicket":1}"#),
        json_success(r#"{"proxyTicket":"PT-1&x"}"#),
        json_success(r#""PT-1""#),
        json_success("null"),
        "PT-1".to_owned(),
        "yes\nPT-1\n".to_owned(),
        "<html/>".to_owned(),
        String::new(),
    ] {
        assert_eq!(outcome(&body), Outcome::Unreadable, "{body}");
    }
    assert_eq!(outcome(b"<a>\xff</a>"), Outcome::Unreadable);
}

#[test]
fn an_answer_about_a_proxy_ticket_says_nothing_about_a_user() {
    for body in [
        success("<cas:proxyTicket>PT-1</cas:proxyTicket>"),
        json_success(r#"{"proxyTicket":"PT-1"}"#),
    ] {
        assert_eq!(super::outcome(body), Outcome::Unreadable);
    }
}

/// The IOU of a sign-in by XML and by JSON, which are Alice's in any case.
#[track_caller]
fn ious(xml: &str, json: &str) -> [Option<String>; 2] {
    let xml = alice_and(xml);
    let json =
        format!(r#"{{"serviceResponse":{{"authenticationSuccess":{{"user":"alice"{json}}}}}}}"#);
    [xml, json].map(|body| {
        let authentication = authentication(body);
        assert_eq!(authentication.user(), "alice");
        assert!(authentication.attributes().is_empty());
        let iou = authentication.proxy_granting_ticket_iou()?;
        Some(iou.expose_secret().to_owned())
    })
}

#[test]
fn an_iou_is_read_from_xml_and_json() {
    for (xml, json) in [
        (
            "<cas:proxyGrantingTicket>PGTIOU-1.x_y</cas:proxyGrantingTicket>",
            r#","proxyGrantingTicket":"PGTIOU-1.x_y""#,
        ),
        (
            "<cas:proxyGrantingTicket>\n PGTIOU<!-- x -->-1.x_y </cas:proxyGrantingTicket>",
            r#","proxyGrantingTicket":" PGT\u0049OU-1.x_y\n""#,
        ),
    ] {
        for iou in ious(xml, json) {
            assert_eq!(iou.as_deref(), Some("PGTIOU-1.x_y"));
        }
    }
}

#[test]
fn what_can_be_no_iou_is_none_and_no_reason_to_turn_the_user_away() {
    let long = "x".repeat(257);
    for text in [
        "",
        " ",
        "PGTIOU 1",
        "PGTIOU-1&amp;",
        "PGTIOU-1'",
        "PGTIOU-\u{e9}",
        &long,
    ] {
        let xml = format!("<cas:proxyGrantingTicket>{text}</cas:proxyGrantingTicket>");
        let json = format!(r#","proxyGrantingTicket":"{text}""#);
        assert_eq!(ious(&xml, &json), [None, None], "{text}");
    }
    for (xml, json) in [
        ("", ""),
        (
            "<cas:proxyGrantingTicket><x>PGTIOU-1</x></cas:proxyGrantingTicket>",
            r#","proxyGrantingTicket":["PGTIOU-1"]"#,
        ),
        (
            "<cas:proxyGrantingTicket>PGT<x/>IOU-1</cas:proxyGrantingTicket>",
            r#","proxyGrantingTicket":null"#,
        ),
        ("<cas:proxyGrantingTicket/>", r#","proxyGrantingTicket":7"#),
    ] {
        assert_eq!(ious(xml, json), [None, None], "{xml}");
    }
}

#[test]
fn two_ious_are_unreadable() {
    let one = "<cas:proxyGrantingTicket>PGTIOU-1</cas:proxyGrantingTicket>";
    for body in [
        alice_and(&format!("{one}{one}")),
        alice_and("<proxyGrantingTicket>PGTIOU-1</proxyGrantingTicket>"),
        r#"{"serviceResponse":{"authenticationSuccess":{"user":"alice","proxyGrantingTicket":"PGTIOU-1","proxyGrantingTicket":"PGTIOU-1"}}}"#.to_owned(),
    ] {
        assert_eq!(super::outcome(body), Outcome::Unreadable);
    }
}

#[test]
fn a_refusal_has_its_code_in_an_attribute_an_element_or_for_its_text() {
    for (inner, code) in [
        (" code='INVALID_TICKET'>words<", Some("INVALID_TICKET")),
        (
            " code='INVALID_REQUEST'><cas:code>OTHER_CODE</cas:code><",
            Some("INVALID_REQUEST"),
        ),
        (
            "><cas:code>INVALID_TICKET</cas:code><cas:description>words</cas:description><",
            Some("INVALID_TICKET"),
        ),
        (">\n  INVALID_TICKET\n<", Some("INVALID_TICKET")),
        (">INVALID_TICKET is what it is<", None),
        (">gone<", None),
        (">PT_hidden_1<", None),
        ("><", None),
    ] {
        let name = "cas:proxyFailure";
        let xml = response(&format!("<{name}{inner}/{name}>"));
        assert_eq!(
            outcome(&xml),
            Outcome::Refused(code.map(str::to_owned)),
            "{xml}"
        );
        let name = "cas:authenticationFailure";
        let xml = response(&format!("<{name}{inner}/{name}>"));
        assert_eq!(
            super::outcome(&xml),
            Outcome::Refused(code.map(str::to_owned)),
            "{xml}"
        );
    }
    for (inner, code) in [
        (
            r#"{"code":"INVALID_TICKET","description":"x"}"#,
            Some("INVALID_TICKET"),
        ),
        (r#""INVALID_TICKET""#, Some("INVALID_TICKET")),
        (
            r#"{"description":"INVALID_TICKET"}"#,
            Some("INVALID_TICKET"),
        ),
        (r#""it is gone""#, None),
    ] {
        let json = format!(r#"{{"serviceResponse":{{"proxyFailure":{inner}}}}}"#);
        assert_eq!(
            outcome(&json),
            Outcome::Refused(code.map(str::to_owned)),
            "{json}"
        );
    }
}

#[test]
fn a_direct_login_whose_user_stands_among_the_proxies_has_none() {
    let proxies = |user: &str, proxies: &[&str]| {
        let elements = proxies
            .iter()
            .map(|proxy| format!("<cas:proxy>{proxy}</cas:proxy>"));
        let elements = elements.collect::<Vec<_>>().concat();
        let xml = super::success(&format!(
            "<cas:user>{user}</cas:user><cas:proxies>{elements}</cas:proxies>"
        ));
        let json = serde_json::json!({"serviceResponse": {"authenticationSuccess":
            {"user": user, "proxies": proxies}}});
        let [xml, json] = [xml, json.to_string()].map(|body| {
            let authentication = super::authentication(body).without_user_as_proxy();
            authentication.proxies().to_vec()
        });
        assert_eq!(xml, json);
        xml
    };
    assert_eq!(proxies("alice", &["alice"]), [""; 0]);
    // Anything else is a chain, and has to be accepted as a whole.
    for (user, chain) in [
        ("alice", &["Alice"][..]),
        ("alice", &["bob"]),
        ("alice", &["alice", "alice"]),
        ("alice", &["https://a.example/", "alice"]),
        ("https://a.example/", &["https://a.example/"]),
    ] {
        assert_eq!(proxies(user, chain), chain, "{user}");
    }
}
