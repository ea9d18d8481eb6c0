//! A registry of your own, for many nodes: it keeps sessions in a database, which a map stands for here. What it has to do
//! is in the documentation of `cas_layer::registry::Registry`; the test at the end tries whether it does.
//!
//! This database never fails. Where yours does, calls fail within a second, `end` and `end_all` are told to it again later,
//! and `is_current` says when the feed of ends is late.
//!
//! `cargo test -p cas-layer --features testing --example own_registry`

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cas_layer::{
    CasConfig, Key, SessionId,
    registry::{
        AccountId, EndedSessions, GRACE, LONGEST, LogoutSender, Opened, Registry, RegistryError,
        RegistryErrorKind, RegistryFuture, UnixSeconds, next_number,
    },
};
use tokio::{
    runtime::Handle,
    sync::broadcast::{self, error::RecvError},
    task::{AbortHandle, yield_now},
};

/// How long the app's sessions last, in seconds: 8 hours, the layer's default.
const LIFETIME: UnixSeconds = 8 * 3600;

/// The database. Each access is a transaction of its own.
#[derive(Debug)]
struct Database {
    tables: Mutex<Tables>,
    /// Tells all nodes what has ended, and the time.
    feed: broadcast::Sender<(End, UnixSeconds)>,
}

#[derive(Debug, Default)]
struct Tables {
    begun: HashMap<SessionId, Begun>,
    /// Until when each session is open.
    open: HashMap<SessionId, Term>,
    /// What has ended by itself, and when it would have expired.
    ended: HashMap<SessionId, Term>,
    /// Up to which number an account's sessions have ended, and when the last of them would have expired.
    accounts: HashMap<AccountId, (u64, Term)>,
    last_number: u64,
}

/// When something expires, and when it may be deleted: by the clock of the database, not by that of a node, which may be
/// wrong for a while.
#[derive(Clone, Copy, Debug)]
struct Term {
    expires_at: UnixSeconds,
    delete_at: Instant,
}

impl Term {
    /// What is left of it, by the clock of the node, is counted from now on. For an end it is as much as a session of
    /// this app lasts: a clock that is ahead may say that nothing is left.
    fn new(expires_at: UnixSeconds, now: UnixSeconds, least: UnixSeconds) -> Self {
        let seconds = expires_at.saturating_sub(now).clamp(least, LONGEST);
        Self {
            expires_at,
            delete_at: Instant::now() + Duration::from_secs(seconds + GRACE),
        }
    }

    fn or_later(self, other: Self) -> Self {
        Self {
            expires_at: self.expires_at.max(other.expires_at),
            delete_at: self.delete_at.max(other.delete_at),
        }
    }
}

#[derive(Debug)]
struct Begun {
    callbacks: u32,
    has_ended: bool,
    until: Instant,
}

/// Something that has ended, and when it would have expired.
#[derive(Clone, Copy, Debug)]
enum End {
    Session(SessionId, UnixSeconds),
    Account(AccountId, u64, UnixSeconds),
}

impl Database {
    fn new() -> Self {
        Self {
            tables: Mutex::default(),
            feed: broadcast::channel(1_024).0,
        }
    }

