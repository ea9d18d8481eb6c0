//! The registry of a process that may crash.

mod create;
mod failure;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
#[cfg(unix)]
mod guard;
mod identity;
mod known;
mod reader;
mod storage;
mod store;
mod sweep;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    convert::Infallible,
    fmt, future, io,
    path::{self, Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use self::{
    identity::Identity,
    known::Known,
    reader::Reader,
    store::Store,
    writer::{Answer, Job, QUEUE, Writer},
};
use super::{
    AccountId, EndedSessions, GrantPairs, LONGEST, LogoutSender, Opened, ProxyGrants, Registry,
    RegistryError, RegistryErrorKind, RegistryFuture, SessionFamilies, SessionStorage,
    turns::Turns,
};
use crate::{clock::UnixSeconds, session::SessionId};

/// How long an answer is waited for, unless the app says something else.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How many read at once what is kept. On a disk that is stuck, more threads would only be stuck too.
const READS: usize = 16;

/// Remembers in a file which sessions were opened and which have ended.
///
/// - What was answered is on the disk. After a crash, even by `kill -9`, or a power cut, every signed-out session stays
///   signed out, and a single logout can still end every open one. A sign-in or sign-out that was not answered yet may
///   or may not have happened.
/// - Only one process can have the file open; in another one, [`open`](Self::open) returns an error. On a file system
///   without locks, such as some network file systems, nothing guards against a second process.
/// - A damaged file is reported and left to the operator. The registry never replaces it with a new one.
/// - A file that comes to harm while it is open (overwritten, cut short, deleted, replaced by another one) is treated like
///   one that cannot be written, see below. Before each change the registry looks whether the file under its name is
///   still the one that it opened (device and inode, on Unix), and as long as it left it. It tries again with the next
///   call, at most once a second. When the file is there again, or an older copy has been written over it, everything
///   that this process knows to have ended is saved there, and sign-ins work without a restart. Sessions that an older
///   copy does not have as open are not found by a single logout. Damage to pages that the process has in memory is
///   found at the next start.
/// - A check whether a session has ended takes no I/O: ended sessions are in memory too, at most 56 bytes each. Open
///   sessions are only in the file.
/// - An hour after a session expires, its entry leaves the file in passing, at the earliest. The file takes 50 to 90 bytes
///   for each session, open or ended, as much again for the family of an open one. Space that is no longer needed
///   is given back when the file is opened, or after a minute without work if at most 16 MiB of it are in use.
/// - A clock that is wrong for a while, or at a start, revives nobody and hides no open session from a logout. Entries
///   are forgotten by two clocks, as [`EndedSessions`] says; an open session when the clock says that it expired an
///   hour ago, and processes have run with this file for its lifetime and an hour since it was opened. The file counts for
///   how long they have run, so restarts and times without a process keep entries for longer, and never too short. A
///   process that ends well loses less than a minute of the count, and a crash what came after the last entry.
/// - To find out whether a logout request names a session, the registry only reads. So what strangers send is not
///   written, and does not wait where sign-ins do.
/// - What is kept for open sessions is in the file, sealed, and survives as the sessions do: proxy-granting tickets,
///   and attributes that are too large for a cookie. All of it together has at most 256 MiB of sealed bytes. Beyond that, a user
///   whose session does not fit into a cookie gets a 503. Pairs that wait to be collected are in memory.
/// - While the file cannot be written (a full disk, damage), nobody is signed in: visitors get a 503. A sign-out holds
///   for this process and is saved when the file can be written again; a browser's sign-out goes on, and the log says
///   that it is not remembered. A single logout is answered with an error. The log says when this begins, why, and when
///   it ends.
///
/// Clones share the file. One thread reads and writes it, and writes together what arrives at the same time. Dropping
/// the last clone waits until everything is written and the file is closed, for a second at most.
#[derive(Clone)]
pub struct FileRegistry {
    inner: Arc<Inner>,
    timeout: Duration,
}

struct Inner {
    path: PathBuf,
    known: Arc<Known>,
    reader: Arc<Reader>,
    /// Of messages from the network.
    turns: Turns,
    /// Of those who read what is kept.
    reads: Arc<Semaphore>,
    pairs: GrantPairs,
    // Dropped before `thread`, which ends when nobody can bring a job any more.
    jobs: SyncSender<Job>,
    _thread: Thread,
}

/// The thread that writes. Waits for its end when dropped.
struct Thread {
    /// Says that it has ended by being closed.
    running: Mutex<Receiver<Infallible>>,
}

impl FileRegistry {
    /// Opens the file at `path`. If there is no file, makes one that only its owner can read and write (mode 0600).
    /// Its directory has to exist.
    ///
    /// On Unix, this checks who else can get at the file, including links on the way. A user who can write to the
    /// file, or put another in its place, can make signed-out sessions good again:
    ///
    /// | what | what follows |
    /// | --- | --- |
    /// | the group or others may write to the file | refused |
    /// | the file, or a link to it, belongs to another user, other than root | refused |
    /// | everybody may write to a directory on the way, and it is not sticky as `/tmp` is | refused |
    /// | the group may write to such a directory, or it belongs to another user | a warning in the log |
    /// | the group or others may read the file: names of sessions, and what is kept for them, sealed | a warning in the log |
    ///
    /// In Kubernetes, `fsGroup` makes files of a volume writable for a group whenever it is mounted;
    /// `fsGroupChangePolicy: OnRootMismatch` leaves them as they are.
    ///
    /// Blocks: it reads and checks the whole file, and makes it smaller if much of it is free. Call it when the process
    /// starts.
    ///
    /// # Errors
    /// All of them name the file.
    /// - [`RegistryErrorKind::InUse`]: another process, or another registry of this one, has it open.
    /// - [`RegistryErrorKind::Damaged`]: it is empty, cut short, altered, or not a registry's file.
    /// - [`RegistryErrorKind::Unusable`]: it cannot be opened or made, is not a regular file, can be written by
    ///   others (see above), is another program's redb database, or was written by a version of this crate with
    ///   another format.
    /// - [`RegistryErrorKind::Unavailable`]: any other error of the system, such as a full disk.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RegistryError> {
        let path = path.as_ref();
        // The working directory may change, and the file may have to be opened again.
        let path = path::absolute(path).map_err(|error| failure::from_io(path, error))?;
        #[cfg(unix)]
        guard::check_way(&path)?;
        create::create_if_missing(&path)?;
        #[cfg(unix)]
        guard::check_file(&path)?;
        let known = Arc::new(Known::default());
        // Refuses what is not a file, such as a pipe, before that is opened here.
        let mut store = Store::open(&path, &known)?;
        let identity = Identity::of(&path)?;
        identity.check(&path)?;
        store.compact(&path)?;
        Self::start(path, known, store, identity)
    }

    /// How long a call waits for the disk. After that it fails with [`RegistryErrorKind::Unavailable`], and the visitor is
    /// answered 503; what was to be written is written all the same. Holds for this handle and the clones that are made of
    /// it. The default value is one second.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Starts the thread that writes.
    fn start(
        path: PathBuf,
        known: Arc<Known>,
        store: Store,
        identity: Identity,
    ) -> Result<Self, RegistryError> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let reader = Arc::new(Reader::default());
        let shared = (Arc::clone(&known), Arc::clone(&reader));
        let file = (path.clone(), identity);
        let writer = Writer::new(file, shared.0, shared.1, queue, store);
        let thread = Thread::start(writer).map_err(|error| failure::from_io(&path, error))?;
        let inner = Inner {
            path,
            known,
            reader,
            turns: Turns::new(),
            reads: Arc::new(Semaphore::new(READS)),
            pairs: GrantPairs::default(),
            jobs,
            _thread: thread,
        };
        Ok(Self {
            inner: Arc::new(inner),
            timeout: TIMEOUT,
        })
    }

    /// Ends what a message from the network names. It finds out by reading alone whether there is anything to end,
    /// for a few messages at once. So what strangers send does not wait to be written where sign-ins do.
    async fn end_named(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> Result<Vec<SessionId>, RegistryError> {
        let turn = self.inner.turns.take(sender).await?;
        let (known, reader) = (
            Arc::clone(&self.inner.known),
            Arc::clone(&self.inner.reader),
        );
        // The turn goes along: a caller that gives up keeps it until the disk has answered.
        let found = spawn_blocking(move || match reader.find(&known, &ids) {
            Some(found) => (found, turn),
            None => (ids, turn),
        });
        let (ids, turn) = found.await.map_err(|error| {
            let message = "nobody looked for a session that is to end";
            RegistryError::new(RegistryErrorKind::Unavailable, message).with_source(error)
        })?;
        if ids.is_empty() {
            return Ok(ids);
        }
        self.ask(move |answer| Job::EndIfOpened {
            ids,
            now,
            turn,
            answer,
        })
        .await
    }

    async fn open_session(
        &self,
        family: Option<SessionId>,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Opened, RegistryError> {
        let opened = self.ask(|answer| Job::Open {
            id,
            family,
            expires_at,
            now,
            answer,
        });
        let opened = opened.await?;
        // Not before: a caller that drops this future abandons the session.
        self.inner.known.finish(id);
        Ok(opened)
    }

    /// Has a job done, and waits for its answer.
    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, RegistryError> {
        let (answer, answered) = oneshot::channel();
        let unavailable = |what| RegistryError::new(RegistryErrorKind::Unavailable, what);
        self.inner.jobs.try_send(job(answer)).map_err(|error| {
            unavailable(match error {
                TrySendError::Full(_) => "too much waits for the registry file to be written",
                TrySendError::Disconnected(_) => "the registry file is not written any more",
            })
        })?;
        match timeout(self.timeout, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            // The log says why.
            Ok(Err(_)) => Err(unavailable("the registry file could not be written")),
            Err(_) => Err(unavailable("writing the registry file takes too long")),
        }
    }
}

impl Registry for FileRegistry {
    fn begin(&self, id: SessionId, _: Duration) -> RegistryFuture<'_, ()> {
        self.inner.known.begin(id);
        Box::pin(future::ready(Ok(())))
    }

    fn abandon(&self, id: SessionId) {
        self.inner.known.finish(id);
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        Box::pin(self.open_session(None, id, expires_at, now))
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        Box::pin(async move {
            self.inner.known.end(id, expires_at, now);
            self.ask(|answer| Job::Save { now, answer }).await
        })
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        sender: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        Box::pin(async move {
            let ended = timeout(self.timeout, self.end_named(ids, sender, now)).await;
            ended.unwrap_or_else(|_| {
                let message = "ending a session in the registry file takes too long";
                Err(RegistryError::new(RegistryErrorKind::Unavailable, message))
            })
        })
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        // The app may have had a longer lifetime when the sessions were opened.
        let expires_at = expires_at.max(now.saturating_add(LONGEST));
        Box::pin(async move {
            self.inner.known.end_all(account, expires_at, now);
            self.ask(|answer| Job::Save { now, answer }).await
        })
    }

    fn ended(&self) -> &EndedSessions {
        &self.inner.known.ended
    }

    fn proxy_grants(&self) -> Option<&dyn ProxyGrants> {
        Some(&self.inner.pairs)
    }

    fn families(&self) -> Option<&dyn SessionFamilies> {
        Some(self)
    }

    fn storage(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }
}

impl SessionFamilies for FileRegistry {
    fn open_in(
        &self,
        family: SessionId,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        Box::pin(self.open_session(Some(family), id, expires_at, now))
    }
}

impl fmt::Debug for FileRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRegistry")
            .field("path", &self.inner.path)
            .field("ended", self.ended())
            .finish_non_exhaustive()
    }
}

impl Thread {
    fn start(writer: Writer) -> io::Result<Self> {
        let (running, ended) = mpsc::channel();
        thread::Builder::new()
            .name("cas-registry".into())
            .spawn(move || {
                // The file is closed when this returns.
                writer.run();
                drop(running);
            })?;
        Ok(Self {
            running: Mutex::new(ended),
        })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        let running = self.running.get_mut();
        let running = running.unwrap_or_else(PoisonError::into_inner);
        // On a disk that is stuck it goes on alone.
        let _ = running.recv_timeout(TIMEOUT);
    }
}
