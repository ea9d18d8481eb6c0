use super::{Password, ServerUrl, TicketGrantingTicket, form, names_a_user, service_ticket_in};
use crate::protocol::ServerPaths;

const HOSTS: [&str; 2] = ["cas.internal", "cas.example.org"];

fn read(location: &str) -> Result<String, &'static str> {
    let ticket = TicketGrantingTicket::of_location(location, HOSTS)?;
    Ok(ticket.expose_secret().to_owned())
}

#[test]
fn a_location_names_a_ticket() {
    let longest = "T".repeat(2_048);
    for (location, ticket) in [
        ("https://cas.example.org/cas/v1/tickets/TGT-1", "TGT-1"),
        // Behind a proxy that ends TLS.
        ("http://cas.internal:8080/cas/v1/tickets/TGT-1", "TGT-1"),
        (
            "https://CAS.example.org/v1/tickets/TGT-1-a.b~c_d",
            "TGT-1-a.b~c_d",
        ),
        ("/cas/v1/tickets/TGT-1", "TGT-1"),
        ("/v1/tickets/TGT-1%40node%3A1", "TGT-1@node:1"),
        (&format!("/v1/tickets/{longest}"), &*longest),
    ] {
        assert_eq!(read(location).as_deref(), Ok(ticket), "{location}");
    }
}

#[test]
fn a_location_of_anything_else_names_none() {
    let too_long = format!("/v1/tickets/{}", "T".repeat(2_049));
    for location in [
        "",
        "TGT-1",
        "tickets/TGT-1",
        "/TGT-1",
        "/v1/tickets",
        "/v1/tickets/",
        "/v1/tickets/TGT-1/",
        "/v1/users/TGT-1",
        &too_long,
        // Another host.
        "https://evil.example/cas/v1/tickets/TGT-1",
        "https://cas.example.org.evil.example/v1/tickets/TGT-1",
        "https://cas.example.org@evil.example/v1/tickets/TGT-1",
        "https://evil.example/https://cas.example.org/v1/tickets/TGT-1",
        "//evil.example/v1/tickets/TGT-1",
        "/\\evil.example/v1/tickets/TGT-1",
        "ftp://cas.example.org/v1/tickets/TGT-1",
        "https:/v1/tickets/TGT-1",
        // A ticket elsewhere than in the path.
        "/x?y=/v1/tickets/TGT-1",
        "/x#/v1/tickets/TGT-1",
        "/v1/tickets/TGT-1?x",
        "/v1/tickets/TGT-1#x",
        // No ticket, or a way to another path.
        "/v1/tickets/.",
        "/v1/tickets/..",
        "/v1/tickets/%2e%2E",
        "/v1/tickets/TGT-1%2f..%2Fusers",
        "/v1/tickets/TGT-1%5c",
        "/v1/tickets/TGT-1%3fx",
        "/v1/tickets/TGT-1%23",
        "/v1/tickets/TGT-1%252f",
        "/v1/tickets/TGT-1%",
        "/v1/tickets/TGT-1%0d%0aX:y",
        "/v1/tickets/TGT-1%00",
        "/v1/tickets/TGT-%FF",
        "/v1/tickets/TGT-%C3%BC",
        "/v1/tickets/TGT 1",
        "/v1/tickets/TGT-1\t",
        "/v1 /tickets\u{7f}/v1/tickets/TGT-1",
        "/v1/tickets/TGT-1,TGT-2",
    ] {
        let error = read(location).unwrap_err();
        assert!(!error.contains("TGT"), "{location}");
    }
}

