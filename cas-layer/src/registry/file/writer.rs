//! The thread that reads and writes the file.

use std::{
    error::Error,
    iter,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

#[cfg(unix)]
use super::guard;
use super::{
    failure,
    known::Known,
    reader::Reader,
    store::{Store, Tables},
};
use crate::{
    clock::UnixSeconds,
    registry::{Item, Opened, RegistryError, Sealed, turns::Turn},
    session::SessionId,
};

/// How many jobs wait at most. With one more, the answer is an error at once.
pub(super) const QUEUE: usize = 1024;

/// How long a file that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// Where an answer goes. Dropped without an answer if the file failed.
pub(super) type Answer<T> = oneshot::Sender<T>;

/// Something to do with the file. Done even if nobody waits for the answer any more.
#[derive(Debug)]
pub(super) enum Job {
    Open {
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
        answer: Answer<Opened>,
    },
    EndIfOpened {
        ids: Vec<SessionId>,
        now: UnixSeconds,
        /// Kept until it is answered, so that no more of these wait than have a turn.
        turn: Turn,
        answer: Answer<Vec<SessionId>>,
    },
    /// Saves what has ended in memory.
    Save {
        now: UnixSeconds,
        answer: Answer<()>,
    },
    /// Keeps something for a session.
    Keep {
        id: SessionId,
        item: Item,
        sealed: Sealed,
        now: UnixSeconds,
        answer: Answer<Result<bool, RegistryError>>,
    },
    Forget {
        id: SessionId,
        item: Item,
        answer: Answer<()>,
    },
}

/// An answer that may be given once the file is written.
type Ready = Box<dyn FnOnce()>;

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    known: Arc<Known>,
    reader: Arc<Reader>,
    jobs: Receiver<Job>,
    /// `None` after a failure: redb does nothing more with a file that failed, so it is opened again.
    store: Option<Store>,
    /// When the file failed the last time, if it has not been written since.
    failed_at: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        known: Arc<Known>,
        reader: Arc<Reader>,
        jobs: Receiver<Job>,
        store: Store,
    ) -> Self {
        reader.publish(store.database());
        Self {
            path,
            known,
            reader,
            jobs,
            store: Some(store),
            failed_at: None,
        }
    }

    /// Works until no caller can bring a job any more and the last job is done.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.wait() {
            let rests = self.failed_at.is_some_and(|at| at.elapsed() < RETRY);
            if self.store.is_some() || !rests {
                self.work(batch);
            }
        }
        if self.known.has_unsaved() {
            self.work(Vec::new());
        }
        self.reader.withdraw();
    }

    /// All waiting jobs. Empty if something is left from before that may be tried again.
    fn wait(&self) -> Option<Vec<Job>> {
        let first = if self.known.has_unsaved() {
            match self.jobs.recv_timeout(RETRY) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        } else {
            self.jobs.recv().ok()?
        };
        let more = self.jobs.try_iter().take(QUEUE);
        Some(iter::once(first).chain(more).collect())
    }

    /// Does all of these in one change of the file, and answers. If it fails, the answers are dropped.
    fn work(&mut self, batch: Vec<Job>) {
        let Err(error) = self.write(batch) else {
            return;
        };
        self.reader.withdraw();
        self.store = None;
        // Said once for all that is turned away until it is written again.
        if self.failed_at.replace(Instant::now()).is_none() {
            let cause = Error::source(&error).map(ToString::to_string);
            tracing::error!(
                %error, cause,
                "nobody can sign in; only this process knows of new sign-outs"
            );
        }
    }

    fn write(&mut self, batch: Vec<Job>) -> Result<(), RegistryError> {
        let store = if let Some(store) = self.store.take() {
            store
        } else {
            // Another file may lie there by now.
            #[cfg(unix)]
            {
                guard::check_way(&self.path)?;
                guard::check_file(&self.path)?;
            }
            let store = Store::open(&self.path, &self.known)?;
            self.reader.publish(store.database());
            store
        };
        let store = self.store.insert(store);
        let known = &self.known;
        // The least of the clocks, so that nothing is removed too early.
        let now = batch.iter().filter_map(Job::now).min().unwrap_or_default();
        let mut ready = Vec::new();
        let mut saving = None;
        let written = store.write(now, |tables| {
            for job in batch {
                ready.extend(job.run(known, tables)?);
            }
            let (unsaved, number) = known.take_unsaved();
            tables.save(saving.insert(unsaved), number)
        });
        match written {
            Ok(written) => {
                if written && self.failed_at.take().is_some() {
                    tracing::info!(path = %self.path.display(), "the registry file is written again");
                }
                for answer in ready {
                    answer();
                }
                Ok(())
            }
            Err(error) => {
                if let Some(unsaved) = saving {
                    known.put_back(unsaved);
                }
                Err(failure::from_redb(&self.path, error))
            }
        }
    }
}

impl Job {
    fn now(&self) -> Option<UnixSeconds> {
        match *self {
            Self::Open { now, .. }
            | Self::EndIfOpened { now, .. }
            | Self::Save { now, .. }
            | Self::Keep { now, .. } => Some(now),
            Self::Forget { .. } => None,
        }
    }

    /// Does it within a change of the file. Returns the answer, or gives it where nothing has to be written.
    pub(super) fn run(
        self,
        known: &Known,
        tables: &mut Tables<'_>,
    ) -> Result<Option<Ready>, redb::Error> {
        match self {
            Self::Open {
                id,
                expires_at,
                now,
                answer,
            } => {
                let opened = match known.open(id, expires_at, now) {
                    Some(number) => {
                        tables.open(id, expires_at)?;
                        Opened::Live { number }
                    }
                    None => Opened::Ended,
                };
                Ok(Some(ready(answer, opened)))
            }
            Self::EndIfOpened {
                ids,
                now,
                turn,
                answer,
            } => {
                let (mut ended, mut changed) = (Vec::new(), false);
                for id in ids {
                    let begun = known.end_begun(id);
                    let opened = tables.close(id)?;
                    if let Some(expires_at) = opened {
                        known.end(id, expires_at, now);
                        changed = true;
                    }
                    if begun || opened.is_some() {
                        ended.push(id);
                    }
                }
                let answer = ready(answer, ended);
                let answer: Ready = Box::new(move || {
                    answer();
                    drop(turn);
                });
                if changed {
                    return Ok(Some(answer));
                }
                // Does not wait for the sign-ins that it came with.
                answer();
                Ok(None)
            }
            Self::Save { answer, .. } => Ok(Some(ready(answer, ()))),
            Self::Keep {
                id,
                item,
                sealed,
                now,
                answer,
            } => {
                // One that has ended may be among the open ones until that is saved.
                let kept = if known.ended.contain_id(id) {
                    Ok(false)
                } else {
                    tables.keep(id, item, &sealed, now)?
                };
                Ok(Some(ready(answer, kept)))
            }
            Self::Forget { id, item, answer } => {
                tables.forget(id, item)?;
                Ok(Some(ready(answer, ())))
            }
        }
    }
}

fn ready<T: 'static>(answer: Answer<T>, value: T) -> Ready {
    Box::new(move || {
        // Nobody waits any more: it is done all the same.
        let _ = answer.send(value);
    })
}
