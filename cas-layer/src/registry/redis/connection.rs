//! One connection to Redis.

use std::{fmt, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, RedisConnectionInfo, RedisError,
    aio::{ConnectionLike as _, MultiplexedConnection},
};
use tokio::{net::TcpStream, task::AbortHandle, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::pki_types::{InvalidDnsNameError, ServerName},
};

use super::{
    address::{Address, Server},
    failure::Failure,
    info::ServerInfo,
    lent::{Duplex, Lent, Stream},
    replicas::Replicas,
    tls::{self, ClientCertificate},
};
use crate::registry::{RegistryError, RegistryErrorKind};

/// Makes connections.
pub(super) struct Connector {
    address: Address,
    /// For the Sentinels, if there are some.
    sentinel_login: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    /// A key of this registry: where it is, all others are.
    key: String,
    /// Of a whole call.
    timeout: Duration,
    may_evict: bool,
}

impl Connector {
    /// An error has the name of the setting that is wrong.
    pub(super) fn new(
        address: Address,
        sentinel_login: RedisConnectionInfo,
        roots: &[Vec<u8>],
        client: Option<&ClientCertificate>,
        key: String,
        timeout: Duration,
        may_evict: bool,
    ) -> Result<Self, tls::Fault> {
        let unusable = |setting, message| {
            let error = RegistryError::new(RegistryErrorKind::Unusable, message);
            Err((setting, error))
        };
        let tls = if address.tls {
            let mut servers = address.servers().iter();
            if !servers.all(|server| name_of(server).is_ok()) {
                return unusable(
                    "url",
                    "the host in the URL of Redis cannot be in a certificate",
                );
            }
            Some(tls::connector(roots, client)?)
        } else if !roots.is_empty() {
            return unusable(
                "root_certificates",
                "a root certificate is of no use without TLS: the URL for TLS begins with rediss",
            );
        } else if client.is_some() {
            return unusable(
                "client_certificate",
                "a client certificate is of no use without TLS: the URL for TLS begins with rediss",
            );
        } else {
            None
        };
        Ok(Self {
            address,
            sentinel_login,
            tls,
            key,
            timeout,
            may_evict,
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Where the registry's keys are in a cluster.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Asks a server who it is. It has to be of the right kind.
    pub(super) async fn introduce(
        &self,
        mut connection: Connection,
    ) -> Result<(Connection, ServerInfo), Failure> {
        let info = match connection.run::<String>(&redis::cmd("INFO")).await {
            Ok(text) => ServerInfo::parse(&text),
            Err(failure) if failure.is_not_permitted() => ServerInfo::default(),
            Err(failure) => return Err(failure),
        };
        info.check_kind(&self.address.place)?;
        info.check(self.may_evict)?;
        connection.instance = info.instance.as_str().into();
        Ok((connection, info))
    }

    /// Connects to a server with the keys of the registry.
    pub(super) async fn open(&self, server: Server) -> Result<Connection, Failure> {
        let stream = self.reach(&server).await?;
        self.log_in(server, &self.address.login, stream).await
    }

    pub(super) async fn open_sentinel(&self, server: Server) -> Result<Connection, Failure> {
        let stream = self.reach(&server).await?;
        self.log_in(server, &self.sentinel_login, stream).await
    }

    /// Connects to the same server as this connection, and leaves what is said to the caller.
    pub(super) async fn open_bare(&self, beside: &Connection) -> Result<Stream, Failure> {
        let server = beside.server().clone();
        let (lent, comes_back) = Lent::new(self.reach(&server).await?);
        let connection = self.log_in(server, &self.address.login, lent).await?;
        let (connection, _) = self.introduce(connection).await?;
        if connection.instance() != beside.instance() {
            return Err(Failure::TwoServers);
        }
        drop(connection);
        comes_back.await.map_err(|_| Failure::GivenUp)
    }

    async fn reach(&self, server: &Server) -> Result<Stream, Failure> {
        let unreachable = |error| Failure::Unreachable(Box::new(error));
        let address = (server.host.as_str(), server.port);
        let stream = TcpStream::connect(address).await.map_err(unreachable)?;
        // Commands are small and waited for.
        stream.set_nodelay(true).map_err(unreachable)?;
        let Some(connector) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = name_of(server).map_err(|error| Failure::Unreachable(error.into()))?;
        let stream = connector.connect(name, stream).await;
        Ok(Box::new(stream.map_err(unreachable)?))
    }

    async fn log_in(
        &self,
        server: Server,
        login: &RedisConnectionInfo,
        stream: impl Duplex + 'static,
    ) -> Result<Connection, Failure> {
        // Each call has a time limit of its own.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (redis, driver) = MultiplexedConnection::new_with_config(login, stream, config).await?;
        Ok(Connection {
            server: Arc::new(server),
            redis,
            limit: self.timeout * 8 / 9,
            instance: Arc::default(),
            epoch: Arc::default(),
            replicas: Arc::default(),
            driver: Arc::new(Driver(tokio::spawn(driver).abort_handle())),
        })
    }
}

/// The name that has to be in its certificate.
fn name_of(server: &Server) -> Result<ServerName<'static>, InvalidDnsNameError> {
    ServerName::try_from(server.host.clone())
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
    server: Arc<Server>,
    redis: MultiplexedConnection,
    /// For one command or one batch of them, where nobody needs it sooner. Less than a whole call, and more than two
    /// [waits](Self::wait) for replicas.
    limit: Duration,
    /// The server behind it, see [`ServerInfo`].
    instance: Arc<str>,
    /// What Redis knew when the connection was made fit for use.
    epoch: Arc<str>,
    replicas: Arc<Replicas>,
    driver: Arc<Driver>,
}

/// Moves the bytes. Without it a connection on which Redis is silent would stay for good.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Whether the two are clones of one connection.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
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

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// How long replicas have to confirm a write. Nothing else on the connection is done meanwhile, so it is short enough
    /// for a call that comes behind two of them.
    pub(super) fn wait(&self) -> Duration {
        self.limit * 7 / 16
    }

    /// Runs one command.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        self.run_within(command, self.limit).await
    }