    async fn transaction(&self) -> MutexGuard<'_, Tables> {
        // The way to the database.
        yield_now().await;
        lock(&self.tables)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tables {
    /// Ends a session for good.
    fn end(&mut self, id: SessionId, expires_at: UnixSeconds, now: UnixSeconds) {
        self.open.remove(&id);
        let new = Term::new(expires_at, now, LIFETIME);
        let known = self.ended.entry(id).or_insert(new);
        *known = known.or_later(new);
    }

    fn next_number(&mut self, now: UnixSeconds) -> u64 {
        self.last_number = next_number(self.last_number, now);
        self.last_number
    }

    /// One more callback is on its way.
    fn begin(&mut self, id: SessionId, lasts: Duration) {
        let begun = self.begun.entry(id).or_insert(Begun {
            callbacks: 0,
            has_ended: false,
            until: Instant::now(),
        });
        begun.callbacks += 1;
        begun.until = begun.until.max(Instant::now() + lasts);
    }

    /// One callback less is on its way. Says whether it was, and whether a logout came for it.
    fn take_back(&mut self, id: SessionId) -> Option<bool> {
        let begun = self.begun.get_mut(&id)?;
        begun.callbacks = begun.callbacks.saturating_sub(1);
        let has_ended = begun.has_ended;
        // What a logout was answered for is remembered until the validation would be over.
        if begun.callbacks == 0 && !has_ended {
            self.begun.remove(&id);
        }
        Some(has_ended)
    }

    /// Deletes what has expired. A database does that now and then, with an index.
    fn tidy(&mut self) {
        let now = Instant::now();
        self.begun.retain(|_, begun| begun.until > now);
        self.open.retain(|_, term| term.delete_at > now);
        self.ended.retain(|_, term| term.delete_at > now);
        self.accounts.retain(|_, (_, term)| term.delete_at > now);
    }

    fn ends(&self) -> Vec<End> {
        let sessions = self
            .ended
            .iter()
            .map(|(&id, term)| End::Session(id, term.expires_at));
        let accounts = self.accounts.iter();
        let accounts =
            accounts.map(|(&id, &(number, term))| End::Account(id, number, term.expires_at));
        sessions.chain(accounts).collect()
    }
}

/// What a node tells the database. A node's changes are made in the order of the calls, even if a caller no longer
/// waits. So `abandon` never takes back a `begin` that comes later.
#[derive(Debug)]
enum Change {
    Begin(SessionId, Duration),
    Abandon(SessionId),
    End(SessionId, UnixSeconds, UnixSeconds),
    /// With a number that is the lowest.
    EndAll(AccountId, u64, UnixSeconds, UnixSeconds),
}

#[derive(Debug)]
struct Node {
    database: Arc<Database>,
    /// What every request asks: in memory.
    ended: EndedSessions,
    /// What the database is to be told. Where yours can be away, this needs a bound.
    changes: Mutex<Vec<Change>>,
}

impl Node {
    /// A transaction in which everything that the node wanted before has been done.
    async fn transaction(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.database.transaction().await;
        for change in mem::take(&mut *lock(&self.changes)) {
            match change {
                Change::Begin(id, lasts) => tables.begin(id, lasts),
                Change::Abandon(id) => drop(tables.take_back(id)),
                Change::End(id, expires_at, now) => {
                    tables.end(id, expires_at, now);
                    self.tell(End::Session(id, expires_at), now);
                }
                Change::EndAll(account, lowest, expires_at, now) => {
                    tables.last_number = tables.last_number.max(lowest);
                    let number = tables.next_number(now);
                    let new = Term::new(expires_at, now, LIFETIME);
                    let (_, known) = tables.accounts.get(&account).copied().unwrap_or((0, new));
                    let term = known.or_later(new);
                    tables.accounts.insert(account, (number, term));
                    self.tell(End::Account(account, number, term.expires_at), now);
                }
            }
        }
        tables
    }

    /// Within a transaction: here at once, and on all nodes soon.
    fn tell(&self, end: End, now: UnixSeconds) {
        self.note(end, now);
        // Nobody may listen.
        let _ = self.database.feed.send((end, now));
    }

    fn note(&self, end: End, now: UnixSeconds) {
        match end {
            End::Session(id, expires_at) => self.ended.end(id, expires_at, now),
            End::Account(id, number, expires_at) => self.ended.end_all(id, number, expires_at, now),
        }
    }

    async fn note_all(&self) {
        let all = self.database.transaction().await.ends();
        for end in all {
            // At no time: none of them is forgotten for another.
            self.note(end, 0);
        }
    }

    async fn listen(&self, mut feed: broadcast::Receiver<(End, UnixSeconds)>) {
        loop {
            match feed.recv().await {
                Ok((end, now)) => self.note(end, now),
                Err(RecvError::Lagged(_)) => self.note_all().await,
                Err(RecvError::Closed) => break,
            }
        }
    }
}

/// One node's registry.
#[derive(Debug)]
struct DatabaseRegistry {
    node: Arc<Node>,
    listening: AbortHandle,
    runtime: Handle,
}

impl Drop for DatabaseRegistry {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl DatabaseRegistry {
    async fn connect(database: Arc<Database>) -> Self {
        // Before the ends of before are read, so that none is missed.
        let feed = database.feed.subscribe();
        let node = Arc::new(Node {
            database,
            ended: EndedSessions::new(),
            changes: Mutex::default(),
        });
        node.ended.saw_lifetime(LIFETIME);
        node.note_all().await;
        let listening = {
            let node = Arc::clone(&node);
            tokio::spawn(async move { node.listen(feed).await })
        };
        Self {
            node,
            listening: listening.abort_handle(),
            runtime: Handle::current(),
        }
    }

