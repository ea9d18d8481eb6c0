//! What the fuzz targets call: answers in every format.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is what a fuzz target reports"
)]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use super::{
    Received, ResponseError, SamlExpectation, Unmet, parse_proxy_response, parse_saml_response,
    parse_service_response, parse_text_response, text_of,
};
use crate::protocol::{
    Authentication, ProxyGrantingTicketIou, ProxyTicket, ServiceUrl, check_user_name,
    document::{self, attribute, is_space, trim},
    name::check_proxy,
};

/// What the names of attributes may take besides the text that they come from: one made of several repeats their names.
const MADE_NAMES: usize = 1_000 * 1_024;

/// A namespace of one server, besides that of CAS.
static NAMESPACES: LazyLock<[String; 1]> =
    LazyLock::new(|| ["https://ecas.ec.europa.eu/cas/schemas".to_owned()]);

/// What an answer says.
#[derive(Debug, PartialEq)]
enum Outcome {
    User {
        name: String,
        attributes: Vec<(String, Vec<String>)>,
        proxies: Vec<String>,
        date: Option<SystemTime>,
        iou: Option<String>,
    },
    Ticket(String),
    Refused(String),
    Unmet(Unmet),
    Unreadable(&'static str),
}

const REQUEST: &str = "_00112233445566778899aabbccddeeff";

/// The most that is repeated of a server's words.
const MAX_WORDS: usize = 2_000;

/// The first that looks like a ticket, as if it were the one that was sent.
fn ticket_in(body: &[u8]) -> String {
    let start = body
        .windows(3)
        .position(|it| it == b"ST-")
        .unwrap_or(body.len());
    let end = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let ticket = body[start..].iter().take_while(end);
    ticket.map(|byte| char::from(*byte)).collect()
}

fn received<'a>(content_type: Option<&'a str>, body: &'a [u8]) -> Received<'a> {
    Received {
        body,
        content_type,
        namespaces: &*NAMESPACES,
    }
}

/// An answer of CAS 1, 2 or 3 to a validation, and to a request for a proxy ticket.
pub fn service_response(content_type: Option<&str>, body: &[u8]) {
    let answer = || received(content_type, body);
    let ticket = ticket_in(body);
    twice(&answer(), || {
        of_user(parse_text_response(answer()), &ticket)
    });
    let outcome = twice(&answer(), || {
        of_user(parse_service_response(answer()), &ticket)
    });
    if let (Outcome::User { .. }, Ok(text)) = (outcome, text_of(&answer())) {
        // What is no success in any spelling cannot have become one.
        let is_json = text.trim_ascii_start().starts_with('{');
        assert!(is_json || text.contains("authenticationSuccess"));
    }
    twice(&answer(), || match parse_proxy_response(answer()) {
        Ok(ticket) => Outcome::Ticket(ticket.expose_secret().to_owned()),
        Err(error) => of_error(&error, &ticket),
    });
}

/// An answer of SAML 1.1 to a question for one of the services of the captures.
pub fn saml_response(content_type: Option<&str>, body: &[u8]) {
    let ticket = ticket_in(body);
    let captured = ["https://127.0.0.1:43955/app", "http://127.0.0.1:43117/app"];
    let names = |service: &&str| {
        body.windows(service.len())
            .any(|it| it == service.as_bytes())
    };
    let service = captured.into_iter().find(names);
    let service = ServiceUrl::parse(service.unwrap_or("https://app.example.org/login")).unwrap();
    let seconds = Duration::from_secs;
    // The time of the captures.
    let now = SystemTime::UNIX_EPOCH + seconds(1_795_472_764);
    let ask = |service| {
        let expected = SamlExpectation {
            request_id: REQUEST,
            service,
            now,
            tolerance: seconds(3_600),
        };
        of_user(
            parse_saml_response(received(content_type, body), &expected),
            &ticket,
        )
    };
    let answer = received(content_type, body);
    let outcome = twice(&answer, || ask(&service));
    if let Outcome::User { .. } = outcome {
        let other = ServiceUrl::parse("https://other.example.org/login").unwrap();
        let is_for_all = outcome == ask(&other);
        let text = text_of(&answer).ok().unwrap();
        let document = document::parse(text.trim_start_matches(is_space)).unwrap();
        let named = |name| {
            document
                .descendants()
                .filter(move |it| it.tag_name().name() == name)
        };
        let response = named("Response").next().unwrap();
        let says = |name| attribute(&response, name).map(trim);
        assert!(says("Recipient").is_none_or(|it| it == service.as_str()));
        assert!(says("InResponseTo").is_none_or(|it| it == REQUEST));
        // An answer that names its service counts for no other one.
        let names_one =
            says("Recipient").is_some() || named("AudienceRestrictionCondition").next().is_some();
        assert!(!(is_for_all && names_one), "it counts for every service");
    }
}

/// An answer is read the same each time, and what is read is no more than there was.
fn twice(answer: &Received<'_>, read: impl Fn() -> Outcome) -> Outcome {
    let outcome = read();
    assert_eq!(outcome, read());
    let length = text_of(answer).map_or(0, |text| text.len());
    match &outcome {
        Outcome::User {
            name,
            attributes,
            proxies,
            iou,
            ..
        } => {
            assert_eq!(check_user_name(name), Ok(()));
            assert!(proxies.iter().all(|proxy| check_proxy(proxy).is_ok()));
            assert!(attributes.iter().all(|(name, _)| !name.is_empty()));
            let mut bytes = name.len() + iou.as_ref().map_or(0, String::len);
            bytes += proxies.iter().map(String::len).sum::<usize>();
            for (name, values) in attributes {
                bytes += name.len() + values.iter().map(String::len).sum::<usize>();
            }
            assert!(bytes <= length + MADE_NAMES, "{bytes} of {length}");
            if let Some(iou) = iou {
                assert!(ProxyGrantingTicketIou::parse(iou).is_ok());
            }
        }
        Outcome::Ticket(ticket) => {
            assert!(ProxyTicket::parse(ticket).is_ok());
            assert!(ticket.len() <= length);
        }
        Outcome::Refused(_) | Outcome::Unmet(_) | Outcome::Unreadable(_) => {}
    }
    outcome
}

fn of_user(result: Result<Authentication, ResponseError>, ticket: &str) -> Outcome {
    match result {
        Ok(read) => Outcome::User {
            name: read.user().to_owned(),
            attributes: read
                .attributes()
                .iter()
                .map(|(name, values)| (name.to_owned(), values.to_vec()))
                .collect(),
            proxies: read.proxies().to_vec(),
            date: read.authentication_date(),
            iou: read
                .proxy_granting_ticket_iou()
                .map(|iou| iou.expose_secret().to_owned()),
        },
        Err(error) => of_error(&error, ticket),
    }
}

fn of_error(error: &ResponseError, ticket: &str) -> Outcome {
    match error {
        ResponseError::Refused(refusal) => {
            let text = refusal.text(ticket);
            assert!(text.len() <= MAX_WORDS, "{text}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
            let code = refusal.code(ticket).unwrap_or_default();
            let given_away = |text: &str, count| {
                let parts = ticket.as_bytes().windows(count);
                let mut parts = parts.filter_map(|part| str::from_utf8(part).ok());
                parts.any(|part| text.contains(part))
            };
            assert!(!given_away(&text, 4), "{text}");
            assert!(!given_away(code, 10), "{code}");
            Outcome::Refused(format!("{code} {text}"))
        }
        ResponseError::Unmet(unmet) => Outcome::Unmet(*unmet),
        ResponseError::Unreadable(reason) => Outcome::Unreadable(reason),
    }
}
