//! The lines about proxy-granting tickets and released passwords.

use std::fmt;

use tracing::Level;

use crate::{
    events::{
        event::source_of,
        line::say,
        proxying::{GrantOutcome, ProxyCallbackOutcome, credential_result},
        repeats::Repeats,
    },
    protocol::Unreadable,
};

pub(super) fn write_callback(outcome: ProxyCallbackOutcome<'_>, repeats: &Repeats) {
    let (level, message) = match outcome {
        ProxyCallbackOutcome::Kept => (Level::DEBUG, "a proxy-granting ticket came"),
        ProxyCallbackOutcome::Twice => (Level::DEBUG, "a proxy-granting ticket came twice"),
        // Anybody who knows the URL can cause these.
        ProxyCallbackOutcome::Unexpected => (
            Level::DEBUG,
            "a proxy-granting ticket came while nobody signs in",
        ),
        ProxyCallbackOutcome::Malformed(_) => {
            (Level::DEBUG, "the proxy callback was asked for nonsense")
        }
        ProxyCallbackOutcome::SourceRefused => (
            Level::WARN,
            "the proxy callback was asked from an address that is not listed",
        ),
        ProxyCallbackOutcome::SourceUnknown => (
            Level::ERROR,
            "the proxy callback is limited to listed sources, and the address of a request is not known: \
             all are refused",
        ),
        ProxyCallbackOutcome::Full => (
            Level::WARN,
            "there is no room for a proxy-granting ticket: somebody sends false ones",
        ),
        ProxyCallbackOutcome::NotTaken(_) => {
            (Level::ERROR, "a proxy-granting ticket could not be taken")
        }
    };
    let (error, source): (Option<&dyn fmt::Display>, _) = match outcome {
        ProxyCallbackOutcome::Malformed(error) => (Some(error), None),
        ProxyCallbackOutcome::NotTaken(error) => (Some(error), source_of(error)),
        _ => (None, None),
    };
    let (level, unsaid) = repeats.level(["proxy-callback", outcome.as_str()], level);
    say!(
        level,
        event = "proxy-callback",
        result = outcome.as_str(),
        error = error.map(tracing::field::display),
        source,
        unsaid,
        "{message}"
    );
}

pub(super) fn write_grant(outcome: GrantOutcome<'_>, repeats: &Repeats) {
    let (level, message) = match outcome {
        GrantOutcome::Given => (Level::DEBUG, "a sign-in brought a proxy-granting ticket"),
        GrantOutcome::NotGiven => (
            Level::WARN,
            "the CAS server gave no proxy-granting ticket: can it reach the proxy callback, and may this app \
             be a proxy?",
        ),
        GrantOutcome::NotDelivered => (
            Level::WARN,
            "the CAS server named a proxy-granting ticket that has not come to the proxy callback",
        ),
        GrantOutcome::Unreadable(_) => (
            Level::WARN,
            "a proxy-granting ticket that the CAS server released as an attribute is left out",
        ),
        GrantOutcome::TooLarge => (
            Level::WARN,
            "a session would not fit into a cookie with its proxy-granting ticket: the ticket is left out",
        ),
        GrantOutcome::RegistryFailed(_) => (
            Level::ERROR,
            "the registry failed, so a sign-in has no proxy-granting ticket",
        ),
    };
    let (error, source): (Option<&dyn fmt::Display>, _) = match &outcome {
        GrantOutcome::RegistryFailed(error) => (Some(error), source_of(*error)),
        GrantOutcome::Unreadable(reason) => (Some(reason), None),
        _ => (None, None),
    };
    let (level, unsaid) = match outcome {
        GrantOutcome::Unreadable(_) => repeats.level(["proxy-grant", outcome.as_str()], level),
        _ => (level, None),
    };
    say!(
        level,
        event = "proxy-grant",
        result = outcome.as_str(),
        error = error.map(tracing::field::display),
        source,
        unsaid,
        "{message}"
    );
}

pub(super) fn write_credential(result: Result<(), Unreadable>, repeats: &Repeats) {
    let (level, message) = match result {
        Ok(()) => (Level::DEBUG, "the CAS server released a password"),
        Err(_) => (
            Level::WARN,
            "a password that the CAS server released as an attribute is left out",
        ),
    };
    let word = credential_result(result);
    let (level, unsaid) = repeats.level(["credential", word], level);
    let error = result.err();
    say!(
        level,
        event = "credential",
        result = word,
        error = error.map(tracing::field::display),
        unsaid,
        "{message}"
    );
}