#[test]
fn a_service_ticket_is_the_whole_of_a_plain_text() {
    for (body, content_type) in [
        ("ST-1", Some("text/plain")),
        ("ST-1", Some("Text/Plain ; charset=UTF-8")),
        ("ST-1", None),
        ("ST-1\n", None),
        ("ST-1\r\n", Some("text/plain")),
    ] {
        let ticket = service_ticket_in(body.as_bytes(), content_type).unwrap();
        assert_eq!(ticket.expose_secret(), "ST-1");
    }
    let long = "T".repeat(2_049);
    for (body, content_type) in [
        ("", Some("text/plain")),
        ("\n", Some("text/plain")),
        (" ST-1", Some("text/plain")),
        ("ST-1\n\n", Some("text/plain")),
        ("ST-1\nST-2", Some("text/plain")),
        ("ST-1 ST-2", Some("text/plain")),
        ("<html>ST-1</html>", Some("text/plain")),
        ("ST-\0", Some("text/plain")),
        (&long, Some("text/plain")),
        ("ST-1", Some("text/html")),
        ("ST-1", Some("application/json")),
        ("ST-1", Some("text/plainly")),
        ("ST-1", Some("text/html;text/plain")),
        ("ST-1", Some("")),
    ] {
        let read = service_ticket_in(body.as_bytes(), content_type);
        assert!(read.is_err(), "{body} {content_type:?}");
    }
    assert!(service_ticket_in(b"ST-\xff", None).is_err());
}

#[test]
fn only_an_answer_that_names_a_user_says_that_a_password_is_right() {
    assert!(names_a_user(
        br#"{"@class":"x","authentication":{"principal":{"id":"ada","attributes":{"a":[1]}}},"b":true}"#
    ));
    for body in [
        "",
        "{}",
        "true",
        "<html>Sign in</html>",
        r#"{"authentication":null}"#,
        r#"{"authentication":{"principal":{"id":""}}}"#,
        r#"{"authentication":{"principal":{"id":" "}}}"#,
        r#"{"authentication":{"principal":{"id":7}}}"#,
        r#"{"authentication":{"principal":{"id":"ada"}}"#,
        r#"{"authentication":{"principal":{"id":"ada"}}} x"#,
        r#"{"authentication":{"principal":{"id":"ada","id":"bob"}}}"#,
        r#"{"principal":{"id":"ada"}}"#,
    ] {
        assert!(!names_a_user(body.as_bytes()), "{body}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!names_a_user(deep.as_bytes()));
}

#[test]
fn a_form_gives_back_what_was_put_in() {
    let fields = [
        ("username", "zoë & co"),
        ("password", "a=b&c%20+ \"\u{0}\r\n€"),
    ];
    let written = form(&fields);
    let read: Vec<_> = form_urlencoded::parse(&written).collect();
    assert_eq!(
        read,
        fields.map(|(name, value)| (name.into(), value.into()))
    );
}

#[test]
fn a_ticket_is_one_segment_of_its_url() {
    let server = ServerUrl::parse("https://cas.example.org/cas", ServerPaths::default(), false);
    let server = server.unwrap();
    let ticket = TicketGrantingTicket::parse("TGT-1@node:1;a=b").unwrap();
    assert_eq!(
        *server.ticket(&ticket),
        "https://cas.example.org/cas/v1/tickets/TGT-1%40node%3A1%3Ba%3Db"
    );
    assert_eq!(server.tickets(), "https://cas.example.org/cas/v1/tickets");
    assert_eq!(server.users(), "https://cas.example.org/cas/v1/users");
}

#[test]
fn nothing_secret_is_printed() {
    let ticket = TicketGrantingTicket::parse("TGT-hidden").unwrap();
    let password = Password::new("hidden");
    let printed = format!("{ticket:?} {ticket:#?} {password:?} {password:#?}");
    assert_eq!(
        printed,
        "TicketGrantingTicket(…) TicketGrantingTicket(…) Password(…) Password(…)"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_form_leaves_no_copy_of_a_password_behind() {
    use crate::secret::tests::Marker;

    let marker = Marker::new();
    let password = Password::new(marker.text().as_str());
    // What comes after it makes a buffer grow that has no room.
    let rest = "é".repeat(100_000);
    let written = form(&[("password", password.expose_secret()), ("rest", &rest)]);
    assert_eq!(marker.copies(), 2, "the password, and the form");
    drop((password, written));
    assert_eq!(marker.copies(), 0);
}
