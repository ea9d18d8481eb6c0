//! Reads the stream of ended sessions.

use std::time::Duration;

use redis::Value;

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
    let mut page = page(node, news, known.seen).await?;
    loop {
        let last = page.last().filter(|_| page.len() >= LOAD);
        let next = async {
            let Some(last) = last else {
                return Ok(None);
            };
            let (id, _) = parts(last).ok_or_else(scripts::unexpected)?;
            let id = EntryId::parse(id).ok_or_else(scripts::unexpected)?;
            self::page(node, news, id).await.map(Some)
        };
        let taken = async {
            for entries in page.chunks(PAGE) {
                for entry in entries {
                    let (id, fields) = parts(entry).unwrap_or_default();
                    take(node, known, id, &fields, &mut each);
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

/// The next entries after this one. By no script: Redis would be at it for twenty times as long.
async fn page(node: &Node, news: &Connection, after: EntryId) -> Result<Vec<Value>, Failure> {
    let mut command = redis::cmd("XRANGE");
    command.arg(node.keys.ended()).arg(format!("({after}"));
    command.arg("+").arg("COUNT").arg(LOAD);
    news.run_within(&command, PROGRESS).await
}

/// The id of an entry, and its fields and values in turn.
fn parts(entry: &Value) -> Option<(&str, Vec<&[u8]>)> {
    let Value::Array(parts) = entry else {
        return None;
    };
    let [Value::BulkString(id), Value::Array(fields)] = parts.as_slice() else {
        return None;
    };
    let fields = fields.iter().map(|field| match field {
        Value::BulkString(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    Some((str::from_utf8(id).ok()?, fields.collect::<Option<_>>()?))
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
