//! Setting up a [`RedisRegistry`].

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    RedisRegistry, address::Address, connection::Connector, facts::Facts, failure::Failure,
    kept::Kept, keys::Keys, known::Known, link::Link, node::Node, pairs::Pairs, queue::Queue, read,
    seen::Seen, tasks,
};
use crate::registry::{EndedSessions, LONGEST, RegistryError, RegistryErrorKind, turns::Turns};

/// For everything that [`RedisRegistryBuilder::connect`] does.
const CONNECT: Duration = Duration::from_secs(10);

/// News comes at least once a second, so a shorter limit would mean nothing.
const MIN_FAIL_CLOSED: Duration = Duration::from_secs(3);

impl RedisRegistry {
    /// Connects to the Redis at `url`, with defaults for everything else: see [`builder`](Self::builder) and
    /// [`RedisRegistryBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, RegistryError> {
        Self::builder(url).connect().await
    }

    /// Begins a registry in the Redis at `url`: `redis://[[user]:password@]host[:port][/database]`, or `rediss://`
    /// for TLS. Percent-encode characters of user name and password that mean something in a URL.
    pub fn builder(url: impl Into<String>) -> RedisRegistryBuilder {
        RedisRegistryBuilder::new(url.into())
    }
}

/// Sets up a [`RedisRegistry`].
#[must_use = "a builder does nothing until `connect()` is called"]
pub struct RedisRegistryBuilder {
    url: String,
    prefix: String,
    root_certificates: Vec<Vec<u8>>,
    min_replicas: u32,
    fail_closed_after: Option<Duration>,
    queue: usize,
    longest_lifetime: Duration,
}

impl RedisRegistryBuilder {
    fn new(url: String) -> Self {
        Self {
            url,
            prefix: "cas-layer".to_owned(),
            root_certificates: Vec::new(),
            min_replicas: 0,
            fail_closed_after: None,
            queue: 100_000,
            longest_lifetime: Duration::from_secs(8 * 3600),
        }
    }

    /// What the keys of this registry begin with, in braces. Registries with different prefixes share nothing.
    /// 1 to 64 letters, digits, `-`, `_`, `.` and `:`. The default value is `cas-layer`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Trusts more root certificates for TLS, besides those of the system: one or more in PEM form. May be
    /// called again.
    pub fn add_root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// How many replicas have to confirm a sign-in or a sign-out before it counts (`WAIT`), within a third of a
    /// second. With fewer, nobody is signed in, and a single logout is answered 503 and tried again. The default
    /// value is 0.
    ///
    /// While a node waits for replicas, its other calls to Redis wait too. So use this only with replicas that are
    /// near. With one replica that has to confirm, Redis accepts no sign-in while that replica is away.
    pub fn min_replicas(mut self, count: u32) -> Self {
        self.min_replicas = count;
        self
    }

    /// How long without news from Redis this node goes on trusting sessions. After that, a request with
    /// a session is answered with 503 if its path requires a user, until there is news again. At least 3 seconds. By default, the node goes on
    /// with what it knows, without a limit.
    ///
    /// # Security
    /// Without a limit, a node that is cut off from Redis goes on accepting sessions that were ended elsewhere. With
    /// a limit, no signed-in user gets through while Redis is away for longer.
    pub fn fail_closed_after(mut self, limit: Duration) -> Self {
        self.fail_closed_after = Some(limit);
        self
    }

    /// How many sign-outs may wait for Redis while it is away, at about 300 bytes each. A sign-out beyond that gets
    /// an error that says so; a session whose cookie was shown has ended here all the same. At least 1. The default
    /// value is 100,000.
    ///
    /// Half of the room is for users who show a cookie. The rest is for single logouts: half of it for [listed
    /// sources](crate::SignOutOptions::logout_sources), and a quarter each for the back channel and the front
    /// channel. Each of these shares has room for at least 32 sessions, the most that one message names. Within a
    /// share, a source makes room for another source that has less. One browser has room for 32 sessions.
    pub fn queue(mut self, sign_outs: usize) -> Self {
        self.queue = sign_outs;
        self
    }

    /// The longest lifetime of a session of any app with this registry, up to 366 days. The default value is 8 hours,
    /// the layer's default.
    ///
    /// The registry learns of longer lifetimes when it meets such a session, and all nodes share the longest. The
    /// value matters if Redis lost everything and all nodes were restarted: the registry keeps logouts of unknown
    /// sessions for that long.
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest_lifetime = lifetime;
        self
    }

    /// Connects to Redis and loads the sessions that have ended. Takes 10 seconds at most.
    ///
    /// The registry goes on in a task of the current runtime, until its last clone is dropped.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Unusable`] for a mistake in the configuration, a user name or password that Redis
    /// refuses, a Redis before version 6.2, and a replica. [`RegistryErrorKind::Unavailable`] if Redis cannot be
    /// reached, or does not say in time what has ended.
    pub async fn connect(self) -> Result<RedisRegistry, RegistryError> {
        let fail_closed_after = self.fail_closed_after;
        let node = Arc::new(self.node()?);
        let mut known = Known::default();
        let connected = timeout(CONNECT, async {
            let pair = tasks::connect(&node, &mut known).await?;
            read::load(&node, &mut known, &pair.news, |_| ()).await?;
            // Shows now what would go wrong later.
            read::read(&node, &mut known, &pair.news, None).await?;
            Ok(pair)
        });
        let pair = connected.await.unwrap_or(Err(Failure::Silent))?;
        Ok(RedisRegistry::start(node, known, pair, fail_closed_after))
    }

    fn node(self) -> Result<Node, RegistryError> {
        let unusable = |message| Err(RegistryError::new(RegistryErrorKind::Unusable, message));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if !(1..=64).contains(&self.prefix.len()) || !self.prefix.bytes().all(plain) {
            return unusable(
                "the key prefix has to have 1 to 64 letters, digits, `-`, `_`, `.` and `:`",
            );
        }
        if self
            .fail_closed_after
            .is_some_and(|limit| limit < MIN_FAIL_CLOSED)
        {
            return unusable("`fail_closed_after` is less than 3 seconds");
        }
        if self.longest_lifetime > Duration::from_secs(LONGEST) {
            return unusable("the longest lifetime of a session is longer than 366 days");
        }
        if self.queue == 0 {
            return unusable("the queue needs room for one sign-out at least");
        }
        Ok(Node {
            connector: Connector::new(Address::parse(&self.url)?, &self.root_certificates)?,
            keys: Keys::new(&self.prefix),
            min_replicas: self.min_replicas,
            ended: EndedSessions::new(),
            facts: Facts::new(self.longest_lifetime.as_secs()),
            queue: Queue::new(self.queue),
            turns: Turns::new(),
            kept: Kept::new(),
            seen: Seen::new(),
            link: Link::new(),
            pairs: Pairs::new(),
        })
    }
}

/// The URL may have a password in it.
impl fmt::Debug for RedisRegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRegistryBuilder")
            .field("prefix", &self.prefix)
            .field("min_replicas", &self.min_replicas)
            .field("fail_closed_after", &self.fail_closed_after)
            .field("queue", &self.queue)
            .field("longest_lifetime", &self.longest_lifetime)
            .finish_non_exhaustive()
    }
}
