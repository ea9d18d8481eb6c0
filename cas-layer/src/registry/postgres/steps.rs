//! The steps in PostgreSQL, each a single statement and a transaction of its own. `schema.sql` has what they do.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::{
    connection::Kept,
    failure::Failure,
    node::{End, Node},
    notes::Note,
    queue::{Batch, Lasting},
};
use crate::{
    clock::UnixSeconds,
    registry::{LONGEST, seen},
    session::SessionId,
};

/// How many ends are read at once.
const PAGE: i64 = 50_000;

/// How many bytes an end has in such a page.
const ENTRY: usize = 40;

/// What came of telling PostgreSQL of a batch.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// What has ended, as far as the node does not know yet.
    pub(super) ends: Vec<End>,
    /// The named sessions that have ended now.
    pub(super) named: Vec<SessionId>,
}

/// How things stand in PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) asked: Instant,
    pub(super) epoch: String,
    /// The server and its timeline.
    pub(super) instance: String,
    pub(super) last_end: i64,
    pub(super) micros: u64,
    pub(super) number: u64,
    /// Whether the end that the node has read last is there still.
    pub(super) has_seen: bool,
    /// Until when sessions may be live that were opened before something was lost, in seconds since the epoch. 0 if all of them
    /// have expired.
    pub(super) recovering_until: i64,
    /// How far the server's log is on the disk. It only grows.
    pub(super) log: i64,
    /// The longest lifetime of a session, in seconds.
    pub(super) longest: UnixSeconds,
}

pub(super) async fn note(node: &Node, notes: &[Note]) -> Result<(), Failure> {
    let kinds: Vec<i32> = notes.iter().map(|note| note.kind as i32).collect();
    let names: Vec<&[u8]> = notes.iter().map(|note| note.name.as_slice()).collect();
    let millis: Vec<i64> = notes.iter().map(|note| note.millis).collect();
    node.call(async |connection: &mut PgConnection| {
        let query = sqlx::query(&node.schema.note).bind(kinds).bind(names);
        query.bind(millis).execute(connection).await?;
        Ok(())
    })
    .await
}

/// The number of the session, 0 if it has ended, and `None` if it has not begun.
pub(super) async fn open(
    node: &Node,
    session: Lasting,
    family: Option<SessionId>,
) -> Result<Option<u64>, Failure> {
    let number: Option<i64> = node
        .call(async |connection: &mut PgConnection| {
            let query = sqlx::query_scalar(&node.schema.open)
                .bind(session.id.as_bytes().as_slice())
                .bind(signed(session.expires_at))
                .bind(signed(session.seconds))
                .bind(family.map(|family| family.as_bytes().to_vec()))
                .bind(signed(node.facts.highest()));
            Ok(query.fetch_one(connection).await?)
        })
        .await?;
    number.map(unsigned).transpose()
}

pub(super) async fn finish(node: &Node, batch: &Batch) -> Result<Finished, Failure> {
    type Row = (String, Vec<u8>, Option<i64>, Option<i64>);
    let (sessions, accounts) = (&batch.sessions, &batch.accounts);
    let rows: Vec<Row> = node
        .call(async |connection: &mut PgConnection| {
            let query = sqlx::query_as(&node.schema.finish)
                .bind(bytes(sessions.iter().map(|s| s.id.as_bytes())))
                .bind(numbers(sessions.iter().map(|s| s.expires_at)))
                .bind(numbers(sessions.iter().map(|s| s.seconds)))
                .bind(bytes(batch.names.iter().map(SessionId::as_bytes)))
                .bind(signed(batch.now))
                .bind(bytes(accounts.iter().map(|end| end.account.as_bytes())))
                .bind(numbers(accounts.iter().map(|end| end.number)))
                .bind(numbers(accounts.iter().map(|end| end.expires_at)))
                .bind(numbers(accounts.iter().map(|end| end.seconds)))
                .bind(accounts.iter().map(|end| end.is_prompt).collect::<Vec<_>>());
            Ok(query.fetch_all(connection).await?)
        })
        .await?;
    let mut finished = Finished::default();
    for (kind, id, expires_at, number) in rows {
        if kind == "last" {
            node.facts.told_end(number.unwrap_or_default());
            continue;
        }
        let id = id_of(&id)?;
        if matches!(kind.as_str(), "session" | "early") {
            finished.named.push(id.into());
        }
        if let Some(expires_at) = expires_at {
            finished.ends.push(end_of(id, expires_at, number)?);
        }
    }
    Ok(finished)
}