    /// Makes a change, also when nobody waits for it any more.
    fn make(&self, change: Change) -> RegistryFuture<'static, ()> {
        lock(&self.node.changes).push(change);
        let node = Arc::clone(&self.node);
        let made = self
            .runtime
            .spawn(async move { drop(node.transaction().await) });
        Box::pin(async move {
            let lost = |_| RegistryError::new(RegistryErrorKind::Unavailable, "shutting down");
            made.await.map_err(lost)
        })
    }
}

impl Registry for DatabaseRegistry {
    fn begin(&self, id: SessionId, lasts: Duration) -> RegistryFuture<'_, ()> {
        self.make(Change::Begin(id, lasts))
    }

    fn abandon(&self, id: SessionId) {
        drop(self.make(Change::Abandon(id)));
    }

    fn open(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Opened> {
        Box::pin(async move {
            let mut tables = self.node.transaction().await;
            tables.tidy();
            let Some(has_ended) = tables.take_back(id) else {
                // It took so long that a logout may have been missed.
                let message = "nobody knows that this sign-in had begun";
                return Err(RegistryError::new(RegistryErrorKind::Unavailable, message));
            };
            if has_ended || tables.ended.contains_key(&id) {
                tables.end(id, expires_at, now);
                self.node.tell(End::Session(id, expires_at), now);
                return Ok(Opened::Ended);
            }
            let new = Term::new(expires_at, now, 0);
            let known = tables.open.entry(id).or_insert(new);
            *known = known.or_later(new);
            let number = tables.next_number(now);
            Ok(Opened::Live { number })
        })
    }

    fn end(
        &self,
        id: SessionId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        // Here at once, whatever becomes of the database.
        self.node.note(End::Session(id, expires_at), now);
        self.make(Change::End(id, expires_at, now))
    }

    fn end_if_opened(
        &self,
        ids: Vec<SessionId>,
        _: LogoutSender,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, Vec<SessionId>> {
        Box::pin(async move {
            let mut tables = self.node.transaction().await;
            let end = |&id: &SessionId| {
                if let Some(Term { expires_at, .. }) = tables.open.remove(&id) {
                    tables.end(id, expires_at, now);
                    self.node.tell(End::Session(id, expires_at), now);
                    return true;
                }
                let is_over = tables.ended.contains_key(&id);
                let begun = tables.begun.get_mut(&id).filter(|_| !is_over);
                begun.is_some_and(|begun| !mem::replace(&mut begun.has_ended, true))
            };
            Ok(ids.into_iter().filter(end).collect())
        })
    }

    fn end_all(
        &self,
        account: AccountId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> RegistryFuture<'_, ()> {
        // Here at once, as far as this node can tell. The database's number is no lower.
        let lowest = next_number(0, now);
        self.node
            .note(End::Account(account, lowest, expires_at), now);
        self.make(Change::EndAll(account, lowest, expires_at, now))
    }

    fn ended(&self) -> &EndedSessions {
        &self.node.ended
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = DatabaseRegistry::connect(Arc::new(Database::new())).await;
    let config = CasConfig::builder("https://cas.example.org/cas", "https://app.example.org")
        .key(Key::generate()) // in production the same key on all nodes
        .registry(registry)
        .build()?;
    println!("{config:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use cas_layer::testing::{RegistryStore, registry_contract};

    use super::*;

    struct Store(Arc<Database>);

    impl RegistryStore for Store {
        async fn node(&self) -> Arc<dyn Registry> {
            Arc::new(DatabaseRegistry::connect(Arc::clone(&self.0)).await)
        }

        fn is_shared(&self) -> bool {
            true
        }

        async fn forgets(&self, id: SessionId) {
            while self.0.transaction().await.begun.contains_key(&id) {}
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_contract_is_kept() {
        registry_contract(async || Store(Arc::new(Database::new()))).await;
    }
}
