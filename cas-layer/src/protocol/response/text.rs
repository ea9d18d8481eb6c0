//! CAS 1: `yes` and a name, or `no` (CAS protocol 2.4.2).

use super::{Refusal, ResponseError, parts::user_name};
use crate::{
    Attributes,
    protocol::{Authentication, document::is_space},
};

pub(super) fn parse(body: &str) -> Result<Authentication, ResponseError> {
    if is_refusal(body) {
        return Err(ResponseError::Refused(Refusal::without_words()));
    }
    let mut lines = body.split('\n').map(without_carriage_return);
    if lines.next() != Some("yes") {
        return Err(ResponseError::Unreadable(
            "its first line is neither `yes` nor `no`",
        ));
    }
    let user = user_name(lines.next().unwrap_or_default())?;
    if lines.any(|line| !line.chars().all(is_space)) {
        return Err(ResponseError::Unreadable(
            "there is something after the user name",
        ));
    }
    Ok(Authentication::new(user, Attributes::new(), Vec::new()))
}

/// Whether the first line is exactly `no`.
pub(super) fn is_refusal(body: &str) -> bool {
    body.split('\n').next().map(without_carriage_return) == Some("no")
}

fn without_carriage_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}
