//! Events in the log, through `tracing`. Target, `event` and the other fields are a contract; levels and the words
//! of a message are not.

mod proxying;

use std::fmt;

use tracing::{Level, Span};

use super::{
    circle::CircleCause,
    event::{
        Channel, Event, LogoutOutcome, PassedOn, cas_server_state, source_of, validation_result,
    },
    line::{TARGET, say},
    proxying::proxy_ticket_result,
    refused::{FailedValidation, Refused, RefusedReason},
    repeats::Repeats,
    signed_out::{SignOutCause, SignedOut},
    storage::StorageOutcome,
};
use crate::{
    admission::{Change, MAX_TIME_OUTS},
    protocol::Protocol,
    registry::RegistryError,
    session::SessionId,
};

/// A span around the whole validation of a ticket, so that messages of lower crates about it are found together.
pub(crate) fn validation_span(protocol: Protocol) -> Span {
    tracing::info_span!(target: TARGET, "cas_layer::validate", %protocol)
}

pub(super) fn write(event: &Event<'_>, repeats: &Repeats) {
    match event {
        Event::SignedIn(user) => {
            let session = user.session_id();
            tracing::info!(target: TARGET, event = "signed-in", %session, "signed in");
        }
        Event::Refused(refused) => write_refused(refused, repeats),
        Event::SignedOut(signed_out) => write_signed_out(signed_out, repeats),
        Event::SessionNotKept(session) => tracing::warn!(
            target: TARGET,
            event = "session-not-kept",
            %session,
            "a browser does not keep the session cookie"
        ),
        Event::Storage(session, outcome) => write_storage(*session, *outcome, repeats),
        Event::Validated { result, took } => tracing::debug!(
            target: TARGET,
            event = "validated",
            result = validation_result(*result),
            seconds = took.as_secs_f64(),
            "the CAS server was asked about a ticket"
        ),
        Event::CasServer(change) => write_cas_server(*change, repeats),
        // In the words of a client without a layer.
        Event::CasNode(change) => change.log(),
        Event::LogoutRequest(channel, outcome) => write_logout_request(*channel, *outcome, repeats),
        Event::PassedOn(passed_on) => write_passed_on(*passed_on, repeats),
        Event::ProxyCallback(outcome) => proxying::write_callback(*outcome, repeats),
        Event::Grant(outcome) => proxying::write_grant(*outcome, repeats),
        Event::Credential(result) => proxying::write_credential(*result, repeats),
        Event::ProxyTicket(result) => tracing::debug!(
            target: TARGET,
            event = "proxy-ticket",
            result = proxy_ticket_result(*result),
            "the app asked for a proxy ticket"
        ),
    }
}

/// Anybody can send a message that is passed on.
fn write_passed_on(passed_on: PassedOn<'_>, repeats: &Repeats) {
    let (level, message) = match passed_on {
        PassedOn::Heard => (Level::DEBUG, "a node has heard of a single logout"),
        PassedOn::Failed { .. } => (
            Level::ERROR,
            "a node has not heard of a single logout: there, its sessions go on",
        ),
        PassedOn::NoRoom => (
            Level::ERROR,
            "too many single logouts at once: the other nodes have not heard of one",
        ),
    };
    let (node, error) = match passed_on {
        PassedOn::Failed { node, error } => (Some(node), Some(error)),
        _ => (None, None),
    };
    let result = passed_on.as_str();
    let (level, unsaid) = repeats.level(["rebroadcast", result], level);
    say!(
        level,
        event = "rebroadcast",
        result,
        node,
        error,
        unsaid,
        "{message}"
    );
}

/// A stranger who knows tickets for which the server takes long can cause it, where few others sign in.
fn write_cas_server(change: Change, repeats: &Repeats) {
    let state = cas_server_state(change);
    let (level, after, message) = match change {
        Change::Away => (
            Level::ERROR,
            None,
            "the CAS server did not answer in time, several times in a row: sign-ins are turned away at once, but for one now \
             and then that finds out whether it is back",
        ),
        Change::Back(after) => (
            Level::WARN,
            Some(after.as_secs_f64()),
            "the CAS server answers again",
        ),
    };
    let (level, unsaid) = repeats.level(["cas-server", state], level);
    say!(
        level,
        event = "cas-server",
        state,
        time_outs = matches!(change, Change::Away).then_some(MAX_TIME_OUTS),
        seconds = after,
        unsaid,
        "{message}"
    );
}

