//! Reading what other nodes have ended.

use std::time::{Duration, Instant};

use super::{
    connection::{COMMAND, Connection},
    failure::Failure,
    node::{self, Node},
    recovery::{self, Known},
    stream::{Entry, EntryId, RawEntries},
};

/// How long a read waits for news, and how much longer until the connection is given up.
const BLOCK: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(2);

/// How often to look whether Redis lost something.
const LOOK: Duration = Duration::from_secs(3);

/// How many entries are read at once.
const PAGE: usize = 1_000;

/// Follows the stream until the connection breaks or Redis has lost something.
pub(super) async fn follow(
    node: &Node,
    known: &mut Known,
    commands: &Connection,
    news: &Connection,
) -> Failure {
    let followed = async {
        if known.is_doubtful {
            recovery::complete(node, known, commands, news).await?;
        }
        let mut looked = Instant::now();
        loop {
            read(node, known, news).await?;
            if looked.elapsed() >= LOOK {
                recovery::check(node, known, commands).await?;
                looked = Instant::now();
            }
        }
    };
    let Err(failure): Result<std::convert::Infallible, _> = followed.await;
    failure
}

/// Waits for news and takes it over.
async fn read(node: &Node, known: &mut Known, news: &Connection) -> Result<(), Failure> {
    type Streams = Option<Vec<(String, RawEntries)>>;
    let mut command = redis::cmd("XREAD");
    command
        .arg("COUNT")
        .arg(PAGE)
        .arg("BLOCK")
        .arg(BLOCK.as_millis().to_string())
        .arg("STREAMS")
        .arg(node.keys.ended())
        .arg(known.seen.to_string());
    let streams: Streams = news.run(&command, SILENCE).await?;
    for (_, entries) in streams.into_iter().flatten() {
        take(node, known, entries, |_| ());
    }
    node.facts.is_read();
    Ok(())
}

/// Reads everything after the last entry seen that is there now.
pub(super) async fn load(
    node: &Node,
    known: &mut Known,
    news: &Connection,
    mut each: impl FnMut(&Entry),
) -> Result<(), Failure> {
    loop {
        let mut command = redis::cmd("XRANGE");
        command
            .arg(node.keys.ended())
            .arg(format!("({}", known.seen))
            .arg("+")
            .arg("COUNT")
            .arg(PAGE);
        let entries: RawEntries = news.run(&command, COMMAND).await?;
        node.facts.is_read();
        let is_last = entries.len() < PAGE;
        take(node, known, entries, &mut each);
        if is_last {
            return Ok(());
        }
    }
}

fn take(node: &Node, known: &mut Known, entries: RawEntries, mut each: impl FnMut(&Entry)) {
    let now = node::now();
    for (id, fields) in entries {
        let Some(id) = EntryId::parse(&id) else {
            tracing::error!("an entry of the stream of what has ended has no id that Redis gives");
            continue;
        };
        known.seen = id;
        let Some(entry) = Entry::parse(&fields) else {
            tracing::error!(%id, "an entry of the stream of what has ended cannot be read");
            continue;
        };
        if let Entry::Account { number, .. } = entry {
            node.facts.saw_number(number);
        }
        entry.apply(&node.ended, now);
        each(&entry);
    }
}
