//! What the registry keeps or hands on, sealed.

use zeroize::Zeroizing;

use crate::{
    registry::{AccountId, IouId, Sealed},
    secret::append,
    session::{Encrypter, SessionId},
};

/// Seals for the registry. The seals of all hosts of an app are alike.
#[derive(Debug)]
pub(crate) struct Vault(Encrypter);

/// What something sealed is, and whose. It is inside the seal, so that somebody who can write to the registry cannot
/// give one user what belongs to another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label {
    /// The proxy-granting ticket of the sign-in that has this IOU.
    Pair(IouId),
    /// The proxy-granting ticket of this session.
    GrantingTicket(SessionId),
    /// The attributes of this user in this session. Two CAS servers may give the same ticket.
    Attributes(SessionId, AccountId),
}

impl Vault {
    pub(crate) fn new(encrypter: Encrypter) -> Self {
        Self(encrypter)
    }

    /// `None` when the operating system gives no random bytes, or if it is too long for a registry.
    pub(crate) fn seal(&self, content: &[u8], label: Label) -> Option<Sealed> {
        let mut text = Zeroizing::new(Vec::new());
        append(&mut text, &label.bytes());
        append(&mut text, content);
        Sealed::new(self.0.seal(&text)?.into_bytes())
    }

    /// `None` for a value that no key of ours has sealed, or that is something else.
    pub(crate) fn open(&self, sealed: &Sealed, label: Label) -> Option<Zeroizing<Vec<u8>>> {
        let text = self.0.open(sealed.as_bytes())?;
        let content = text.strip_prefix(label.bytes().as_slice())?;
        let mut opened = Zeroizing::new(Vec::new());
        append(&mut opened, content);
        Some(opened)
    }
}

impl Label {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(33);
        match &self {
            Self::Pair(iou) => {
                bytes.push(b'p');
                bytes.extend(iou.as_bytes());
            }
            Self::GrantingTicket(session) => {
                bytes.push(b'k');
                bytes.extend(session.as_bytes());
            }
            Self::Attributes(session, account) => {
                bytes.push(b'a');
                bytes.extend(session.as_bytes());
                bytes.extend(account.as_bytes());
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Key, Purpose};

    fn vault() -> Vault {
        let key = Key::generate();
        Vault::new(Encrypter::new(&key, &[], Purpose::Kept, &["https://app"]))
    }

    #[test]
    fn a_seal_opens_for_what_it_was_made_for_alone() {
        let vault = vault();
        let [one, other] = [[1; 16], [2; 16]];
        let labels = [
            Label::Pair(one.into()),
            Label::Pair(other.into()),
            Label::GrantingTicket(one.into()),
            Label::GrantingTicket(other.into()),
            Label::Attributes(one.into(), one.into()),
            Label::Attributes(other.into(), one.into()),
            Label::Attributes(one.into(), other.into()),
        ];
        for (index, &sealed_for) in labels.iter().enumerate() {
            let sealed = vault.seal(b"PGT-1", sealed_for).unwrap();
            for (other, &label) in labels.iter().enumerate() {
                let opened = vault.open(&sealed, label);
                let opened = opened.as_ref().map(|opened| opened.as_slice());
                assert_eq!(
                    opened,
                    (index == other).then_some(&b"PGT-1"[..]),
                    "{label:?}"
                );
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_of_it_stays_in_memory() {
        let (vault, label) = (vault(), Label::Pair([1; 16].into()));
        let marker = crate::secret::tests::Marker::new();
        let content = Zeroizing::new(marker.text().as_bytes().to_vec());
        let sealed = vault.seal(&content, label).unwrap();
        assert_eq!(marker.copies(), 1);
        let opened = vault.open(&sealed, label).unwrap();
        assert_eq!(marker.copies(), 2);
        drop((content, opened));
        assert_eq!(marker.copies(), 0);
    }

    #[test]
    fn a_mebibyte_of_attributes_fits_into_a_seal() {
        let label = Label::Attributes([1; 16].into(), [2; 16].into());
        let sealed = vault().seal(&vec![7; (1 << 20) + 64], label).unwrap();
        assert!(sealed.as_bytes().len() <= Sealed::MAX_BYTES);
    }
}
