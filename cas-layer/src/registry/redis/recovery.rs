//! Notices that Redis lost something, and recovers it.
//!
//! Redis may come back empty, or with an older copy of its data: a restart, a failover, an emptied database. Each
//! node looks for signs of that whenever it connects, and every few seconds. On a sign:
//!
//! 1. it marks in Redis that sessions may have been forgotten (`recovering`), before it makes any other call. From
//!    then on logouts of unknown sessions are kept, and new sessions have numbers above all earlier ones, see
//!    [`number`](super::number);
//! 2. it reads the stream from the beginning;
//! 3. it writes the ends that it knows and Redis does not;
//! 4. it tells Redis of the sessions whose cookies it sees, see [`seen`](crate::registry::seen).

use std::collections::{HashMap, HashSet};

use data_encoding::HEXLOWER;

use super::{
    connection::Connection,
    entry_id::EntryId,
    failure::Failure,
    flush::BATCH,
    known::Known,
    master,
    node::Node,
    read,
    scripts::{self, AccountEnd, Lasting},
    stream::Entry,
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::AccountId,
    session::SessionId,
};

/// Looks for signs of a loss on a connection that is in use.
pub(super) async fn check(
    node: &Node,
    known: &mut Known,
    commands: &Connection,
) -> Result<(), Failure> {
    let standing = scripts::look(commands, &node.keys, known.seen).await?;
    known.has_jumped = node.facts.has_jumped(&standing.time);
    let sign = known.sign_of_loss(&standing, commands.instance());
    node.learn(&standing, sign.is_some());
    // A new connection sees to the rest.
    match sign {
        Some(_) => Err(Failure::Lost),
        None => Ok(()),
    }
}

/// Makes a new connection ready for use. Lost data must not be taken for data that never existed.
pub(super) async fn join(
    node: &Node,
    known: &mut Known,
    commands: &mut Connection,
) -> Result<(), Failure> {
    let standing = scripts::look(commands, &node.keys, known.seen).await?;
    known.has_jumped |= node.facts.has_jumped(&standing.time);
    let sign = known.sign_of_loss(&standing, commands.instance());
    node.learn(&standing, sign.is_some());
    // Sessions that Redis has lost, or that are still opened at another server, have numbers up to that of now.
    let reached = sign.map(|_| node.facts.number_of_now());
    let joined = scripts::join(
        commands,
        &node.keys,
        &HEXLOWER.encode(&random()?),
        node.facts.longest(),
        node.facts.highest(),
        reached,
        node.facts.kept(),
    )
    .await?;
    known.has_jumped = false;
    node.facts.set_base(joined.base);
    for key in &joined.repaired {
        tracing::error!(
            key,
            "a value in Redis cannot have come from the registry: it is repaired. Nodes of an \
             older version may put it there again: update all of them"
        );
    }
    if joined.is_refused {
        tracing::error!("Redis refuses the highest number of a session that this node knows");
        node.facts.correct_number(joined.number);
    }
    node.facts
        .redis_says(joined.micros, joined.number, joined.asked);
    // Only now: by the time of before it has jumped still.
    node.facts.forget_jump();
    if let Some(sign) = sign {
        tracing::warn!(
            sign,
            "Redis may have lost sign-outs: what this node knows is compared with it"
        );
    } else if joined.is_marked {
        tracing::info!(
            "Redis is new to the registry, or was restarted: until every earlier session has \
             expired, sign-outs of unknown sessions are kept too"
        );
    }
    if joined.is_marked {
        node.set_recovering(true);
        known.is_doubtful |= !known.is_new();
    }
    commands.set_epoch(&joined.epoch);
    known.epoch = joined.epoch;
    commands.instance().clone_into(&mut known.instance);
    Ok(())
}

/// Reads the stream from the beginning, and writes what it lacks.
pub(super) async fn complete(
    node: &Node,
    known: &mut Known,
    commands: &Connection,
) -> Result<(), Failure> {
    // On their way, and not always known to be sessions.
    let waiting = node.queue.sessions();
    let pages = master::open_pages(&node.connector, commands).await?;
    known.seen = EntryId::default();
    let mut published = Published::default();
    read::load(node, known, pages, |entry| published.add(entry)).await?;
    let now = Clock::System.now();
    let mut written = 0;
    let lacking = node.ended.sessions().into_iter();
    let lacking =
        lacking.filter(|(id, _)| !published.sessions.contains(id) && !waiting.contains(id));
    // They are known to the minute. That is no reason to remember all others for longer.
    let seconds = |until: UnixSeconds| node.ended.left(until, now);
    let lacking: Vec<_> = lacking
        .map(|(id, until)| Lasting {
            id,
            expires_at: until,
            seconds: seconds(until),
        })
        .collect();
    for batch in lacking.chunks(BATCH) {
        let end = scripts::end(commands, &node.keys, batch);
        for news in scripts::run_ends(commands, vec![end]).await? {
            written += scripts::number(news)?;
        }
    }
    let accounts = node.ended.accounts().into_iter();
    let lacking =
        accounts.filter(|(account, number, _)| published.accounts.get(account) < Some(number));
    let ends: Vec<_> = lacking
        .map(|(account, number, expires_at)| AccountEnd {
            account,
            number,
            expires_at,
            seconds: seconds(expires_at),
            call: None,
        })
        .collect();
    for batch in ends.chunks(BATCH) {
        let ends = batch
            .iter()
            .map(|end| scripts::end_all(commands, &node.keys, end, false));
        scripts::run_ends(commands, ends.collect()).await?;
        written += batch.len() as u64;
    }
    if written > 0 {
        tracing::error!(written, "Redis lacked sign-outs: it has them now");
    } else {
        tracing::info!("Redis has all sign-outs that this node knows of");
    }
    known.is_doubtful = false;
    Ok(())
}

/// What is in the stream.
#[derive(Default)]
struct Published {
    sessions: HashSet<SessionId>,
    accounts: HashMap<AccountId, u64>,
}

impl Published {
    fn add(&mut self, entry: &Entry) {
        match *entry {
            Entry::Session { id, .. } => {
                self.sessions.insert(id);
            }
            Entry::Account {
                account, number, ..
            } => {
                let known = self.accounts.entry(account).or_default();
                *known = number.max(*known);
            }
        }
    }
}

fn random() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Unreachable(format!("no randomness: {error}").into()))?;
    Ok(bytes)
}
