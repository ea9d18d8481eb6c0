//! Which logout requests have to go out when sessions end.

use std::collections::HashSet;

use jiff::Timestamp;
use url::Url;

use super::message::Message;
use crate::testing::{
    Quirk, loopback,
    quirks::Quirks,
    random::{self, NoRandomness},
};

/// A ticket that was issued, whether anybody validated it or not.
pub(in crate::testing) struct Issued {
    pub(in crate::testing) ticket: String,
    pub(in crate::testing) user: String,
    /// The URL that hears of the logout: of a proxy-granting ticket the `pgtUrl`.
    pub(in crate::testing) service: String,
    /// None when it was issued without a browser.
    pub(in crate::testing) session: Option<String>,
    /// A proxy ticket or a proxy-granting ticket, which no browser has seen.
    pub(in crate::testing) by_proxy: bool,
}

/// A logout request and where it goes.
#[derive(Clone)]
pub(in crate::testing) struct Notice {
    pub(super) target: Url,
    pub(super) message: String,
}

/// The logout requests for these tickets, the oldest first.
pub(in crate::testing) fn notices(
    mut issued: Vec<Issued>,
    quirks: &Quirks,
) -> Result<Vec<Notice>, NoRandomness> {
    if quirks.has(Quirk::LogoutSkipsProxies) {
        issued.retain(|issued| !issued.by_proxy);
    }
    if quirks.has(Quirk::LogoutNewestOnly) {
        issued = newest(issued);
    }
    let copies = if quirks.has(Quirk::LogoutTwice) { 2 } else { 1 };
    let mut notices = Vec::new();
    for group in groups(&issued, quirks) {
        let Some(first) = group.first() else { continue };
        let Some(mut target) = loopback::url(&first.service) else {
            tracing::warn!(
                service = loopback::shown(&first.service),
                "a service that is not on loopback gets no logout request"
            );
            continue;
        };
        if quirks.has(Quirk::LogoutWithoutQuery) {
            target.set_query(None);
        }
        let message = Message {
            id: &format!("LR-{}", random::hex::<16>()?),
            at: Timestamp::now(),
            user: &first.user,
            tickets: group.iter().map(|issued| &*issued.ticket).collect(),
        };
        let notice = Notice {
            target,
            message: message.write(quirks),
        };
        notices.extend(std::iter::repeat_n(notice, copies));
    }
    Ok(notices)
}

/// Without the tickets that a newer one replaced: same session, same service.
fn newest(mut issued: Vec<Issued>) -> Vec<Issued> {
    let mut seen = HashSet::new();
    issued.reverse();
    issued.retain(|issued| seen.insert((issued.session.clone(), issued.service.clone())));
    issued.reverse();
    issued
}

/// The tickets that go into one message each.
fn groups<'a>(issued: &'a [Issued], quirks: &Quirks) -> Vec<Vec<&'a Issued>> {
    if !quirks.has(Quirk::LogoutManyIndexes) {
        return issued.iter().map(|issued| vec![issued]).collect();
    }
    let mut groups: Vec<Vec<&Issued>> = Vec::new();
    for issued in issued {
        let same = |other: &&Issued| other.service == issued.service && other.user == issued.user;
        match groups.iter_mut().find(|group| group.iter().any(same)) {
            Some(group) => group.push(issued),
            None => groups.push(vec![issued]),
        }
    }
    groups
}
