//! Noticing that Redis lost something, and what follows from it.
//!
//! Redis may come back empty, or with an older copy of its data: a restart, a failover, an emptied database. Each
//! node looks for signs of that whenever it connects, and every few seconds. On a sign:
//!
//! 1. it marks in Redis that sessions may have been forgotten (`recovering`), before it makes any other call. From
//!    then on logouts of unknown sessions are kept, and sessions have numbers above all of before, see
//!    [`number`](super::number);
//! 2. it reads the stream from the beginning;
//! 3. it writes what it knows to have ended and Redis does not;
//! 4. it tells Redis of the sessions whose cookies it sees, see [`seen`](super::seen).

use std::collections::{HashMap, HashSet};

use super::{
    connection::Connection,
    failure::Failure,
    flush::BATCH,
    follow, hex,
    node::{self, Node},
    scripts::{self, AccountEnd, Lasting, Standing},
    stream::{Entry, EntryId},
};
use crate::{
    clock::UnixSeconds,
    registry::{AccountId, GRACE},
    session::SessionId,
};

/// What a node has seen of Redis, so that it notices a change.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Empty before the first connection.
    epoch: String,
    instance: String,
    /// The last entry of the stream that was read.
    pub(super) seen: EntryId,
    /// Whether the stream has to be read from the beginning and completed.
    pub(super) is_doubtful: bool,
}

impl Known {
    pub(super) fn is_new(&self) -> bool {
        self.epoch.is_empty()
    }

    /// What speaks for a loss, if anything does.
    pub(super) fn sign_of_loss(&self, now: &Standing, instance: &str) -> Option<&'static str> {
        if self.is_new() {
            return None;
        }
        if now.epoch.is_empty() {
            return Some("Redis knows nothing of the registry");
        }
        if now.epoch != self.epoch {
            return Some("Redis was emptied, and another node noticed");
        }
        if !self.instance.is_empty() && !instance.is_empty() && self.instance != instance {
            return Some(
                "Redis was restarted, another server took over, or replication began anew",
            );
        }
        if now.last < self.seen {
            return Some("the stream of what has ended went back");
        }
        // Entries are removed by age alone.
        let age = (now.micros / 1000).saturating_sub(self.seen.millis);
        let kept = now.longest.saturating_add(GRACE).saturating_mul(1000);
        if !self.seen.is_none() && !now.has_seen && age < kept {
            return Some("the last entry read from Redis is not there any more");
        }
        None
    }
}

/// Looks for signs of a loss on a connection that is in use.
pub(super) async fn check(
    node: &Node,
    known: &Known,
    commands: &Connection,
) -> Result<(), Failure> {
    let standing = scripts::look(commands, &node.keys, known.seen).await?;
    node.learn(&standing);
    // A new connection sees to the rest.
    match known.sign_of_loss(&standing, commands.instance()) {
        Some(_) => Err(Failure::Lost),
        None => Ok(()),
    }
}

