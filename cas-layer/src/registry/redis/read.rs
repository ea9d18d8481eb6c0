//! Reads the stream of ended sessions.

use std::time::Duration;

use redis::Cmd;
use tokio::time::timeout;

use super::{
    connection::Connection,
    entry_id::EntryId,
    failure::Failure,
    known::Known,
    node::Node,
    pages::Pages,
    stream::{Entry, RawEntries},
};
use crate::registry::run_time::Moment;

/// How long a read may take until the connection is given up: longer than it waits for news.
const SILENCE: Duration = Duration::from_secs(2);

/// How many entries are read at once, where a read waits for news.
const PAGE: usize = 1_000;

/// How many are loaded at once: a few milliseconds of Redis' time, and two megabytes.
const LOAD: usize = 20_000;

/// How long one such page may take. All of them together take as long as they take.
const PROGRESS: Duration = Duration::from_secs(10);

/// Takes news over. Waits if there is none yet.
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
    let streams: Streams = news.run_within(&command, SILENCE).await?;
    let mut count = 0;
    for (_, entries) in streams.into_iter().flatten() {
        count += entries.len();
        for (id, fields) in entries {
            let Some(id) = EntryId::parse(&id) else {
                tracing::error!(
                    "an entry in the stream of ended sessions has an id that Redis cannot have given"
                );
                continue;
            };
            let entry = Entry::parse(id, &fields);
            take(node, known, id, entry, node.moment(), |_| ());
        }
    }
    // Behind a full page there is more that this node does not know yet.
    if count < PAGE {
        node.facts.is_read();
    }
    Ok(())
}

/// Reads everything after the last entry seen that is there now. While one page is taken over, the next one is on its way.
pub(super) async fn load(
    node: &Node,
    known: &mut Known,
    mut pages: Pages,
    mut each: impl FnMut(&Entry),
) -> Result<(), Failure> {
    let mut after = Some(known.seen);
    let asked = timeout(PROGRESS, pages.ask(&next_page(node, known.seen))).await;
    asked.unwrap_or(Err(Failure::Silent))?;
    while after.is_some() {
        let turned = async {
            let page = pages.read(LOAD).await?;
            let last = page.last().filter(|_| page.len() >= LOAD);
            after = last.map(|&(id, _)| id);
            if let Some(last) = after {
                pages.ask(&next_page(node, last)).await?;
            }
            Ok(page)
        };
        let page = timeout(PROGRESS, turned).await;
        let page = page.unwrap_or(Err(Failure::Silent))?;
        for entries in page.chunks(PAGE) {
            let moment = node.moment();
            for &(id, entry) in entries {
                take(node, known, id, entry, moment, &mut each);
            }
            // Others have their turn.
            tokio::task::yield_now().await;
        }
    }
    node.facts.is_read();
    Ok(())
}

/// The next entries after this one. By no script: Redis would be at it for twenty times as long.
fn next_page(node: &Node, after: EntryId) -> Cmd {
    let mut command = redis::cmd("XRANGE");
    command.arg(node.keys.ended()).arg(format!("({after}"));
    command.arg("+").arg("COUNT").arg(LOAD);
    command
}

/// Takes an entry over, if it can be read.
fn take(
    node: &Node,
    known: &mut Known,
    id: EntryId,
    entry: Option<Entry>,
    moment: Moment,
    each: impl FnOnce(&Entry),
) {
    known.seen = id;
    let Some(entry) = entry else {
        tracing::error!(%id, "an entry in the stream of ended sessions cannot be read");
        return;
    };
    if let Entry::Account { number, .. } = entry {
        node.facts.saw_number(number);
    }
    entry.apply(&node.ended, moment);
    each(&entry);
}
