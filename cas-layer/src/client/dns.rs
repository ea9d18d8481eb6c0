//! Looks names up, so that name servers that say nothing hold up as little as possible.
//!
//! The operating system's look-up blocks its thread, and cannot be stopped. So there is one at a time for each name, in a
//! thread of its own: the runtime's threads for blocking work stay free, and so does its end.

use std::{
    collections::HashMap,
    error::Error,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::watch, time::timeout};

use crate::seldom::{Seldom, seldom};

/// How long an answer counts without another look-up.
const FRESH: Duration = Duration::from_secs(30);

/// How long a look-up may take before an older answer is used.
const PATIENCE: Duration = Duration::from_secs(1);

/// How old an answer may be that is used instead.
const USABLE: Duration = Duration::from_secs(3600);

/// Looks up a name, and blocks meanwhile.
type LookUp = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

type Answer = Result<Arc<[SocketAddr]>, Arc<io::Error>>;

static LAST_USED: Seldom = Seldom::new();

/// The addresses of names.
pub(super) struct Resolver(Arc<Names>);

struct Names {
    look_up: Box<LookUp>,
    times: Times,
    /// Those of the CAS server and of outgoing proxies, so there are few.
    known: Mutex<HashMap<String, Entry>>,
}

#[derive(Clone, Copy)]
struct Times {
    fresh: Duration,
    patience: Duration,
    usable: Duration,
}

#[derive(Default)]
struct Entry {
    last: Option<Known>,
    asking: Option<Asking>,
}

struct Known {
    addresses: Arc<[SocketAddr]>,
    since: Instant,
}

/// A look-up under way.
#[derive(Clone)]
struct Asking {
    since: Instant,
    answer: watch::Receiver<Option<Answer>>,
}

/// What is known of a name.
enum Found {
    Fresh(Arc<[SocketAddr]>),
    /// The last answer, if it may still be used, and the look-up of the next one.
    Asking(Option<Arc<[SocketAddr]>>, Asking),
}

impl Resolver {
    /// Asks the operating system, so its files and settings count.
    pub(super) fn new() -> Self {
        let times = Times {
            fresh: FRESH,
            patience: PATIENCE,
            usable: USABLE,
        };
        Self::by(times, |name| Ok((name, 0).to_socket_addrs()?.collect()))
    }

    fn by(
        times: Times,
        look_up: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Names {
            look_up: Box::new(look_up),
            times,
            known: Mutex::default(),
        }))
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = Vec::from(&*names.addresses(name.as_str()).await?);
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Names {
    /// Waits for as long as the look-up takes, if there is no older answer: whoever asks has a time limit.
    async fn addresses(self: &Arc<Self>, name: &str) -> Result<Arc<[SocketAddr]>, Failed> {
        let (last, mut asking) = match self.find(name)? {
            Found::Fresh(addresses) => return Ok(addresses),
            Found::Asking(last, asking) => (last, asking),
        };
        let answer = async {
            let answer = asking.answer.wait_for(Option::is_some).await;
            let answer = answer.ok().and_then(|answer| answer.clone());
            answer.unwrap_or_else(|| Err(Arc::new(io::Error::other("the look-up broke off"))))
        };
        let Some(last) = last else {
            return answer.await.map_err(Failed);
        };
        let left = self.times.patience.saturating_sub(asking.since.elapsed());
        match timeout(left, answer).await {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(error)) => {
                seldom!(warn, LAST_USED, name, %error, "a name cannot be looked up: its last addresses are used");
            }
            Err(_) => {
                seldom!(
                    warn,
                    LAST_USED,
                    name,
                    "the look-up of a name gets no answer: its last addresses are used"
                );
            }
        }
        Ok(last)
    }

    fn find(self: &Arc<Self>, name: &str) -> Result<Found, Failed> {
        let now = Instant::now();
        let mut known = self.known();
        let entry = known.entry(name.to_owned()).or_default();
        let age = |known: &Known| now.saturating_duration_since(known.since);
        let last = entry.last.as_ref();
        if let Some(last) = last.filter(|last| age(last) < self.times.fresh) {
            return Ok(Found::Fresh(Arc::clone(&last.addresses)));
        }
        let last = last.filter(|last| age(last) < self.times.usable);
        let last = last.map(|last| Arc::clone(&last.addresses));
        // One that has broken off leaves nobody who would answer.
        let is_alive = |asking: &&Asking| asking.answer.has_changed().is_ok();
        let asking = if let Some(asking) = entry.asking.as_ref().filter(is_alive) {
            asking.clone()
        } else {
            let asking = self.ask(name, now).map_err(|e| Failed(Arc::new(e)))?;
            entry.asking.insert(asking).clone()
        };
        Ok(Found::Asking(last, asking))
    }

    fn ask(self: &Arc<Self>, name: &str, now: Instant) -> io::Result<Asking> {
        let (answered, answer) = watch::channel(None);
        let (names, name) = (Arc::clone(self), name.to_owned());
        let thread = thread::Builder::new().name("cas-layer-dns".to_owned());
        thread.spawn(move || {
            let found = (names.look_up)(&name).and_then(|addresses| {
                if addresses.is_empty() {
                    return Err(io::Error::other("the name has no address"));
                }
                Ok(Arc::from(addresses))
            });
            names.note(&name, found.as_ref().ok());
            answered.send_replace(Some(found.map_err(Arc::new)));
        })?;
        Ok(Asking { since: now, answer })
    }

    /// A look-up has ended.
    fn note(&self, name: &str, found: Option<&Arc<[SocketAddr]>>) {
        let mut known = self.known();
        let entry = known.entry(name.to_owned()).or_default();
        entry.asking = None;
        if let Some(addresses) = found {
            entry.last = Some(Known {
                addresses: Arc::clone(addresses),
                since: Instant::now(),
            });
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that could not be looked up. Those who asked at the same time share the error.
#[derive(Debug)]
struct Failed(Arc<io::Error>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Failed {}

#[cfg(test)]
mod tests;
