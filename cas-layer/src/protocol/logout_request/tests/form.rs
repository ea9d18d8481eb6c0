//! The back channel, but for the XML.

use super::{
    InvalidLogoutRequest, KIB, LogoutRequest, USUAL_TICKET, encode, form, index, is_form, named,
    request, sessions, unreadable, usual,
};

#[test]
fn the_field_is_found_among_others() {
    let usual = encode(usual());
    for body in [
        format!("logoutRequest={usual}"),
        format!("logoutRequest={usual}&"),
        format!("&&logoutRequest={usual}"),
        format!("a=1&logoutRequest={usual}&RelayState=x&b"),
        format!("logout%52equest={usual}"),
        format!("logoutrequest=x&LogoutRequest=y&SAMLRequest=z&logoutRequest={usual}"),
        format!("logoutRequest={usual}&Ticket=x&tickets=y"),
        format!("logoutRequest={}", usual.replace('+', "%20")),
        format!("\u{e9}=%E9&logoutRequest={usual}"),
    ] {
        assert_eq!(
            sessions(LogoutRequest::from_form(body.as_bytes())),
            named(&[USUAL_TICKET]),
            "{body}"
        );
    }
}

#[test]
fn only_one_field_may_be_the_request() {
    let usual = encode(usual());
    for (body, error) in [
        (String::new(), InvalidLogoutRequest::Missing),
        ("ticket=ST-1".to_owned(), InvalidLogoutRequest::Missing),
        (
            format!("logoutrequest={usual}"),
            InvalidLogoutRequest::Missing,
        ),
        (
            format!("SAMLRequest={usual}"),
            InvalidLogoutRequest::Missing,
        ),
        (
            format!("xlogoutRequest={usual}"),
            InvalidLogoutRequest::Missing,
        ),
        (usual.clone(), InvalidLogoutRequest::Missing),
        (
            format!("logoutRequest={usual}&logoutRequest={usual}"),
            InvalidLogoutRequest::Repeated,
        ),
        (
            format!("logoutRequest={usual}&logoutRequest="),
            InvalidLogoutRequest::Repeated,
        ),
        (
            format!("logoutRequest&logoutRequest={usual}"),
            InvalidLogoutRequest::Repeated,
        ),
        (
            format!("logoutRequest={usual}&%6Cogout%52equest={usual}"),
            InvalidLogoutRequest::Repeated,
        ),
    ] {
        assert_eq!(
            sessions(LogoutRequest::from_form(body.as_bytes())),
            Err(error),
            "{body}"
        );
    }
}

#[test]
fn a_request_next_to_a_ticket_ends_nothing() {
    let usual = encode(usual());
    for body in [
        format!("logoutRequest={usual}&ticket=ST-1"),
        format!("ticket=ST-1&logoutRequest={usual}"),
        format!("logoutRequest={usual}&ticket="),
        format!("logoutRequest={usual}&tic%6Bet"),
        "logoutRequest=&ticket=".to_owned(),
    ] {
        assert_eq!(
            sessions(LogoutRequest::from_form(body.as_bytes())),
            Err(InvalidLogoutRequest::WithTicket),
            "{body}"
        );
    }
}

#[test]
fn a_form_has_up_to_64_kib() {
    let body = form(usual());
    for (length, expected) in [
        (64 * KIB - 1, named(&[USUAL_TICKET])),
        (64 * KIB, named(&[USUAL_TICKET])),
        (64 * KIB + 1, unreadable("it is longer than 64 KiB")),
    ] {
        let mut long = body.clone();
        long.push(b'&');
        long.resize(length, b'x');
        assert_eq!(sessions(LogoutRequest::from_form(&long)), expected);
        // In the document as well, where the form has no room for more.
        let mut long = body.clone();
        long.resize(length, b'+');
        assert_eq!(sessions(LogoutRequest::from_form(&long)), expected);
    }
}

#[test]
fn a_name_in_another_charset_costs_nobody_their_logout() {
    let body = encode(request(&format!("<n>!</n>{}", index("ST-1"))));
    for name in [
        &b"\xc5lice"[..],
        b"%C5lice",
        b"\xff\xfe",
        b"%ED%A0%80",
        b"\xe7\x8c",
    ] {
        let (before, after) = body.split_once("%21").unwrap();
        let body = [b"logoutRequest=", before.as_bytes(), name, after.as_bytes()].concat();
        assert_eq!(
            sessions(LogoutRequest::from_form(&body)),
            named(&["ST-1"]),
            "{name:?}"
        );
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_part_of_no_ticket() {
    for bytes in ["%FF", "%C0%AD", "%ED%A0%80", "%F0%9F", "\u{fffd}"] {
        let body = encode(request(&format!("{}{}", index("ST-1!2"), index("ST-3"))));
        let body = format!("logoutRequest={}", body.replace("%21", bytes));
        assert_eq!(
            sessions(LogoutRequest::from_form(body.as_bytes())),
            named(&["ST-3"]),
            "{bytes}"
        );
    }
}

#[test]
fn a_form_is_one_whatever_its_parameters() {
    for content_type in [
        &b"application/x-www-form-urlencoded"[..],
        b"application/x-www-form-urlencoded;charset=UTF-8",
        b"application/x-www-form-urlencoded; charset=\"utf-8\"",
        b"Application/X-WWW-Form-URLEncoded ; Charset=ISO-8859-1; x",
        b" \tapplication/x-www-form-urlencoded;",
        b"application/x-www-form-urlencoded; x=\xff",
    ] {
        assert!(is_form(content_type), "{content_type:?}");
    }
    for content_type in [
        &b""[..],
        b";",
        b"; application/x-www-form-urlencoded",
        b"text/xml; x=application/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded2",
        b"xapplication/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded, text/plain",
        b"multipart/form-data; boundary=x",
        b"application /x-www-form-urlencoded",
    ] {
        assert!(!is_form(content_type), "{content_type:?}");
    }
}