/// What PostgreSQL knows of sessions that a message names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Begun or opened.
    pub(super) live: Vec<SessionId>,
    pub(super) ended: Vec<End>,
}

impl Found {
    pub(super) fn has_ended(&self, session: SessionId) -> bool {
        let mut ended = self.ended.iter();
        ended.any(|end| matches!(end, End::Session { id, .. } if *id == session))
    }
}

/// Looks for sessions. It only reads: strangers can cause it.
pub(super) async fn find(node: &Node, ids: &[SessionId]) -> Result<Found, Failure> {
    let names = bytes(ids.iter().map(SessionId::as_bytes));
    let rows: Vec<(Vec<u8>, Option<i64>)> = node
        .call(async |connection: &mut PgConnection| {
            let query = sqlx::query_as(&node.schema.find).bind(names);
            Ok(query.fetch_all(connection).await?)
        })
        .await?;
    let mut found = Found::default();
    for (id, expires_at) in rows {
        let id = id_of(&id)?;
        match expires_at {
            Some(expires_at) => found.ended.push(end_of(id, expires_at, None)?),
            None => found.live.push(id.into()),
        }
    }
    // In the order in which they were named, each as often as it was.
    let live: Vec<_> = ids
        .iter()
        .copied()
        .filter(|id| found.live.contains(id))
        .collect();
    found.live = live;
    Ok(found)
}

pub(super) async fn look(
    node: &Node,
    connection: &mut Kept,
    seen: Option<[u8; 16]>,
) -> Result<Standing, Failure> {
    type Row = (String, String, i64, i64, i64, bool, i64, i64, i64);
    let asked = Instant::now();
    let row: Row = connection
        .call(node.timeout, async |connection: &mut PgConnection| {
            let query = sqlx::query_as(&node.schema.look).bind(seen.map(|seen| seen.to_vec()));
            Ok(query.fetch_one(connection).await?)
        })
        .await?;
    let (epoch, instance, last_end, micros, number, has_seen, recovering_until, log, longest) = row;
    Ok(Standing {
        asked,
        epoch,
        instance,
        last_end,
        micros: unsigned(micros)?,
        number: unsigned(number)?,
        has_seen,
        recovering_until,
        log,
        longest: unsigned(longest)?,
    })
}

/// Notes for all nodes that something was lost, or that the server is another one than before.
pub(super) async fn enter(
    node: &Node,
    connection: &mut Kept,
    instance: &str,
    was_lost: bool,
) -> Result<(), Failure> {
    connection
        .call(node.timeout, async |connection: &mut PgConnection| {
            let query = sqlx::query(&node.schema.enter)
                .bind(instance)
                .bind(signed(node.facts.longest()))
                .bind(signed(node.facts.highest()))
                .bind(was_lost);
            query.execute(connection).await?;
            Ok(())
        })
        .await
}

/// Tells PostgreSQL again of open sessions. Says which of them have ended.
pub(super) async fn reopen(
    node: &Node,
    sessions: &[seen::Note],
    now: UnixSeconds,
) -> Result<Vec<End>, Failure> {
    let lasting = |note: &seen::Note| lasting(note.id, note.expires_at, now).seconds;
    let families = sessions.iter().map(|note| note.family);
    let families: Vec<_> = families
        .map(|family| family.map(|family| family.as_bytes().to_vec()))
        .collect();
    let rows: Vec<(Vec<u8>, i64)> = node
        .call(async |connection: &mut PgConnection| {
            let query = sqlx::query_as(&node.schema.reopen)
                .bind(bytes(sessions.iter().map(|note| note.id.as_bytes())))
                .bind(numbers(sessions.iter().map(|note| note.expires_at)))
                .bind(numbers(sessions.iter().map(lasting)))
                .bind(families);
            Ok(query.fetch_all(connection).await?)
        })
        .await?;
    rows.into_iter()
        .map(|(id, expires_at)| end_of(id_of(&id)?, expires_at, None))
        .collect()
}

