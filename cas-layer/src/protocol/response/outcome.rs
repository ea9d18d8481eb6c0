//! The errors of an answer that is not a success.

use std::time::Duration;

use super::Refusal;

/// Why an answer does not authenticate anybody, or has no proxy ticket.
pub(crate) enum ResponseError {
    /// The server refuses the ticket.
    Refused(Refusal),
    /// The answer is well-formed, but not valid here and now.
    Unmet(Unmet),
    /// No CAS server gives this answer, for the given reason.
    Unreadable(&'static str),
}

/// Why a well-formed answer does not answer this question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unmet {
    #[error(
        "it becomes valid {} s from now by the clock of this machine, and {tolerance:?} are tolerated: compare the clocks of this machine and of the CAS server",
        whole_seconds(.ahead)
    )]
    NotYetValid {
        ahead: Duration,
        tolerance: Duration,
    },
    #[error(
        "it ended {} s ago by the clock of this machine, and {tolerance:?} are tolerated: compare the clocks of this machine and of the CAS server",
        whole_seconds(.ago)
    )]
    NoLongerValid { ago: Duration, tolerance: Duration },
    #[error("its `Audience` is another service")]
    OtherAudience,
    #[error("its `Recipient` is another service")]
    OtherRecipient,
    #[error("its `InResponseTo` is another request")]
    OtherRequest,
}

/// Rounded up, so that what is beyond the tolerance does not look as if it were not.
fn whole_seconds(duration: &Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
}

impl From<Unmet> for ResponseError {
    fn from(unmet: Unmet) -> Self {
        Self::Unmet(unmet)
    }
}
