//! Proxy-granting tickets: from the CAS server's callback to the sign-in that they belong to.

mod pairs;
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) mod remote;

use std::{fmt, time::Duration};

use sha2::{Digest as _, Sha256};

pub use self::pairs::GrantPairs;
#[cfg(doc)]
use super::{Registry, RegistryErrorKind, SessionStorage};
use super::{RegistryFuture, Sealed};
use crate::{
    clock::UnixSeconds,
    id::{first_half, id},
};

/// Brings proxy-granting tickets together with the sign-ins that they belong to.
///
/// An app that asks for a proxy-granting ticket (PGT) gets it by two ways (CAS protocol, 2.5.4). *While* a service
/// ticket is validated, the CAS server calls a public URL of the app with the pair of PGT and IOU. The answer to the
/// validation then names the IOU. Behind a balancer, the call may reach another node than the one that validates. So
/// the two meet here:
///
/// 1. [`expect`](Self::expect), before such a validation.
/// 2. [`deliver`](Self::deliver), when the pair comes: on any node, by anybody who knows the URL.
/// 3. [`collect`](Self::collect), when the answer names an IOU. The value from `expect` is dropped when the pair is
///    there, or when there is no pair to wait for.
///
/// Most apps then carry the PGT in the session's cookie. For the others, [`SessionStorage`] holds it for as long as the
/// session lasts.
///
/// A registry does not know CAS or any PGT: it has hashes of IOUs, and bytes that the layer has sealed with the app's
/// key. Without that key, nobody can use what is in its file or server.
///
/// [`Registry::proxy_grants`] leads here. The registries of this crate have it.
///
/// # Contract
///
/// - A pair is kept only while some node expects a validation, and goes when no node does. It goes by itself when the
///   last of the validations that were expected at its delivery ends: after the time limit of a validation at most.
/// - How many pairs are kept is bounded: at least 512, and no more than 4,096. A pair that is kept is never dropped
///   for another one.
/// - A pair is collected once: of all callers on all nodes, one gets it.
/// - Waiting in `collect` holds no lock and blocks no other caller.
/// - A future that is dropped has either done its work or done nothing. A validation that it was announcing is then
///   not expected.
/// - No future takes longer than about a second, and `collect` no longer than its patience and about a second. If
///   something cannot be reached by then, the future returns an error.
///
/// # Errors
/// [`RegistryErrorKind::Unavailable`] if the registry cannot be reached. No such error stops a sign-in: a session
/// works without its PGT, and only calls to other services in the user's name fail. A pair may be lost when the
/// registry fails.
///
/// Times are in seconds since the Unix epoch, by the clock of the calling node. A registry of many nodes may use a
/// clock of its own.
pub trait ProxyGrants: fmt::Debug + Send + Sync {
    /// Notes that a validation that asks for a PGT is about to begin, for at most `lasts`. It is expected until the
    /// returned value is dropped.
    fn expect(&self, lasts: Duration, now: UnixSeconds) -> RegistryFuture<'_, Expected>;

    /// Stores a pair: the PGT, sealed, under the hash of its IOU. It comes from the network: an unexpected pair
    /// leaves no trace. The layer brings no pair of more than 1 KiB.
    fn deliver(&self, iou: IouId, grant: Sealed, now: UnixSeconds)
    -> RegistryFuture<'_, Delivered>;

    /// Hands a pair out, and forgets it. If it is not there yet, waits for as long as `patience`: the answer to the
    /// validation may overtake the call, above all if the call goes to another node.
    fn collect(
        &self,
        iou: IouId,
        patience: Duration,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Option<Sealed>>;
}

id! {
    /// The name of a pair of IOU and PGT: the first 128 bits of the SHA-256 of the IOU.
    ///
    /// The IOU itself is kept nowhere. Its randomness hides it, and the hash alone leads to nothing but a sealed PGT.
    IouId
}

impl IouId {
    /// The name of the pair with this IOU.
    #[must_use]
    pub fn of(iou: &str) -> Self {
        Self(first_half(Sha256::new().chain_update(iou)))
    }
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It waits to be collected.
    Kept,
    /// No validation is expected that the pair could belong to. The pair is not kept.
    Unexpected,
    /// There is no room for more pairs. This one is not kept.
    Full,
    /// There is already a pair with this IOU, the same or not. That one stays.
    Twice,
}

/// A validation whose pair is expected until this is dropped.
#[must_use = "nothing is expected once it is dropped"]
pub struct Expected(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Expected {
    /// For a registry: `end` is called once, on drop. It must not wait.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden vector: nodes of every version share it. From
    /// `printf PGTIOU-84678-8a9d2sfa23casd | sha256sum`.
    #[test]
    fn the_id_is_the_first_half_of_the_ious_sha_256() {
        let id = IouId::of("PGTIOU-84678-8a9d2sfa23casd");
        assert_eq!(format!("{id:?}"), "IouId(475f97be14ec39f4bc8e15f59495d68e)");
    }

    #[test]
    fn a_validation_that_is_expected_shows_nothing() {
        assert_eq!(format!("{:?}", Expected::new(|| ())), "Expected { .. }");
    }
}