/// The next ends after the one with this number, and the number of each.
pub(super) async fn read(
    node: &Node,
    connection: &mut Kept,
    after: i64,
    limit: Duration,
) -> Result<Vec<(i64, End)>, Failure> {
    let page: Option<Vec<u8>> = connection
        .call(limit, async |connection: &mut PgConnection| {
            let query = sqlx::query_scalar(&node.schema.read).bind(after);
            Ok(query.bind(PAGE).fetch_one(connection).await?)
        })
        .await?;
    entries(&page.unwrap_or_default())
}

/// The ends of a page: for each its number, its id, when it expires, and the number of an account or -1.
fn entries(page: &[u8]) -> Result<Vec<(i64, End)>, Failure> {
    let number = |bytes: &[u8; 8]| i64::from_be_bytes(*bytes);
    let mut ends = Vec::with_capacity(page.len() / ENTRY);
    let mut rest = page;
    while !rest.is_empty() {
        let (seq, id, expires_at, account);
        (seq, rest) = rest.split_first_chunk::<8>().ok_or(Failure::Unexpected)?;
        (id, rest) = rest.split_first_chunk::<16>().ok_or(Failure::Unexpected)?;
        (expires_at, rest) = rest.split_first_chunk::<8>().ok_or(Failure::Unexpected)?;
        (account, rest) = rest.split_first_chunk::<8>().ok_or(Failure::Unexpected)?;
        let account = Some(number(account)).filter(|&account| account >= 0);
        ends.push((number(seq), end_of(*id, number(expires_at), account)?));
    }
    Ok(ends)
}

/// How many were forgotten.
pub(super) async fn sweep(node: &Node, before: UnixSeconds, few: i32) -> Result<i64, Failure> {
    node.call(async |connection: &mut PgConnection| {
        let query = sqlx::query_scalar(&node.schema.sweep).bind(signed(before));
        Ok(query.bind(few).fetch_one(connection).await?)
    })
    .await
}

/// A notification for those who listen, with this text.
pub(super) async fn notify(
    connection: &mut PgConnection,
    channel: &str,
    text: &str,
) -> Result<(), Failure> {
    let query = sqlx::query("SELECT pg_notify($1, $2)").bind(channel);
    query.bind(text).execute(connection).await?;
    Ok(())
}

fn bytes<'a>(ids: impl Iterator<Item = &'a [u8; 16]>) -> Vec<&'a [u8]> {
    ids.map(<[u8; 16]>::as_slice).collect()
}

fn numbers(numbers: impl Iterator<Item = u64>) -> Vec<i64> {
    numbers.map(signed).collect()
}

/// Numbers and times as PostgreSQL counts them, with room above them for what it adds.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX).min(1 << 60)
}

fn unsigned(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::Unexpected)
}

fn id_of(bytes: &[u8]) -> Result<[u8; 16], Failure> {
    bytes.try_into().map_err(|_| Failure::Unexpected)
}

fn end_of(id: [u8; 16], expires_at: i64, number: Option<i64>) -> Result<End, Failure> {
    let expires_at = unsigned(expires_at)?;
    Ok(match number {
        Some(number) => End::Account {
            account: id.into(),
            number: unsigned(number)?,
            expires_at,
        },
        None => End::Session {
            id: id.into(),
            expires_at,
        },
    })
}

/// What is left of a life.
pub(super) fn lasting(id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) -> Lasting {
    Lasting {
        id,
        expires_at,
        seconds: expires_at.saturating_sub(now).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, id: u8, expires_at: i64, number: i64) -> Vec<u8> {
        let mut entry = seq.to_be_bytes().to_vec();
        entry.extend([id; 16]);
        entry.extend(expires_at.to_be_bytes());
        entry.extend(number.to_be_bytes());
        assert_eq!(entry.len(), ENTRY);
        entry
    }

    #[test]
    fn a_page_is_read_entry_by_entry_and_not_if_it_is_cut_short() {
        let page = [entry(7, 1, 100, -1), entry(9, 2, 200, 5)].concat();
        let session = End::Session {
            id: [1; 16].into(),
            expires_at: 100,
        };
        let account = End::Account {
            account: [2; 16].into(),
            number: 5,
            expires_at: 200,
        };
        assert_eq!(entries(&page).unwrap(), [(7, session), (9, account)]);
        assert!(entries(&[]).unwrap().is_empty());
        for len in (1..page.len()).filter(|len| len % ENTRY != 0) {
            assert!(entries(&page[..len]).is_err(), "{len}");
        }
        assert!(entries(&entry(1, 1, -5, -1)).is_err());
    }
}
