//! Reads the stream of ended sessions.

use std::time::{Duration, Instant};

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

/// How many are loaded at once. Redis takes 2 ms for them, and three times as long for each where they are five times as many.
const NEAR: usize = 2_000;

/// The same where each page waits for a long way.
const FAR: usize = 10_000;

/// A page of the smaller kind that takes so long has come a long way, or Redis is busy.
const LONG: Duration = Duration::from_millis(10);

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
    let mut size = NEAR;
    let mut page = page(node, news, known.seen, &mut size).await?;
    loop {
        let lines: Vec<&str> = page.text.lines().collect();
        let last = lines.last().filter(|_| lines.len() >= page.size);
        let next = async {
            let Some(last) = last else {
                return Ok(None);
            };
            let id = last.split_ascii_whitespace().next().unwrap_or_default();
            let id = EntryId::parse(id).ok_or_else(scripts::unexpected)?;
            self::page(node, news, id, &mut size).await.map(Some)
        };
        let taken = async {
            for lines in lines.chunks(PAGE) {
                for line in lines {
                    let mut words = line.split_ascii_whitespace();
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

/// Entries, each a line.
struct Page {
    text: String,
    /// How many there are if these are not the last.
    size: usize,
}

/// The next page of this size, which grows if that took long.
async fn page(
    node: &Node,
    news: &Connection,
    after: EntryId,
    size: &mut usize,
) -> Result<Page, Failure> {
    let (asked, count) = (Instant::now(), *size);
    let text = scripts::load(news, &node.keys, after, count, PROGRESS).await?;
    if asked.elapsed() > LONG {
        *size = FAR;
    }
    Ok(Page { text, size: count })
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