/// The browser with the session may come as often as it likes, so all but the first of these are said seldom.
fn write_storage(session: SessionId, outcome: StorageOutcome<'_>, repeats: &Repeats) {
    let (level, message) = match outcome {
        StorageOutcome::Kept { .. } => (
            Level::DEBUG,
            "a session does not fit into a small cookie: the registry keeps its attributes",
        ),
        StorageOutcome::NotKept(_) => (
            Level::WARN,
            "the registry keeps no attributes: a session has a large cookie, which some proxies do not take",
        ),
        StorageOutcome::Read => (Level::DEBUG, "the attributes of a session were read"),
        StorageOutcome::Gone => (
            Level::WARN,
            "the registry no longer has the attributes of a session: its user has to sign in again",
        ),
        StorageOutcome::Unreadable => (
            Level::ERROR,
            "what the registry has of a session was sealed by another key: its user has to sign in again",
        ),
        StorageOutcome::RegistryFailed(_) => (
            Level::ERROR,
            "the attributes of a session cannot be read: its user gets 503",
        ),
    };
    let (level, unsaid) = repeats.level(["session-storage", outcome.as_str()], level);
    let bytes = match outcome {
        StorageOutcome::Kept { bytes } => Some(bytes),
        _ => None,
    };
    let error = match outcome {
        StorageOutcome::NotKept(error) | StorageOutcome::RegistryFailed(error) => Some(error),
        _ => None,
    };
    say!(
        level,
        event = "session-storage",
        result = outcome.as_str(),
        %session,
        bytes,
        error = error.map(tracing::field::display),
        source = error.and_then(|error| source_of(error)),
        unsaid,
        "{message}"
    );
}

fn write_refused(refused: &Refused<'_>, repeats: &Repeats) {
    let (level, message) = describe_refusal(refused.reason());
    let reason = refused.reason().as_str();
    let (level, unsaid) = if is_after_validation(refused) {
        (level, None)
    } else {
        let cause = refused.validation.as_ref().map(FailedValidation::cause);
        let cause = cause.filter(|cause| !cause.is_empty());
        let circle = refused.error.and_then(|error| error.downcast_ref());
        let cause = cause.or(circle.map(CircleCause::as_str));
        let name = [reason, cause.unwrap_or("refused")];
        repeats.level_of(refused.reference(), name, level)
    };
    let validation = refused.validation.as_ref();
    let source = match validation {
        Some(validation) => validation.sources(),
        None => refused.error.and_then(source_of),
    };
    say!(
        level,
        event = "refused",
        reason,
        session = refused.session_id().map(tracing::field::display),
        error = refused.error.map(tracing::field::display),
        source,
        cas_server = validation.map(FailedValidation::server),
        root_certificates = validation.and_then(FailedValidation::roots),
        reference = refused.reference(),
        unsaid,
        "{message}"
    );
}

fn write_signed_out(signed_out: &SignedOut<'_>, repeats: &Repeats) {
    let message = match signed_out.cause() {
        SignOutCause::SignOut => "signed out",
        SignOutCause::Replaced => "signed out by another sign-in in the same browser",
        SignOutCause::BackChannel | SignOutCause::FrontChannel => "signed out by single logout",
        SignOutCause::AllSessions => "all sessions of a user were ended",
    };
    let (level, more) = match signed_out.unsure {
        None => (Level::INFO, ""),
        Some(_) => (Level::ERROR, ", and other nodes may not know it yet"),
    };
    let cause = signed_out.cause();
    let (level, unsaid) = match cause {
        // While the registry is not sure, every session that a message names is reported as ended.
        SignOutCause::BackChannel | SignOutCause::FrontChannel if signed_out.unsure.is_some() => {
            repeats.level(["signed-out", cause.as_str()], level)
        }
        _ => (level, None),
    };
    say!(
        level,
        event = "signed-out",
        cause = cause.as_str(),
        session = signed_out.session_id().map(tracing::field::display),
        error = signed_out.unsure.map(tracing::field::display),
        source = signed_out
            .unsure
            .and_then(|error: &RegistryError| source_of(error)),
        unsaid,
        "{message}{more}"
    );
}

fn write_logout_request(channel: Channel, outcome: LogoutOutcome<'_>, repeats: &Repeats) {
    let (level, message) = describe_logout_request(outcome);
    let (level, unsaid) = repeats.level([channel.as_str(), outcome.as_str()], level);
    let (sessions, error, source): (_, Option<&dyn fmt::Display>, _) = match outcome {
        LogoutOutcome::Ended(sessions) => (Some(sessions), None, None),
        LogoutOutcome::Malformed(error) => (None, Some(error), None),
        LogoutOutcome::NotRemembered(error) => (None, Some(error), source_of(error)),
        LogoutOutcome::Unknown
        | LogoutOutcome::NoRoom
        | LogoutOutcome::SourceRefused
        | LogoutOutcome::SourceUnknown => (None, None, None),
    };
    say!(
        level,
        event = "logout-request",
        channel = channel.as_str(),
        result = outcome.as_str(),
        sessions,
        error = error.map(tracing::field::display),
        source,
        unsaid,
        "{message}"
    );
}

fn describe_logout_request(outcome: LogoutOutcome<'_>) -> (Level, &'static str) {
    match outcome {
        LogoutOutcome::Ended(_) => (Level::DEBUG, "single logout"),
        LogoutOutcome::Unknown => (Level::DEBUG, "a logout request names no session of ours"),
        LogoutOutcome::Malformed(_) => (Level::WARN, "a logout request was refused"),
        LogoutOutcome::NoRoom => (
            Level::ERROR,
            "too many forms are being read: one, which may be a logout request, was turned away",
        ),
        LogoutOutcome::SourceRefused => (
            Level::WARN,
            "a logout request came from an address that is not listed",
        ),
        LogoutOutcome::SourceUnknown => (
            Level::ERROR,
            "logout requests are limited to listed sources, and the address of a request is not known: \
             all are refused",
        ),
        LogoutOutcome::NotRemembered(_) => (
            Level::ERROR,
            "a single logout is not certain to be remembered",
        ),
    }
}