    pub(super) async fn run_within<T: FromRedisValue>(
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
    pub(super) async fn run_all(&self, commands: &Pipeline) -> Result<Vec<redis::Value>, Failure> {
        self.run_all_within(commands, self.limit).await
    }

    pub(super) async fn run_all_within(
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
        f.debug_tuple("Connection").field(&self.server).finish()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::registry::redis::link::{Link, State};

    /// A connection to something that agrees to whatever it is told.
    async fn connection(connector: &Connector) -> Connection {
        let (here, mut there) = tokio::io::duplex(4_096);
        tokio::spawn(async move {
            let mut told = [0; 4_096];
            while let Ok(1..) = there.read(&mut told).await {
                // A client introduces itself by two commands.
                if there.write_all(b"+OK\r\n+OK\r\n").await.is_err() {
                    break;
                }
            }
        });
        let server = connector.address.servers()[0].clone();
        connector
            .log_in(server, &connector.address.login, here)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn only_the_connection_in_use_is_given_up() {
        let address = Address::parse("redis://127.0.0.1").unwrap();
        let login = RedisConnectionInfo::default();
        let limit = Duration::from_secs(60);
        let connector = Connector::new(address, login, &[], None, "key".to_owned(), limit, false);
        let connector = connector.unwrap();
        let (old, new) = (connection(&connector).await, connection(&connector).await);
        // A call that comes behind two of them has its answer in time.
        assert!(new.wait() * 2 < new.limit() && new.wait() * 3 > new.limit());
        let link = Link::new();
        link.set(State::Up(new.clone()));
        link.give_up(&old);
        assert!(link.current().is_some_and(|current| current.is_same(&new)));
        link.give_up(&new);
        assert!(link.current().is_none());
    }
}
