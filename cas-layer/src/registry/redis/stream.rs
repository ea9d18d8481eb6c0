//! The entries of the stream of ended sessions.

use data_encoding::HEXLOWER;

use super::{entry_id::EntryId, number};
use crate::{
    clock::UnixSeconds,
    registry::{AccountId, EndedSessions, run_time::Moment},
    session::SessionId,
};

/// Entries as Redis sends them: an id, and fields and values in turn.
pub(super) type RawEntries = Vec<(String, Vec<Vec<u8>>)>;

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A session has ended.
    Session {
        id: SessionId,
        expires_at: UnixSeconds,
    },
    /// All sessions of an account up to a number have ended.
    Account {
        account: AccountId,
        number: u64,
        expires_at: UnixSeconds,
    },
}

impl Entry {
    /// Reads the fields `s` or `a` and `n`, and `x`, of the entry of this id. Others are of a later version.
    pub(super) fn parse<F: AsRef<[u8]>>(id: EntryId, fields: &[F]) -> Option<Self> {
        let (fields, _) = fields.as_chunks::<2>();
        let text = |name: &[u8]| {
            let field = fields.iter().find(|[field, _]| field.as_ref() == name);
            field.map(|[_, value]| value.as_ref())
        };
        let expires_at = str::from_utf8(text(b"x")?).ok()?.parse().ok()?;
        if let Some(session) = text(b"s") {
            return Some(Self::Session {
                id: id_of(session)?.into(),
                expires_at,
            });
        }
        Some(Self::Account {
            account: id_of(text(b"a")?)?.into(),
            number: number::of_end(str::from_utf8(text(b"n")?).unwrap_or_default(), id),
            expires_at,
        })
    }

    pub(super) fn apply(self, ended: &EndedSessions, moment: Moment) {
        match self {
            Self::Session { id, expires_at } => {
                ended.end_until(id, moment.of_ended(expires_at), moment);
            }
            Self::Account {
                account,
                number,
                expires_at,
            } => ended.end_all_until(account, number, moment.of_ended(expires_at), moment),
        }
    }
}

/// The 16 bytes of an id, if this is exactly that.
pub(super) fn id_of(text: &[u8]) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    if HEXLOWER.decode_len(text.len()) != Ok(id.len()) {
        return None;
    }
    HEXLOWER.decode_mut(text, &mut id).ok()?;
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Entry> {
        let fields: Vec<_> = text.split(' ').collect();
        Entry::parse(EntryId::parse("1700000000000-0")?, &fields)
    }

    #[test]
    fn entries_are_read_and_more_fields_are_left_to_later_versions() {
        let id = "a1".repeat(16);
        let session = Entry::Session {
            id: [0xa1; 16].into(),
            expires_at: 1_700_000_000,
        };
        assert_eq!(parse(&format!("s {id} x 1700000000")), Some(session));
        assert_eq!(parse(&format!("new 1 s {id} x 1700000000")), Some(session));
        assert_eq!(
            parse(&format!("a {id} n 12 x 1700000000")),
            Some(Entry::Account {
                account: [0xa1; 16].into(),
                number: 12,
                expires_at: 1_700_000_000,
            })
        );
    }

    #[test]
    fn what_is_no_entry_is_none() {
        let id = "a1".repeat(16);
        for text in [
            String::new(),
            "s".to_owned(),
            format!("s {id}"),
            format!("s {id} x"),
            format!("s {id} x soon"),
            format!("s {id} x -1"),
            "s a1 x 17".to_owned(),
            format!("a {id} x 17"),
            format!("b {id} x 17"),
        ] {
            assert_eq!(parse(&text), None, "{text}");
        }
    }
}
