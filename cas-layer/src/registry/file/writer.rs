//! The thread that reads and writes the file.

use std::{
    any::Any,
    error::Error,
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
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
    identity::Identity,
    known::{Known, Unsaved},
    reader::Reader,
    store::{Closed, Store, Tables},
};
use crate::{
    clock::UnixSeconds,
    registry::{Item, Opened, RegistryError, RegistryErrorKind, Sealed, turns::Turn},
    session::SessionId,
};

/// How many jobs wait at most. With one more, the answer is an error at once.
pub(super) const QUEUE: usize = 1024;

/// How long a file that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// How long nothing is to do before the file is tidied.
const IDLE: Duration = Duration::from_secs(60);

/// Where an answer goes. Dropped without an answer if the file failed.
pub(super) type Answer<T> = oneshot::Sender<T>;

/// Something to do with the file. Done even if nobody waits for the answer any more.
#[derive(Debug)]
pub(super) enum Job {
    Open {
        id: SessionId,
        family: Option<SessionId>,
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
    identity: Identity,
    known: Arc<Known>,
    reader: Arc<Reader>,
    jobs: Receiver<Job>,
    /// `None` after a failure: redb does nothing more with a file that failed, so it is opened again.
    store: Option<Store>,
    /// What is being saved. Kept here so that it is not lost with a change that fails.
    saving: Option<Unsaved>,
    /// When the file failed the last time, and how, if it has not been written since.
    failed: Option<(Instant, String)>,
    /// Whether there may be something to tidy.
    is_untidy: bool,
}

/// What comes when there was something to wait for.
enum Next {
    /// All waiting jobs. None if something is left from before that may be tried again.
    Work(Vec<Job>),
    /// Nothing was to do for a while.
    Idle,
}

impl Writer {
    pub(super) fn new(
        (path, identity): (PathBuf, Identity),
        known: Arc<Known>,
        reader: Arc<Reader>,
        jobs: Receiver<Job>,
        store: Store,
    ) -> Self {
        reader.publish(store.database());
        Self {
            path,
            identity,
            known,
            reader,
            jobs,
            store: Some(store),
            saving: None,
            failed: None,
            is_untidy: false,
        }
    }

    /// Works until no caller can bring a job any more and the last job is done.
    pub(super) fn run(mut self) {
        while let Some(next) = self.wait() {
            match next {
                Next::Work(batch) => {
                    let failed = self.failed.as_ref();
                    let rests = failed.is_some_and(|(at, _)| at.elapsed() < RETRY);
                    if self.store.is_some() || !rests {
                        self.work(batch);
                    }
                }
                Next::Idle => self.tidy(),
            }
        }
        let moment = self.known.moment(0);
        let lags = self.store.as_ref().is_some_and(|store| store.lags(moment));
        if self.known.has_unsaved() || lags {
            self.work(Vec::new());
        }
        self.let_go();
    }

    fn wait(&self) -> Option<Next> {
        let has_unsaved = self.known.has_unsaved();
        let first = if has_unsaved || self.is_untidy {
            let patience = if has_unsaved { RETRY } else { IDLE };
            match self.jobs.recv_timeout(patience) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) if has_unsaved => {
                    return Some(Next::Work(Vec::new()));
                }
                Err(RecvTimeoutError::Timeout) => return Some(Next::Idle),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        } else {
            self.jobs.recv().ok()?
        };
        let more = self.jobs.try_iter().take(QUEUE);
        Some(Next::Work(iter::once(first).chain(more).collect()))
    }

    /// Does all of these in one change of the file, and answers. If it fails, the answers are dropped.
    fn work(&mut self, batch: Vec<Job>) {
        self.attempt(|writer| writer.write(batch));
    }

    /// Gives space back that is no longer needed.
    pub(super) fn tidy(&mut self) {
        self.is_untidy = false;
        self.attempt(|writer| {
            let Some(store) = writer
                .store
                .as_mut()
                .filter(|store| store.is_soon_compact())
            else {
                return Ok(());
            };
            writer.identity.check(&writer.path)?;
            let path = &writer.path;
            let compact = |store: &mut Store| store.compact(path);
            writer.reader.without_readers(store, compact)?;
            writer.identity.note_length(&writer.path);
            Ok(())
        });
    }