/// Whether the CAS server has already vouched for somebody, so that no stranger can cause it.
fn is_after_validation(refused: &Refused<'_>) -> bool {
    match refused.reason() {
        // Anybody can post a form without a sign-in in it.
        RefusedReason::NotConfirmed => refused.session_id().is_some(),
        RefusedReason::Vetoed
        | RefusedReason::BadUserName
        | RefusedReason::AdmissionFailed
        | RefusedReason::AdmissionTimedOut
        | RefusedReason::AdmissionPanicked
        | RefusedReason::SignedOutMeanwhile
        | RefusedReason::SessionTooLarge
        | RefusedReason::NotAllowed => true,
        RefusedReason::InvalidTicket
        | RefusedReason::TicketByPost
        | RefusedReason::NotBegunHere
        | RefusedReason::CookiesNeeded
        | RefusedReason::InCircles
        | RefusedReason::Busy
        | RefusedReason::RegistryUnavailable
        | RefusedReason::RegistryFull
        | RefusedReason::TicketRefused
        | RefusedReason::CasUnreachable
        | RefusedReason::CasTimedOut
        | RefusedReason::CasAway
        | RefusedReason::CasUnreadable
        | RefusedReason::WrongPassword
        | RefusedReason::TooManyAttempts
        | RefusedReason::ConditionsUnmet
        | RefusedReason::InternalError
        | RefusedReason::ForeignSignOut
        | RefusedReason::ForeignConfirmation => false,
    }
}

fn describe_refusal(reason: RefusedReason) -> (Level, &'static str) {
    match reason {
        RefusedReason::InvalidTicket => (
            Level::WARN,
            "a sign-in came back with something that is no ticket",
        ),
        RefusedReason::TicketByPost => (
            Level::WARN,
            "the CAS server has a ticket posted from its own site, which the app did not ask for: call tickets_by_post(true), \
             or set the service's response type in the CAS server to REDIRECT",
        ),
        RefusedReason::NotBegunHere => (
            Level::INFO,
            "a ticket came from a browser that did not begin the login: starting afresh, unless the service URL is bare",
        ),
        RefusedReason::CookiesNeeded => (Level::WARN, "a browser sends no cookie of this app back"),
        RefusedReason::InCircles => (
            Level::ERROR,
            "a browser is sent to sign in again and again, and now got a page instead",
        ),
        RefusedReason::Busy => (
            Level::ERROR,
            "too many sign-ins at once: one was turned away",
        ),
        RefusedReason::RegistryUnavailable | RefusedReason::RegistryFull => (
            Level::ERROR,
            "the registry accepts no session: a sign-in was turned away",
        ),
        RefusedReason::TicketRefused => (Level::WARN, "the CAS server refused a ticket"),
        RefusedReason::WrongPassword => {
            (Level::WARN, "the CAS server gave no ticket for a password")
        }
        RefusedReason::TooManyAttempts => (
            Level::WARN,
            "too many wrong passwords of one user or from one address",
        ),
        RefusedReason::CasUnreachable
        | RefusedReason::CasTimedOut
        | RefusedReason::CasUnreadable
        | RefusedReason::ConditionsUnmet => (Level::ERROR, "a ticket could not be validated"),
        RefusedReason::CasAway => (
            Level::WARN,
            "the CAS server does not answer: a sign-in was turned away without asking it",
        ),
        RefusedReason::Vetoed => (
            Level::INFO,
            "the app does not admit a user: nobody is signed in",
        ),
        RefusedReason::BadUserName => (
            Level::ERROR,
            "the app made an invalid user name: nobody is signed in",
        ),
        RefusedReason::AdmissionFailed => (
            Level::ERROR,
            "the app could not find out whether it admits a user: nobody is signed in",
        ),
        RefusedReason::AdmissionTimedOut => (
            Level::ERROR,
            "the app took too long to find out whether it admits a user: nobody is signed in",
        ),
        RefusedReason::AdmissionPanicked => (
            Level::ERROR,
            "the app panicked when asked whether it admits a user: nobody is signed in",
        ),
        RefusedReason::SignedOutMeanwhile => {
            (Level::INFO, "signed out before the sign-in was finished")
        }
        RefusedReason::NotConfirmed => (Level::INFO, "a sign-in was not confirmed by its user"),
        RefusedReason::SessionTooLarge => (
            Level::ERROR,
            "a session is too large to be kept: nobody is signed in",
        ),
        RefusedReason::InternalError => {
            (Level::ERROR, "a session has no cookie: nobody is signed in")
        }
        RefusedReason::NotAllowed => (Level::INFO, "a user is not allowed where they asked to go"),
        RefusedReason::ForeignSignOut => (Level::WARN, "another site tried to sign a visitor out"),
        RefusedReason::ForeignConfirmation => (
            Level::WARN,
            "another site tried to confirm a sign-in for a visitor",
        ),
    }
}
