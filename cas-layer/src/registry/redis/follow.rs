//! Reading what other nodes have ended.

use std::time::{Duration, Instant};

use super::{
    connection::Connection,
    failure::Failure,
    node::{self, Node},
    recovery::{self, Known},
    scripts,
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
        if known.is_doubtful || node.facts.take_untold() {
            recovery::complete(node, known, commands, news).await?;
        }
        let mut looked = Instant::now();
        loop {
            read(node, known, news, Some(BLOCK)).await?;
            if looked.elapsed() >= LOOK {
                recovery::check(node, known, commands).await?;
                if node.facts.take_untold() {
                    recovery::complete(node, known, commands, news).await?;
                }
                looked = Instant::now();
            }
        }
    };
    let Err(failure): Result<std::convert::Infallible, _> = followed.await;
    failure
}

/// Takes news over; waits for some where there are none yet.
pub(super) async fn read(
    node: &Node,
    known: &mut Known,
    news: &Connection,
    wait: Option<Duration>,
) -> Result<(), Failure> {
    type Streams = Option<Vec<(String, RawEntries)>>;
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(PAGE);
    if let Some(wait) = wait {
        command.arg("BLOCK").arg(wait.as_millis().to_string());
    }
    command
        .arg("STREAMS")
        .arg(node.keys.ended())
        .arg(known.seen.to_string());
    let streams: Streams = news.run(&command, SILENCE).await?;
    let mut count = 0;
    for (_, entries) in streams.into_iter().flatten() {
        count += entries.len();
        for (id, fields) in entries {
            take(node, known, &id, &fields, |_| ());
        }
    }
    // Behind a full page there is more that this node does not know yet.
    if count < PAGE {
        node.facts.is_read();
    }
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
        let page = scripts::load(news, &node.keys, known.seen, PAGE).await?;
        let mut count = 0;
        for line in page.lines() {
            count += 1;
            let mut words = line.split(' ');
            let id = words.next().unwrap_or_default();
            take(node, known, id, &words.collect::<Vec<_>>(), &mut each);
        }
        if count < PAGE {
            node.facts.is_read();
            return Ok(());
        }
    }
}

/// Takes an entry over.
fn take<F: AsRef<[u8]>>(
    node: &Node,
    known: &mut Known,
    id: &str,
    fields: &[F],
    each: impl FnOnce(&Entry),
) {
    let Some(id) = EntryId::parse(id) else {
        tracing::error!("an entry of the stream of what has ended has no id that Redis gives");
        return;
    };
    known.seen = id;
    let Some(entry) = Entry::parse(id, fields) else {
        tracing::error!(%id, "an entry of the stream of what has ended cannot be read");
        return;
    };
    if let Entry::Account { number, .. } = entry {
        node.facts.saw_number(number);
    }
    entry.apply(&node.ended, node::now());
    each(&entry);
}
