//! Reading what has ended, and giving back what PostgreSQL has lost.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    connection::Kept,
    failure::Failure,
    known::Known,
    node::{End, Node},
    queue::{AccountEnd, Batch, Lasting},
    steady::Steady,
    steps::{self, Standing},
    sweep::Sweep,
    writer,
};
use crate::clock::Clock;

/// How long news may take where no notification comes.
const POLL: Duration = Duration::from_millis(900);

/// How long one page may take when everything is read.
pub(super) const LOAD: Duration = Duration::from_secs(10);

/// After so many ends that were read without a notification, the connection for notifications is replaced.
const DEAF: u32 = 3;

/// A node's place in what PostgreSQL tells.
#[derive(Debug)]
pub(super) struct Follower {
    connection: Kept,
    known: Known,
    steady: Steady,
}

impl Follower {
    pub(super) fn new(node: &Node) -> Self {
        Self {
            connection: Kept::new(node.pool.clone()),
            known: Known::default(),
            steady: Steady::default(),
        }
    }

    /// Looks how things stand, and reads what is new. Returns how many ends were read.
    pub(super) async fn read(&mut self, node: &Node) -> Result<usize, Failure> {
        let seen = self.known.seen.map(|(id, _)| id);
        let told = node.facts.told();
        let mut standing = steps::look(node, &mut self.connection, seen).await?;
        let sign = self.known.sign_of_loss(&standing, told);
        let mut has_entered = false;
        if self.known.epoch.is_empty() || sign.is_some() {
            if let Some(sign) = sign {
                tracing::warn!(
                    sign,
                    "PostgreSQL may have lost sign-outs: it gets back what this node knows"
                );
            }
            let instance = &standing.instance;
            steps::enter(node, &mut self.connection, instance, sign.is_some()).await?;
            node.facts.forget_told();
            self.known = Known {
                epoch: standing.epoch.clone(),
                instance: standing.instance.clone(),
                is_doubtful: sign.is_some() || self.known.is_doubtful,
                ..Known::default()
            };
            standing = steps::look(node, &mut self.connection, None).await?;
            has_entered = true;
        }
        self.known.log = standing.log;
        node.set_recovering(standing.recovering_until);
        node.saw_lifetime(standing.longest);
        if has_entered {
            // It may have lost what it was told, and may not have known the sessions of logouts because it had lost them.
            node.seen.forget();
            node.again.notify_one();
        }
        if node.facts.take_untold() {
            self.known.is_doubtful = true;
        }
        node.facts
            .database_says(standing.micros, standing.number, standing.asked);
        self.steady.note(standing.asked, standing.micros);
        let count = if self.known.is_doubtful {
            self.complete(node, &standing).await?
        } else {
            self.read_on(node, &standing, |_| ()).await?
        };
        node.facts.is_read();
        Ok(count)
    }

    async fn read_on(
        &mut self,
        node: &Node,
        standing: &Standing,
        mut each: impl FnMut(&End),
    ) -> Result<usize, Failure> {
        let mut count = 0;
        while self.known.seq < standing.last_end {
            let page = steps::read(node, &mut self.connection, self.known.seq, LOAD).await?;
            let Some(&(seq, _)) = page.last() else {
                // The last ones were forgotten or have a higher number by now.
                self.known.seq = standing.last_end;
                break;
            };
            // By the earlier of two clocks, so that one that is wrong makes nobody forget too early.
            let now = Clock::System.now().min(standing.micros / 1_000_000);
            for (_, end) in &page {
                node.apply(*end, now);
                each(end);
            }
            count += page.len();
            self.known.seq = seq;
            self.known.seen = page.last().map(|(_, end)| match *end {
                End::Session { id, expires_at } => (*id.as_bytes(), expires_at),
                End::Account {
                    account,
                    expires_at,
                    ..
                } => (*account.as_bytes(), expires_at),
            });
        }
        Ok(count)
    }

    /// Reads everything, and writes what this node knows and PostgreSQL does not.
    async fn complete(&mut self, node: &Node, standing: &Standing) -> Result<usize, Failure> {
        self.known.seq = 0;
        let mut there = HashSet::new();
        let count = self
            .read_on(node, standing, |end| {
                if let End::Session { id, .. } = end {
                    there.insert(*id);
                }
            })
            .await?;
        let now = Clock::System.now();
        let missing: Vec<_> = node
            .ended
            .sessions()
            .into_iter()
            .filter(|(id, _)| !there.contains(id))
            .map(|(id, expires_at)| Lasting {
                id,
                expires_at,
                seconds: node.ended.left(expires_at, now),
            })
            .collect();
        drop(there);
        let accounts: Vec<_> = node
            .ended
            .accounts()
            .into_iter()
            .map(|(account, number, expires_at)| AccountEnd {
                account,
                number,
                expires_at,
                seconds: node.ended.left(expires_at, now),
                is_prompt: false,
            })
            .collect();
        let told = missing.len() + accounts.len();
        for sessions in missing.chunks(writer::BATCH) {
            let batch = Batch {
                sessions: sessions.to_vec(),
                ..Batch::default()
            };
            steps::finish(node, &batch).await?;
        }
        for accounts in accounts.chunks(writer::BATCH) {
            let batch = Batch {
                accounts: accounts.to_vec(),
                ..Batch::default()
            };
            steps::finish(node, &batch).await?;
        }
        self.known.is_doubtful = false;
        if told > 0 {
            tracing::info!(told, "PostgreSQL was told again what this node knows");
        }
        Ok(count)
    }
}

/// Follows PostgreSQL for ever.
pub(super) async fn run(node: &Node, mut follower: Follower) {
    let mut complaint = String::new();
    let mut lost_at = Instant::now();
    let mut unheard = 0;
    let mut sweep = Sweep::new();
    loop {
        let is_heard = timeout(POLL, node.ears.news.notified()).await.is_ok();
        match follower.read(node).await {
            Ok(count) => {
                if node.facts.set_away(false) {
                    complaint.clear();
                    node.again.notify_one();
                    tracing::info!(
                        after_seconds = lost_at.elapsed().as_secs(),
                        waiting = node.queue.len(),
                        "in touch with PostgreSQL again"
                    );
                }
                unheard = match (is_heard, count) {
                    (true, _) => 0,
                    (false, 0) => unheard,
                    (false, _) => unheard + 1,
                };
                if unheard >= DEAF {
                    unheard = 0;
                    tracing::warn!(
                        "notifications of PostgreSQL do not arrive: sign-outs at other nodes take up to a second"
                    );
                    node.ears.is_deaf.notify_one();
                }
            }
            Err(failure) => {
                if node.facts.set_away(true) {
                    lost_at = Instant::now();
                }
                let failure = failure.to_string();
                if failure != complaint {
                    tracing::warn!(
                        error = failure,
                        "lost touch with PostgreSQL: requests are served from what is known, and sign-outs wait"
                    );
                    complaint = failure;
                }
                continue;
            }
        }
        if sweep.is_due()
            && let Some(before) = follower.steady.seconds(Instant::now())
        {
            sweep.run(node, before.min(Clock::System.now())).await;
        }
    }
}
