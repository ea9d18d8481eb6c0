//! The REST protocol: what is sent, how often, and what is made of answers.

use std::error::Error;
use std::time::Duration;

use super::server::{Answer, Server, ok};
use super::{builder, client, or_hang};
use crate::{CasClient, Password, RestError, RestErrorKind, ServiceUrl, TicketGrantingTicket};

const TGT: &str = "TGT-1-hidden_tgt.cas~01";
const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\
    Location: http://127.0.0.1:8080/cas/v1/tickets/TGT-1-hidden_tgt.cas~01\r\n\r\n";
const ADA: &str = r#"{"authentication":{"principal":{"id":"ada"}}}"#;

/// Each of the calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    SignIn,
    Check,
    Buy,
    Destroy,
}

const ALL: [Call; 4] = [Call::SignIn, Call::Check, Call::Buy, Call::Destroy];

/// The ticket that came, if the call gives one.
async fn call(client: &CasClient, call: Call) -> Result<String, RestError> {
    let password = Password::new("hidden & Mellon");
    let session = TicketGrantingTicket::parse(TGT).unwrap();
    let service = ServiceUrl::parse("https://api.example.org/hidden?a=%20b").unwrap();
    or_hang(async {
        match call {
            Call::SignIn => {
                let ticket = client
                    .sign_in_with_password("hidden-ada", &password)
                    .await?;
                Ok(ticket.expose_secret().to_owned())
            }
            Call::Check => {
                client.check_password("hidden-ada", &password).await?;
                Ok(String::new())
            }
            Call::Buy => {
                let ticket = client.service_ticket(&session, &service).await?;
                Ok(ticket.expose_secret().to_owned())
            }
            Call::Destroy => {
                client.destroy(&session).await?;
                Ok(String::new())
            }
        }
    })
    .await
}