    /// Does something with the file. If it fails, the file is opened again the next time. redb panics where a file is
    /// damaged in ways that it does not expect, and this thread has to go on.
    fn attempt(&mut self, change: impl FnOnce(&mut Self) -> Result<(), RegistryError>) {
        let done = catch_unwind(AssertUnwindSafe(|| change(&mut *self)));
        let done = done.unwrap_or_else(|panic| Err(panicked(&self.path, &*panic)));
        let Err(error) = done else {
            return;
        };
        // Nobody was told that it is saved.
        if let Some(unsaved) = self.saving.take() {
            self.known.put_back(unsaved);
        }
        self.let_go();
        let text = error.to_string();
        let cause = Error::source(&error).map(ToString::to_string);
        // Said once for all that is turned away until it is written again.
        match self.failed.replace((Instant::now(), text.clone())) {
            None => tracing::error!(
                %error, cause,
                "nobody can sign in; only this process knows of new sign-outs"
            ),
            Some((_, before)) if before != text => tracing::error!(
                %error, cause,
                "the registry file is still not written"
            ),
            Some(_) => {}
        }
    }

    /// Closes the file, as far as it lets itself be closed.
    fn let_go(&mut self) {
        self.reader.withdraw();
        let store = self.store.take();
        if catch_unwind(AssertUnwindSafe(|| drop(store))).is_err() {
            tracing::error!(path = %self.path.display(), "the registry file could not be closed well");
        }
    }

    fn write(&mut self, batch: Vec<Job>) -> Result<(), RegistryError> {
        if self.store.is_none() {
            self.reopen()?;
        }
        self.identity.check(&self.path)?;
        let Some(store) = self.store.as_mut() else {
            return Ok(());
        };
        let known = &self.known;
        // The least of the clocks, so that nothing is removed too early.
        let now = batch.iter().filter_map(Job::now).min().unwrap_or_default();
        let moment = known.moment(now);
        let mut ready = Vec::new();
        let saving = &mut self.saving;
        let written = store.write(moment, |tables| {
            for job in batch {
                ready.extend(job.run(known, tables)?);
            }
            let (unsaved, overall) = known.take_unsaved();
            tables.save(saving.insert(unsaved), overall)
        });
        let written = written.map_err(|error| failure::from_redb(&self.path, error))?;
        self.saving = None;
        self.is_untidy |= written;
        self.identity.note_length(&self.path);
        if written && self.failed.take().is_some() {
            tracing::info!(path = %self.path.display(), "the registry file is written again");
        }
        for answer in ready {
            answer();
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), RegistryError> {
        // Another file may lie there by now.
        self.identity.forget_length();
        self.identity.check(&self.path)?;
        #[cfg(unix)]
        {
            guard::check_way(&self.path)?;
            guard::check_file(&self.path)?;
        }
        let store = Store::open(&self.path, &self.known)?;
        self.reader.publish(store.database());
        self.store = Some(store);
        Ok(())
    }
}

fn panicked(path: &Path, panic: &(dyn Any + Send)) -> RegistryError {
    let words = panic
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    let error = failure::about(
        path,
        RegistryErrorKind::Unavailable,
        "could not be used, and is checked now: it may be damaged",
    );
    match words {
        Some(words) => error.with_source(words),
        None => error,
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
                family,
                expires_at,
                now,
                answer,
            } => {
                let opened = match known.open(id, expires_at, now) {
                    Some(number) => {
                        tables.open(id, family, known.moment(now).of_open(expires_at))?;
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
                    // One that has ended may be among the open ones until that is saved. A message then comes too late.
                    let had_ended = known.ended.contain_id(id);
                    let begun = known.end_begun(id);
                    let opened = tables.close(id)?;
                    changed |= opened.is_some();
                    let opened = opened.filter(|_| !had_ended);
                    if let Some(Closed { expires_at, family }) = &opened {
                        // The family first: nobody sees that one of its sessions has ended and another has not.
                        if let Some(family) = *family {
                            known.end(family, known.family_expires_at(now), now);
                        }
                        known.end(id, *expires_at, now);
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
