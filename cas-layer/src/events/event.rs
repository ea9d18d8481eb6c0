//! An event.

use std::{error::Error, fmt, time::Duration};

use super::{
    proxying::{GrantOutcome, ProxyCallbackOutcome},
    refused::{Refused, RefusedReason},
    signed_out::{SignOutCause, SignedOut},
    storage::StorageOutcome,
};
use crate::{
    admission::Change,
    client::{NodeChange, ProxyTicketErrorKind, ValidationErrorKind},
    protocol::Unreadable,
    registry::RegistryError,
    session::SessionId,
    user::CasUser,
};

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Event<'e> {
    /// A session was opened, and its cookie is about to be sent.
    SignedIn(&'e CasUser),
    /// Somebody was turned away.
    Refused(Refused<'e>),
    /// One session has ended, or all sessions of a user.
    SignedOut(SignedOut<'e>),
    /// A browser comes back again and again without the cookie of its open session.
    SessionNotKept(SessionId),
    /// The registry keeps attributes of this session, or was asked for them.
    Storage(SessionId, StorageOutcome<'e>),
    /// The CAS server answered, or did not.
    Validated {
        result: Result<(), ValidationErrorKind>,
        took: Duration,
    },
    /// The CAS server does not answer any more, or answers again.
    CasServer(Change),
    /// A node of the CAS server is left for another one, or answers again.
    CasNode(&'e NodeChange<'e>),
    /// A single-logout message was answered.
    LogoutRequest(Channel, LogoutOutcome<'e>),
    /// A single-logout message was passed on to another node, or was to be.
    PassedOn(PassedOn<'e>),
    /// The CAS server, or somebody else, came to the proxy callback.
    ProxyCallback(ProxyCallbackOutcome<'e>),
    /// A sign-in asked for a proxy-granting ticket.
    Grant(GrantOutcome<'e>),
    /// The CAS server released the password as an attribute.
    Credential(Result<(), Unreadable>),
    /// The app asked for a proxy ticket.
    ProxyTicket(Result<(), ProxyTicketErrorKind>),
}

/// How a single-logout message came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Channel {
    /// The CAS server posted it.
    Back,
    /// A browser brought it.
    Front,
    /// Another node of the app passed it on.
    Node,
}

/// What became of a single logout on its way to another node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PassedOn<'e> {
    /// The node has answered.
    Heard,
    Failed {
        /// Its URL, as the app gave it.
        node: &'e str,
        error: &'e str,
    },
    /// Too many are on their way.
    NoRoom,
}

/// The result of a single-logout message.
#[derive(Clone, Copy)]
pub(crate) enum LogoutOutcome<'e> {
    /// This many sessions were begun or open.
    Ended(usize),
    /// It names no session of ours.
    Unknown,
    /// It could not be read as a logout request, for the reason told.
    Malformed(&'e dyn fmt::Display),
    /// It was not read, because too many forms are being read.
    NoRoom,
    /// Its sender is not listed.
    SourceRefused,
    /// Its sender is not known, and only listed senders are accepted.
    SourceUnknown,
    /// The registry does not guarantee to remember it.
    NotRemembered(&'e RegistryError),
}

impl Channel {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Back => "back",
            Self::Front => "front",
            Self::Node => "node",
        }
    }

    /// The cause of the end of a session that ended in this way.
    pub(crate) fn cause(self) -> SignOutCause {
        match self {
            Self::Back | Self::Node => SignOutCause::BackChannel,
            Self::Front => SignOutCause::FrontChannel,
        }
    }
}

impl<'e> Event<'e> {
    /// Adds the CAS server of the user in it.
    pub(crate) fn at(mut self, cas_url: &'e str) -> Self {
        match &mut self {
            Self::Refused(refused) => refused.cas_url = cas_url,
            Self::SignedOut(signed_out) => signed_out.cas_url = cas_url,
            Self::SignedIn(_)
            | Self::SessionNotKept(_)
            | Self::Storage(..)
            | Self::Validated { .. }
            | Self::CasServer(_)
            | Self::CasNode(_)
            | Self::LogoutRequest(..)
            | Self::PassedOn(_)
            | Self::ProxyCallback(_)
            | Self::Grant(_)
            | Self::Credential(_)
            | Self::ProxyTicket(_) => {}
        }
        self
    }
}

impl LogoutOutcome<'_> {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ended(_) => "ended",
            Self::Unknown => "unknown",
            Self::Malformed(_) => "malformed",
            Self::NoRoom => "no-room",
            Self::SourceRefused => "source-refused",
            Self::SourceUnknown => "source-unknown",
            Self::NotRemembered(_) => "not-remembered",
        }
    }
}

impl PassedOn<'_> {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Failed { .. } => "failed",
            Self::NoRoom => "no-room",
        }
    }
}

impl fmt::Debug for LogoutOutcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What has become of the CAS server, in one word.
pub(super) fn cas_server_state(change: Change) -> &'static str {
    match change {
        Change::Away => "away",
        Change::Back(_) => "back",
    }
}

/// The result of a validation, in one word.
pub(super) fn validation_result(result: Result<(), ValidationErrorKind>) -> &'static str {
    result.map_or_else(|kind| RefusedReason::from(kind).as_str(), |()| "ok")
}

/// The source of an error, which its own text leaves out.
pub(super) fn source_of(error: &dyn Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

impl<'e> From<Refused<'e>> for Event<'e> {
    fn from(refused: Refused<'e>) -> Self {
        Self::Refused(refused)
    }
}

impl<'e> From<SignedOut<'e>> for Event<'e> {
    fn from(signed_out: SignedOut<'e>) -> Self {
        Self::SignedOut(signed_out)
    }
}
