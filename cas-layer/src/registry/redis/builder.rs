//! Setting up a [`RedisRegistry`].

use std::{fmt, sync::Arc, time::Duration};

use redis::RedisConnectionInfo;

use super::{
    RedisRegistry,
    address::{Address, Place},
    connection::Connector,
    facts::Facts,
    kept::Kept,
    keys::Keys,
    known::Known,
    link::Link,
    node::Node,
    pairs::Pairs,
    queue::Queue,
    read, tasks,
    tls::ClientCertificate,
};
use crate::registry::{
    EndedSessions, RegistryError, RegistryErrorKind,
    limits::{self, Mistake},
    recent::RecentLogouts,
    seen::Seen,
    turns::Turns,
};

impl RedisRegistry {
    /// Connects to the Redis at `url`, with defaults for everything else: see [`builder`](Self::builder) and
    /// [`RedisRegistryBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, RegistryError> {
        Self::builder(url).connect().await
    }

    /// Begins a registry in the Redis at `url`, which is one of these:
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`;
    /// - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/service[/database]`: the master that one of these
    ///   Sentinels names. User and password are those of the master; for the Sentinels see
    ///   [`sentinel_login`](RedisRegistryBuilder::sentinel_login);
    /// - `redis+cluster://[[user]:password@]host[:port][,host[:port]…]`: the node of a cluster that has the keys. Name
    ///   several nodes, as each of them may be away when the registry looks for it.
    ///
    /// With `rediss` in place of `redis`, all connections are by TLS. Percent-encode characters of user name and password
    /// that mean something in a URL.
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
    client_certificate: Option<ClientCertificate>,
    sentinel_login: RedisConnectionInfo,
    min_replicas: u32,
    fail_closed_after: Option<Duration>,
    queue: usize,
    longest_lifetime: Duration,
    timeout: Duration,
    may_evict: bool,
}