/// The failure, after a look that nothing in it must be hidden.
async fn failure(client: &CasClient, what: Call) -> RestError {
    let error = call(client, what).await.unwrap_err();
    let mut printed = vec![format!("{error} {error:?} {error:#?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        printed.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    let printed = printed.join("\n");
    for hidden in ["hidden", "Mellon", "TGT", "api.example.org"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    error
}

fn with_status(status: u16, body: &str) -> Answer {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
    Answer::Bytes(answer.into_bytes())
}

/// What each call takes for a success.
fn success(what: Call) -> Vec<u8> {
    match what {
        Call::SignIn => CREATED.into(),
        Call::Check => ok(ADA),
        Call::Buy => ok("ST-1-hidden"),
        Call::Destroy => ok(TGT),
    }
}

#[tokio::test]
async fn each_call_sends_a_form_or_nothing_and_reads_a_ticket() {
    let credentials = "username=hidden-ada&password=hidden+%26+Mellon";
    let ticket = "/cas/v1/tickets/TGT-1-hidden_tgt.cas~01";
    let service = "service=https%3A%2F%2Fapi.example.org%2Fhidden%3Fa%3D%2520b";
    for (what, line, body, given) in [
        (
            Call::SignIn,
            "POST /cas/v1/tickets".to_owned(),
            credentials,
            TGT,
        ),
        (
            Call::Check,
            "POST /cas/v1/users".to_owned(),
            credentials,
            "",
        ),
        (Call::Buy, format!("POST {ticket}"), service, "ST-1-hidden"),
        (Call::Destroy, format!("DELETE {ticket}"), "", ""),
    ] {
        let server = Server::start(Answer::Bytes(success(what))).await;
        assert_eq!(call(&client(&server), what).await.unwrap(), given);
        let messages = server.messages();
        let [message] = &messages[..] else {
            panic!("{messages:?}");
        };
        let (head, sent) = message.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.lines().next(), Some(&*format!("{line} HTTP/1.1")));
        assert_eq!(sent, body);
        let is_form = head.contains("content-type: application/x-www-form-urlencoded");
        assert_eq!(is_form, !body.is_empty(), "{head}");
    }
}

#[tokio::test]
async fn the_kind_of_a_failure_follows_its_status() {
    use RestErrorKind::{
        Expired, Forbidden, InvalidRequest, NotOffered, Throttled, Unavailable, Unreadable,
        WrongPassword,
    };
    for (status, with_password, with_ticket) in [
        (202, Unreadable, Unreadable),
        (206, Unreadable, Unreadable),
        (300, Unreadable, Unreadable),
        (304, Unreadable, Unreadable),
        (400, InvalidRequest, InvalidRequest),
        (401, WrongPassword, Forbidden),
        (402, Unreadable, Unreadable),
        (403, Forbidden, Forbidden),
        (404, NotOffered, Expired),
        (405, NotOffered, NotOffered),
        (410, Unreadable, Expired),
        (415, NotOffered, NotOffered),
        (423, Throttled, Throttled),
        (429, Throttled, Throttled),
        (500, Unavailable, Unavailable),
        (501, NotOffered, NotOffered),
        (503, Unavailable, Unavailable),
    ] {
        for what in ALL {
            let body = if status == 304 { "" } else { ADA };
            let server = Server::start(with_status(status, body)).await;
            let client = client(&server);
            if what == Call::Destroy && with_ticket == Expired {
                call(&client, what).await.unwrap();
                continue;
            }
            let error = failure(&client, what).await;
            let kind = match what {
                Call::SignIn | Call::Check => with_password,
                Call::Buy | Call::Destroy => with_ticket,
            };
            assert_eq!(error.kind(), kind, "{status} {what:?}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            let passes = matches!(kind, Throttled | Unavailable);
            assert_eq!(error.is_temporary(), passes, "{status} {what:?}");
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_success_of_another_call_is_none() {
    for what in [Call::SignIn, Call::Check, Call::Buy] {
        for other in ALL.into_iter().filter(|other| *other != what) {
            // Any word could be a service ticket: only the server knows.
            if (what, other) == (Call::Buy, Call::Destroy) {
                continue;
            }
            let server = Server::start(Answer::Bytes(success(other))).await;
            let error = failure(&client(&server), what).await;
            assert_eq!(
                error.kind(),
                RestErrorKind::Unreadable,
                "{what:?} {other:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_new_ticket_comes_in_exactly_one_location_of_this_server() {
    for fields in [
        "",
        "Location: \r\n",
        "Location: https://evil.example/cas/v1/tickets/TGT-1\r\n",
        "Location: /cas/v1/tickets/\r\n",
        "Location: /cas/v1/tickets/TGT-\u{fc}\r\n",
        "Location: /cas/v1/tickets/TGT-1\tX\r\n",
        "Location: /cas/v1/tickets/TGT-1\r\nLocation: /cas/v1/tickets/TGT-2\r\n",
    ] {
        let answer = format!("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n{fields}\r\n");
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        let error = failure(&client(&server), Call::SignIn).await;
        assert_eq!(error.kind(), RestErrorKind::Unreadable, "{fields:?}");
    }
    let long = "T".repeat(3_000);
    let answer = format!(
        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nLocation: /cas/v1/tickets/{long}\r\n\r\n"
    );
    let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
    let error = failure(&client(&server), Call::SignIn).await;
    assert_eq!(error.kind(), RestErrorKind::Unreadable);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        for what in ALL {
            let target = Server::start(Answer::Bytes(success(what))).await;
            let answer = format!(
                "HTTP/1.1 {status} X\r\nLocation: {}/v1/tickets/TGT-1\r\nContent-Length: 0\r\n\r\n",
                target.url
            );
            let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
            let error = failure(&client(&server), what).await;
            assert_eq!(error.kind(), RestErrorKind::Unreadable);
            assert_eq!(server.requests().len(), 1);
            assert!(target.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn an_answer_over_1_mib_is_not_read() {
    let padding = " ".repeat(1024 * 1024 + 1);
    for what in ALL {
        let start = if what == Call::SignIn {
            "201 Created\r\nLocation: /cas/v1/tickets/TGT-1"
        } else {
            "200 OK"
        };
        let length = padding.len();
        let answer = format!("HTTP/1.1 {start}\r\nContent-Length: {length}\r\n\r\n{padding}");
        let server = Server::start(Answer::Bytes(answer.into_bytes())).await;
        let error = failure(&client(&server), what).await;
        assert!(error.to_string().contains("1 MiB"), "{what:?} {error}");
    }
}

/// How often a server is asked in two calls, if the second gets no answer over the connection of the first.
async fn asked_over_a_dead_connection(what: Call) -> (usize, Option<RestErrorKind>) {
    let server = Server::start(Answer::OnceThenSilence(success(what))).await;
    // A third of it goes by before a silent connection is given up.
    let limit = Duration::from_secs(6);
    let client = builder(&server.url).timeout(limit).build().unwrap();
    call(&client, what).await.unwrap();
    let again = call(&client, what).await;
    (
        server.requests().len(),
        again.err().map(|error| error.kind()),
    )
}

#[tokio::test]
async fn a_password_is_not_sent_again_over_another_connection_but_a_ticket_is() {
    let (sign_in, check, buy, destroy) = tokio::join!(
        asked_over_a_dead_connection(Call::SignIn),
        asked_over_a_dead_connection(Call::Check),
        asked_over_a_dead_connection(Call::Buy),
        asked_over_a_dead_connection(Call::Destroy),
    );
    assert_eq!(sign_in, (2, Some(RestErrorKind::TimedOut)));
    assert_eq!(check, (2, Some(RestErrorKind::TimedOut)));
    assert_eq!(buy, (3, None));
    assert_eq!(destroy, (3, None));
}

#[tokio::test]
async fn a_password_is_sent_once_if_the_connection_breaks() {
    for what in [Call::SignIn, Call::Check] {
        let server = Server::start(Answer::ThenClose(Vec::new())).await;
        let error = failure(&client(&server), what).await;
        assert_eq!(error.kind(), RestErrorKind::Unreachable);
        assert!(error.is_temporary());
        assert_eq!(server.requests().len(), 1);
        // Over a connection that has served before.
        let server = Server::start(Answer::Once(success(what))).await;
        let client = client(&server);
        call(&client, what).await.unwrap();
        let error = failure(&client, what).await;
        assert_eq!(error.kind(), RestErrorKind::Unreachable);
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_stops_answering_meets_the_time_limit() {
    for what in ALL {
        for start in ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nST"] {
            let server = Server::start(Answer::ThenSilence(start.into())).await;
            let client = builder(&server.url)
                .timeout(Duration::from_millis(200))
                .build()
                .unwrap();
            let error = failure(&client, what).await;
            assert_eq!(error.kind(), RestErrorKind::TimedOut, "{what:?} {start:?}");
        }
    }
}

#[tokio::test]
async fn nothing_secret_goes_over_a_network_in_clear() {
    for (public, internal) in [
        ("http://cas.example.org/cas", None),
        ("https://cas.example.org/cas", Some("http://192.0.2.1/cas")),
    ] {
        let mut builder = builder(public).allow_insecure_http(true);
        if let Some(internal) = internal {
            builder = builder.internal_url(internal);
        }
        let client = builder.build().unwrap();
        for what in ALL {
            let error = failure(&client, what).await;
            assert_eq!(error.kind(), RestErrorKind::NotSent, "{what:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_user_or_a_password_is_not_sent() {
    let server = Server::start(Answer::Bytes(CREATED.into())).await;
    let client = client(&server);
    let long = "x".repeat(1_025);
    for (user, password) in [
        ("", "x"),
        ("ada\n", "x"),
        (" ada", "x"),
        (&long, "x"),
        ("ada", ""),
        ("ada", &long),
    ] {
        let password = Password::new(password);
        let error = client.sign_in_with_password(user, &password).await;
        assert_eq!(error.unwrap_err().kind(), RestErrorKind::NotSent);
        let error = client.check_password(user, &password).await;
        assert_eq!(error.unwrap_err().kind(), RestErrorKind::NotSent);
    }
    assert!(server.requests().is_empty());
}
