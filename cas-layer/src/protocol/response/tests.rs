//! Answers and what is read from them. One file per format, and one for what is meant to do harm.

// Helpers of tests fail a test by panicking.
#![allow(clippy::panic, reason = "a test that cannot go on shall panic")]

mod apereo;
mod captures;
mod dialects;
mod encodings;
mod hostile;
mod json;
mod names;
mod proxy;
mod saml;
mod text;
mod xml;

use super::{ResponseError, Unmet, parse_service_response, parse_text_response};
use crate::protocol::{Authentication, Protocol};

const NAMESPACE: &str = "http://www.yale.edu/tp/cas";

/// What became of an answer.
#[derive(Debug, PartialEq)]
enum Outcome {
    User(String),
    /// With the code, as far as it may be repeated.
    Refused(Option<String>),
    Unmet(Unmet),
    Unreadable,
}

fn user(name: &str) -> Outcome {
    Outcome::User(name.to_owned())
}

fn refused(code: &str) -> Outcome {
    Outcome::Refused(Some(code.to_owned()))
}

fn outcome_of(protocol: Protocol, body: impl AsRef<[u8]>) -> Outcome {
    outcome_from(match protocol {
        Protocol::Cas1 => parse_text_response(body.as_ref()),
        Protocol::Cas2 | Protocol::Cas3 => parse_service_response(body.as_ref()),
        Protocol::Saml1 => saml::parse(body.as_ref()),
    })
}

fn outcome_from(result: Result<Authentication, ResponseError>) -> Outcome {
    match result {
        Ok(authentication) => user(authentication.user()),
        Err(ResponseError::Refused(refusal)) => {
            Outcome::Refused(refusal.code("ST-of-the-tests").map(str::to_owned))
        }
        Err(ResponseError::Unmet(unmet)) => Outcome::Unmet(unmet),
        Err(ResponseError::Unreadable(_)) => Outcome::Unreadable,
    }
}

fn outcome(body: impl AsRef<[u8]>) -> Outcome {
    outcome_of(Protocol::Cas3, body)
}

#[track_caller]
fn authentication(body: impl AsRef<[u8]>) -> Authentication {
    authentication_from(parse_service_response(body.as_ref()))
}

#[track_caller]
fn authentication_from(result: Result<Authentication, ResponseError>) -> Authentication {
    match result {
        Ok(authentication) => authentication,
        Err(ResponseError::Refused(_)) => panic!("refused"),
        Err(ResponseError::Unmet(unmet)) => panic!("unmet: {unmet}"),
        Err(ResponseError::Unreadable(reason)) => panic!("unreadable: {reason}"),
    }
}

/// The attributes as a table.
fn table(authentication: &Authentication) -> Vec<(&str, Vec<&str>)> {
    authentication
        .attributes()
        .iter()
        .map(|(name, values)| (name, values.iter().map(String::as_str).collect()))
        .collect()
}

/// A `serviceResponse` with the prefix that most servers use.
fn response(inner: &str) -> String {
    format!(r#"<cas:serviceResponse xmlns:cas="{NAMESPACE}">{inner}</cas:serviceResponse>"#)
}

fn success(inner: &str) -> String {
    response(&format!(
        "<cas:authenticationSuccess>{inner}</cas:authenticationSuccess>"
    ))
}

/// Alice, and something after her name.
fn alice_and(inner: &str) -> String {
    success(&format!("<cas:user>alice</cas:user>{inner}"))
}

fn numbered(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().concat()
}
