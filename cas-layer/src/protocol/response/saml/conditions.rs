//! The conditions of an assertion: its time, its service and its request (SAML 1.1 core, 2.3.2.1 and 3.4.2).

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use roxmltree::Node;

use super::places::{ASSERTION, sort};
use crate::protocol::{
    ServiceUrl,
    document::{attribute, trim},
    response::{ResponseError, Unmet, dialect},
};

/// What an assertion has to fit.
pub(crate) struct SamlExpectation<'a> {
    /// The `RequestID` of the request.
    pub(crate) request_id: &'a str,
    pub(crate) service: &'a ServiceUrl,
    /// The time at which the answer was read.
    pub(crate) now: SystemTime,
    /// How far the clocks may differ.
    pub(crate) tolerance: Duration,
}

/// Servers leave out one of the two or both, but when they say it, it has to be true.
pub(super) fn check_addressee(
    response: &Node<'_, '_>,
    expected: &SamlExpectation<'_>,
) -> Result<(), ResponseError> {
    let is = |name, ours: &dyn Fn(&str) -> bool| attribute(response, name).is_none_or(ours);
    if !is("InResponseTo", &|it| trim(it) == expected.request_id) {
        return Err(Unmet::OtherRequest.into());
    }
    if !is("Recipient", &|it| names(it, expected.service)) {
        return Err(Unmet::OtherRecipient.into());
    }
    Ok(())
}

/// Whether a text means this service. Some servers leave the query out (django-mama-cas); everything before it, and a
/// query that is there, has to be the same.
fn names(text: &str, service: &ServiceUrl) -> bool {
    let (text, service) = (trim(text), service.as_str());
    let without_query = service.split_once('?').map(|(start, _)| start);
    text == service || without_query == Some(text)
}

/// A condition of an unknown kind cannot be met, so it makes the answer unreadable.
pub(super) fn check(
    conditions: &Node<'_, '_>,
    expected: &SamlExpectation<'_>,
) -> Result<(), ResponseError> {
    let [audiences, _] = sort(
        conditions,
        [
            (ASSERTION, "AudienceRestrictionCondition"),
            // Nothing is kept here.
            (ASSERTION, "DoNotCacheCondition"),
        ],
    )?;
    check_time(conditions, expected)?;
    for restriction in audiences {
        let [audiences] = sort(&restriction, [(ASSERTION, "Audience")])?;
        let is_ours = |audience| names(&dialect::text(audience), expected.service);
        if !audiences.iter().any(is_ours) {
            return Err(Unmet::OtherAudience.into());
        }
    }
    Ok(())
}

/// Both bounds have to be there: without them an answer would be good for ever.
fn check_time(
    conditions: &Node<'_, '_>,
    expected: &SamlExpectation<'_>,
) -> Result<(), ResponseError> {
    let not_before = instant(conditions, "NotBefore")?;
    let not_on_or_after = instant(conditions, "NotOnOrAfter")?;
    // Beyond the calendar everything has ended.
    let now = Timestamp::try_from(expected.now).unwrap_or(Timestamp::MAX);
    let tolerance = expected.tolerance;
    // Zero for the other direction, which is within any tolerance.
    let from_to = |from: Timestamp, to: Timestamp| {
        Duration::try_from(to.duration_since(from)).unwrap_or_default()
    };
    let ahead = from_to(now, not_before);
    if ahead > tolerance {
        return Err(Unmet::NotYetValid { ahead, tolerance }.into());
    }
    let ago = from_to(not_on_or_after, now);
    if now >= not_on_or_after && ago >= tolerance {
        return Err(Unmet::NoLongerValid { ago, tolerance }.into());
    }
    Ok(())
}

fn instant(conditions: &Node<'_, '_>, name: &str) -> Result<Timestamp, ResponseError> {
    attribute(conditions, name)
        .and_then(|text| trim(text).parse().ok())
        .ok_or(ResponseError::Unreadable(
            "its time window does not begin and end at an instant",
        ))
}