/// Makes a new connection fit for use: nothing that was lost may be taken for never having been.
pub(super) async fn join(
    node: &Node,
    known: &mut Known,
    commands: &mut Connection,
) -> Result<(), Failure> {
    let standing = scripts::look(commands, &node.keys, known.seen).await?;
    node.learn(&standing);
    let sign = known.sign_of_loss(&standing, commands.instance());
    let joined = scripts::join(
        commands,
        &node.keys,
        &hex::encode(&random()?),
        node.facts.longest(),
        node.facts.highest(),
        sign.is_some(),
    )
    .await?;
    for key in &joined.repaired {
        tracing::error!(
            key,
            "what stood under a key in Redis cannot have come from the registry: it is repaired. Nodes of an \
             older version may put it there again: update all of them"
        );
    }
    if joined.is_refused {
        tracing::error!("Redis refuses the highest number of a session that this node knows");
        node.facts.correct_number(joined.number);
    }
    node.facts
        .redis_says(joined.micros, joined.number, joined.asked);
    if let Some(sign) = sign {
        tracing::warn!(
            sign,
            "Redis may have lost sign-outs: what this node knows is compared with it"
        );
    } else if joined.is_marked {
        tracing::info!(
            "Redis is new to the registry, or was restarted: until every session of before has \
             expired, sign-outs of unknown sessions are kept too"
        );
    }
    if joined.is_marked {
        node.set_recovering(true);
        // Redis begins to count anew if it lost what it had counted.
        node.kept.forget();
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
    news: &Connection,
) -> Result<(), Failure> {
    // On their way, and not always known to be sessions.
    let waiting = node.queue.sessions();
    known.seen = EntryId::default();
    let mut published = Published::default();
    follow::load(node, known, news, |entry| published.add(entry)).await?;
    let now = node::now();
    let mut written = 0;
    let lacking = node.ended.sessions().into_iter();
    let lacking = lacking.filter(|(id, until)| {
        !published.sessions.contains(id)
            && !waiting.contains(id)
            && until.saturating_add(GRACE) > now
    });
    let longest = node.facts.longest();
    // They are known to the minute. That is no reason to remember all others for longer.
    let seconds = |until: UnixSeconds| until.saturating_sub(now).min(longest);
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
    let lacking = accounts.filter(|(account, number, until)| {
        published.accounts.get(account) < Some(number) && until.saturating_add(GRACE) > now
    });
    let ends: Vec<_> = lacking
        .map(|(account, number, expires_at)| AccountEnd {
            account,
            number,
            expires_at,
            seconds: seconds(expires_at),
            is_prompt: false,
        })
        .collect();
    for batch in ends.chunks(BATCH) {
        let ends = batch
            .iter()
            .map(|end| scripts::end_all(commands, &node.keys, end));
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// In milliseconds.
    const NOW: u64 = 1_700_000_000_000;
    /// In seconds.
    const LONGEST: UnixSeconds = 8 * 3600;

    fn id(millis: u64) -> EntryId {
        EntryId::parse(&format!("{millis}-0")).unwrap()
    }

    fn known() -> Known {
        Known {
            epoch: "one".to_owned(),
            instance: "first".to_owned(),
            seen: id(NOW - 1_000),
            is_doubtful: false,
        }
    }

    fn standing() -> Standing {
        Standing {
            asked: Instant::now(),
            epoch: "one".to_owned(),
            micros: NOW * 1_000,
            number: 1,
            longest: LONGEST,
            is_recovering: false,
            last: id(NOW),
            has_seen: true,
        }
    }

    #[test]
    fn nothing_speaks_for_a_loss_where_nothing_changed_or_nothing_is_known() {
        assert_eq!(known().sign_of_loss(&standing(), "first"), None);
        // A Redis that does not say who it is.
        assert_eq!(known().sign_of_loss(&standing(), ""), None);
        let nameless = Known {
            instance: String::new(),
            ..known()
        };
        assert_eq!(nameless.sign_of_loss(&standing(), "second"), None);
        let empty = Standing {
            epoch: String::new(),
            last: EntryId::default(),
            has_seen: false,
            ..standing()
        };
        assert_eq!(Known::default().sign_of_loss(&empty, "first"), None);
        // Nothing was ended so far.
        let fresh = Known {
            seen: EntryId::default(),
            ..known()
        };
        let silent = Standing {
            last: EntryId::default(),
            has_seen: false,
            ..standing()
        };
        assert_eq!(fresh.sign_of_loss(&silent, "first"), None);
    }

    #[test]
    fn each_sign_of_a_loss_is_seen_alone() {
        let emptied = Standing {
            epoch: String::new(),
            ..standing()
        };
        let noticed = Standing {
            epoch: "two".to_owned(),
            ..standing()
        };
        let gone_back = Standing {
            last: id(NOW - 2_000),
            ..standing()
        };
        // An older copy, and then longer than ever.
        let overwritten = Standing {
            has_seen: false,
            ..standing()
        };
        for (what, standing, instance) in [
            ("emptied", emptied, "first"),
            ("noticed", noticed, "first"),
            ("restarted", standing(), "second"),
            ("gone back", gone_back, "first"),
            ("overwritten", overwritten, "first"),
        ] {
            assert!(
                known().sign_of_loss(&standing, instance).is_some(),
                "{what}"
            );
        }
    }

    #[test]
    fn an_entry_that_is_old_enough_to_be_removed_is_not_missed() {
        let kept = (LONGEST + GRACE) * 1_000;
        let gone = Standing {
            has_seen: false,
            ..standing()
        };
        for (age, is_missed) in [(kept - 1, true), (kept, false)] {
            let known = Known {
                seen: id(NOW - age),
                ..known()
            };
            assert_eq!(known.sign_of_loss(&gone, "first").is_some(), is_missed);
        }
    }
}
