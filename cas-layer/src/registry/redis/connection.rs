//! One connection to Redis.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisError,
    aio::{ConnectionLike as _, MultiplexedConnection},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::{address::Address, failure::Failure, info::ServerInfo, replicas::Replicas, tls};
use crate::registry::{RegistryError, RegistryErrorKind};

/// For name look-up, TCP, TLS and password together.
const CONNECT: Duration = Duration::from_secs(5);

/// For one command or one batch of them, where nobody needs it sooner. Less than a whole call (`CALL`), and more than two waits
/// for replicas (`PATIENCE`).
pub(super) const COMMAND: Duration = Duration::from_millis(800);

/// Makes connections.
pub(super) struct Connector {
    address: Address,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    made: AtomicU64,
}

impl Connector {
    pub(super) fn new(address: Address, roots: &[Vec<u8>]) -> Result<Self, RegistryError> {
        let tls = if address.tls {
            let name = ServerName::try_from(address.host.clone()).map_err(|_| {
                RegistryError::new(
                    RegistryErrorKind::Unusable,
                    "the host in the URL of Redis cannot be in a certificate",
                )
            })?;
            Some((tls::connector(roots)?, name))
        } else if roots.is_empty() {
            None
        } else {
            return Err(RegistryError::new(
                RegistryErrorKind::Unusable,
                "a root certificate is of no use with redis://: the URL for TLS begins with rediss://",
            ));
        };
        Ok(Self {
            address,
            tls,
            made: AtomicU64::new(0),
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Connects, and asks Redis who it is.
    pub(super) async fn connect(&self) -> Result<(Connection, ServerInfo), Failure> {
        timeout(CONNECT, self.connect_now())
            .await
            .unwrap_or(Err(Failure::Silent))
    }

    async fn connect_now(&self) -> Result<(Connection, ServerInfo), Failure> {
        let unreachable = |error| Failure::Unreachable(Box::new(error));
        let address = (self.address.host.as_str(), self.address.port);
        let stream = TcpStream::connect(address).await.map_err(unreachable)?;
        // Commands are small and waited for.
        stream.set_nodelay(true).map_err(unreachable)?;
        let (redis, driver) = match &self.tls {
            None => self.log_in(stream).await?,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream);
                self.log_in(stream.await.map_err(unreachable)?).await?
            }
        };
        let mut connection = Connection {
            id: self.made.fetch_add(1, Ordering::Relaxed),
            redis,
            instance: Arc::default(),
            epoch: Arc::default(),
            replicas: Arc::default(),
            _driver: Arc::new(driver),
        };
        let info = match connection.run::<String>(&redis::cmd("INFO"), CONNECT).await {
            Ok(text) => ServerInfo::parse(&text),
            Err(failure) if failure.is_not_permitted() => ServerInfo::default(),
            Err(failure) => return Err(failure),
        };
        info.check()?;
        connection.instance = info.instance.as_str().into();
        Ok((connection, info))
    }

    async fn log_in<S>(&self, stream: S) -> Result<(MultiplexedConnection, Driver), RedisError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Each call has a time limit of its own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let login = &self.address.login;
        let (redis, driver) = MultiplexedConnection::new_with_config(login, stream, config).await?;
        Ok((redis, Driver(tokio::spawn(driver).abort_handle())))
    }
}

/// User name and password are left out.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}

/// A connection with many users. Commands are answered in the order in which they are sent.
#[derive(Clone)]
pub(super) struct Connection {
    id: u64,
    redis: MultiplexedConnection,
    /// The server behind it, see [`ServerInfo`].
    instance: Arc<str>,
    /// What Redis knew when the connection was made fit for use.
    epoch: Arc<str>,
    replicas: Arc<Replicas>,
    _driver: Arc<Driver>,
}

/// Moves the bytes. Without it a connection on which Redis is silent would stay for good.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(super) fn set_epoch(&mut self, epoch: &str) {
        self.epoch = epoch.into();
    }

    pub(super) fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    /// Runs one command.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, Failure> {
        let mut redis = self.redis.clone();
        let value = timeout(limit, redis.req_packed_command(command))
            .await
            .map_err(|_| Failure::Silent)??;
        Ok(T::from_redis_value(value.extract_error()?).map_err(RedisError::from)?)
    }

    /// Runs several commands in one go.
    pub(super) async fn run_all(
        &self,
        commands: &Pipeline,
        limit: Duration,
    ) -> Result<Vec<redis::Value>, Failure> {
        let mut redis = self.redis.clone();
        let values = redis.req_packed_commands(commands, 0, commands.len());
        let values = timeout(limit, values)
            .await
            .map_err(|_| Failure::Silent)??;
        let values = values.into_iter().map(redis::Value::extract_error);
        Ok(values.collect::<Result<_, _>>()?)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.id).finish()
    }
}
