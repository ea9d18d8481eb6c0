//! How the app gets proxy-granting tickets, and where it keeps them.

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::{
    admission::{Source, Sources},
    protocol::ProxyGrantingTicket,
    registry::{IouId, SealedGrant},
    secret::append,
    session::{Encrypter, SessionId},
};

#[derive(Debug)]
pub(crate) struct Granting {
    encrypter: Encrypter,
    /// Without a list the callback may come from anywhere.
    sources: Option<Sources>,
    /// In the registry rather than in the session cookie.
    pub(crate) in_registry: bool,
}

impl Granting {
    pub(crate) fn new(encrypter: Encrypter, sources: Option<Sources>, in_registry: bool) -> Self {
        Self {
            encrypter,
            sources,
            in_registry,
        }
    }

    /// What the list says of a request from `address`.
    pub(crate) fn source(&self, address: Option<IpAddr>) -> Source {
        self.sources
            .as_ref()
            .map_or(Source::Listed, |list| list.look_up(address))
    }

    /// `None` when the operating system gives no random bytes.
    pub(crate) fn seal(&self, ticket: &ProxyGrantingTicket, label: &Label) -> Option<SealedGrant> {
        let mut text = Zeroizing::new(Vec::new());
        append(&mut text, &label.bytes());
        append(&mut text, ticket.expose_secret().as_bytes());
        SealedGrant::new(self.encrypter.seal(&text)?.into_bytes())
    }

    /// `None` for a value that no key of ours has sealed, or that is something else.
    pub(crate) fn open(&self, sealed: &SealedGrant, label: &Label) -> Option<ProxyGrantingTicket> {
        let text = self.encrypter.open(sealed.as_bytes())?;
        let ticket = text.strip_prefix(&label.bytes())?;
        ProxyGrantingTicket::parse(str::from_utf8(ticket).ok()?).ok()
    }
}

/// The purpose of a sealed proxy-granting ticket. It is inside the seal, so that somebody who can write to the
/// registry cannot give one user the ticket of another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label {
    /// The sign-in that has this IOU.
    Pair(IouId),
    /// This session.
    Kept(SessionId),
}

impl Label {
    fn bytes(&self) -> [u8; 17] {
        let (kind, id) = match self {
            Self::Pair(iou) => (b'p', iou.as_bytes()),
            Self::Kept(session) => (b'k', session.as_bytes()),
        };
        let mut bytes = [kind; 17];
        for (to, from) in bytes.iter_mut().skip(1).zip(id) {
            *to = *from;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Key, Purpose};

    #[test]
    fn a_ticket_opens_for_what_it_was_sealed_for_alone() {
        let key = Key::generate();
        let encrypter = Encrypter::new(&key, &[], Purpose::GrantingTicket, &["https://app"]);
        let granting = Granting::new(encrypter, None, true);
        let ticket = ProxyGrantingTicket::parse("PGT-1").unwrap();
        let [one, other] = [[1; 16], [2; 16]];
        let labels = [
            Label::Pair(one.into()),
            Label::Pair(other.into()),
            Label::Kept(one.into()),
            Label::Kept(other.into()),
        ];
        for (index, sealed_for) in labels.iter().enumerate() {
            let sealed = granting.seal(&ticket, sealed_for).unwrap();
            for (other, label) in labels.iter().enumerate() {
                let opened = granting.open(&sealed, label);
                let opened = opened.as_ref().map(ProxyGrantingTicket::expose_secret);
                assert_eq!(opened, (index == other).then_some("PGT-1"), "{label:?}");
            }
        }
        #[cfg(target_os = "linux")]
        {
            let marker = crate::secret::tests::Marker::new();
            let ticket = ProxyGrantingTicket::parse(&marker.text()).unwrap();
            let sealed = granting.seal(&ticket, &labels[0]).unwrap();
            assert_eq!(marker.copies(), 1);
            let opened = granting.open(&sealed, &labels[0]).unwrap();
            assert_eq!(marker.copies(), 2);
            drop((ticket, opened));
            assert_eq!(marker.copies(), 0);
        }
        let longest = ProxyGrantingTicket::parse(&"P".repeat(256)).unwrap();
        assert!(granting.seal(&longest, &labels[0]).is_some());
    }
}
