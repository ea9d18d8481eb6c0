//! Reads the stream of ended sessions.

use std::time::Duration;

use super::{
    connection::Connection,
    entry_id::EntryId,
    failure::Failure,
    known::Known,
    node::{self, Node},
    scripts,
    stream::{Entry, RawEntries},
};

/// How long a read may take until the connection is given up: longer than it waits for news.
const SILENCE: Duration = Duration::from_secs(2);

/// How many entries are read at once, where a read waits for news.
const PAGE: usize = 1_000;

/// How many are loaded at once: some milliseconds of Redis' time, and a megabyte.
const LOAD: usize = 10_000;

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

/// Reads everything after the last entry seen that is there now. While one page is taken over, the next one is on its way.
pub(super) async fn load(
    node: &Node,
    known: &mut Known,
    news: &Connection,
    mut each: impl FnMut(&Entry),
) -> Result<(), Failure> {
    let load = async |after| scripts::load(news, &node.keys, after, LOAD, PROGRESS).await;
    let mut page = load(known.seen).await?;
    loop {
        let lines: Vec<&str> = page.lines().collect();
        let last = lines.last().filter(|_| lines.len() >= LOAD);
        let next = async {
            let Some(last) = last else {
                return Ok(None);
            };
            let (id, _) = last.split_once(' ').unwrap_or((last, ""));
            let id = EntryId::parse(id).ok_or_else(scripts::unexpected)?;
            load(id).await.map(Some)
        };
        let taken = async {
            for lines in lines.chunks(PAGE) {
                for line in lines {
                    let mut words = line.split(' ');
                    let id = words.next().unwrap_or_default();
                    take(node, known, id, &words.collect::<Vec<_>>(), &mut each);
                }
                // Others have their turn, and so has the connection.
                tokio::task::yield_now().await;
            }
        };
        let (next, ()) = tokio::join!(next, taken);
        let Some(next) = next? else {
            node.facts.is_read();
            return Ok(());
        };
        page = next;
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
        tracing::error!(
            "an entry in the stream of ended sessions has an id that Redis cannot have given"
        );
        return;
    };
    known.seen = id;
    let Some(entry) = Entry::parse(id, fields) else {
        tracing::error!(%id, "an entry in the stream of ended sessions cannot be read");
        return;
    };
    if let Entry::Account { number, .. } = entry {
        node.facts.saw_number(number);
    }
    entry.apply(&node.ended, node::now());
    each(&entry);
}