impl RedisRegistryBuilder {
    fn new(url: String) -> Self {
        Self {
            url,
            prefix: "cas-layer".to_owned(),
            root_certificates: Vec::new(),
            client_certificate: None,
            sentinel_login: RedisConnectionInfo::default().set_skip_set_lib_name(),
            min_replicas: 0,
            fail_closed_after: None,
            queue: 100_000,
            longest_lifetime: Duration::from_secs(8 * 3600),
            timeout: limits::TIMEOUT,
            may_evict: false,
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

    /// Shows Redis who this app is (mutual TLS): a certificate, with those between it and the root, and its private key,
    /// both in PEM form.
    pub fn client_certificate_pem(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client_certificate = Some(ClientCertificate {
            chain: chain.into(),
            key: key.into(),
        });
        self
    }

    /// The user and the password for the Sentinels. An empty user is the default user. By default, nobody logs in there.
    pub fn sentinel_login(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        self.sentinel_login = RedisConnectionInfo::default()
            .set_skip_set_lib_name()
            .set_password(password);
        if !user.as_ref().is_empty() {
            self.sentinel_login = self.sentinel_login.set_username(user);
        }
        self
    }

    /// How many replicas have to confirm a sign-in or a sign-out before it counts (`WAIT`), within a little more
    /// than a third of the [time of a call](Self::timeout). With fewer, nobody is signed in, and a single logout is answered 503 and tried again. The default
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

    /// How long one call takes at most, the wait for [replicas](Self::min_replicas) included. After that it fails, and the visitor is answered 503. A
    /// longer time helps where Redis is far or slow; each request that needs it then waits for longer when it is away. 900
    /// milliseconds to 60 seconds. The default value is 900 milliseconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Allows a Redis that evicts keys when its memory is full (`maxmemory-policy` other than `noeviction`). By default it is
    /// refused, when the registry connects and each time it connects again.
    ///
    /// # Security
    /// Such a Redis forgets sign-outs that it has confirmed, without a word. Whoever has a copy of a cookie that was signed out
    /// is then signed in again.
    pub fn allow_eviction(mut self, allow: bool) -> Self {
        self.may_evict = allow;
        self
    }

    /// Connects to Redis and loads the sessions that have ended. Each step has a time limit of some seconds. Together they
    /// have none: many ended sessions take their time.
    ///
    /// The registry goes on in a task of the current runtime, until its last clone is dropped.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Unusable`] for a mistake in the configuration, a user name or password that Redis
    /// refuses, a Redis before version 6.2, a replica, a server of another kind than the URL says, and a Redis that
    /// [evicts keys](Self::allow_eviction). [`RegistryErrorKind::Unavailable`] if Redis cannot be
    /// reached, or does not say in time what has ended.
    pub async fn connect(self) -> Result<RedisRegistry, RegistryError> {
        let fail_closed_after = self.fail_closed_after;
        let node = Arc::new(self.node()?);
        let mut known = Known::default();
        // A large future, and the app's own would be as large.
        let pair = Box::pin(tasks::connect(&node, &mut known)).await?;
        // Shows now what would go wrong later.
        read::read(&node, &mut known, &pair.news, None).await?;
        Ok(RedisRegistry::start(
            node,
            known,
            Some(pair),
            fail_closed_after,
        ))
    }

    /// Returns at once and connects later, so that the app starts even if Redis does not answer yet. Until the registry
    /// has loaded the sessions that have ended, it is [not current](crate::CasConfig::is_current): a request with a session
    /// is answered with 503 if its path requires a user, and nobody is signed in. Call it in a runtime.
    ///
    /// # Errors
    /// [`RegistryErrorKind::Unusable`] for a mistake in the configuration. Anything that is wrong with Redis is logged, and
    /// tried again.
    ///
    /// # Panics
    /// If it is called outside of a Tokio runtime.
    pub fn connect_lazily(self) -> Result<RedisRegistry, RegistryError> {
        let fail_closed_after = self.fail_closed_after;
        let node = Arc::new(self.node()?);
        Ok(RedisRegistry::start(
            node,
            Known::default(),
            None,
            fail_closed_after,
        ))
    }

    fn node(self) -> Result<Node, RegistryError> {
        let connector = self.connector().map_err(|(_, error)| error)?;
        let ended = EndedSessions::new();
        ended.saw_lifetime(self.longest_lifetime.as_secs());
        Ok(Node {
            connector,
            keys: Keys::new(&self.prefix),
            min_replicas: self.min_replicas,
            ended,
            facts: Facts::new(self.longest_lifetime.as_secs()),
            queue: Queue::new(self.queue),
            turns: Turns::new(),
            kept: Kept::new(),
            seen: Seen::new(),
            link: Link::new(),
            pairs: Pairs::new(),
            unknown: RecentLogouts::new(),
        })
    }

    /// Finds every mistake that needs no Redis, and names the setting.
    #[cfg(feature = "serde")]
    pub(crate) fn check(&self) -> Result<(), Mistake> {
        self.connector().map(drop)
    }

    /// The way to Redis, if all settings can be used. An error has the name of the setting that is wrong.
    fn connector(&self) -> Result<Connector, Mistake> {
        let unusable = |setting, message| {
            let error = RegistryError::new(RegistryErrorKind::Unusable, message);
            Err((setting, error))
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if !(1..=64).contains(&self.prefix.len()) || !self.prefix.bytes().all(plain) {
            return unusable(
                "prefix",
                "the key prefix has to have 1 to 64 letters, digits, `-`, `_`, `.` and `:`",
            );
        }
        limits::check(
            self.fail_closed_after,
            self.queue,
            self.longest_lifetime,
            self.timeout,
        )?;
        let address = Address::parse(&self.url).map_err(|error| ("url", error))?;
        let has_sentinels = matches!(address.place, Place::Sentinels { .. });
        if self.sentinel_login.password().is_some() && !has_sentinels {
            return unusable(
                "sentinel_login",
                "a password for Sentinels is of no use without them: their URL begins with redis+sentinel://",
            );
        }
        Connector::new(
            address,
            self.sentinel_login.clone(),
            &self.root_certificates,
            self.client_certificate.as_ref(),
            Keys::new(&self.prefix).any().to_owned(),
            self.timeout,
            self.may_evict,
        )
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
            .field("timeout", &self.timeout)
            .field("allow_eviction", &self.may_evict)
            .finish_non_exhaustive()
    }
}
