//! A Redis server as a child process.

use std::{env, fs, net::TcpListener, path::PathBuf, time::Duration};

use redis::{AsyncConnectionConfig, Client, FromRedisValue, IntoConnectionInfo as _};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    free_port::free_port,
    server_process::{LIMIT, ServerProcess, copy_files},
    suite::{REDIS_SERVER, variable},
};

/// A running Redis on a free port of 127.0.0.1, with its data in a directory of its own. Every write is
/// on the disk before it is answered. It is killed when dropped; after a failed test its log is printed.
#[derive(Debug)]
pub struct RedisServer {
    directory: TempDir,
    port: u16,
    tls_port: u16,
    options: Vec<String>,
    /// What a Sentinel has to know. It writes into that file what it learns.
    sentinel: Option<String>,
    environment: Vec<(String, String)>,
    /// For this helper's own commands.
    password: Option<String>,
    process: ServerProcess,
}

/// The data of a server at some time.
#[derive(Debug)]
pub struct Copy(TempDir);

impl RedisServer {
    /// The redis-server to run: the one that the environment names, or one on the `PATH`.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        variable(REDIS_SERVER).map(PathBuf::from).or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path)
                .map(|directory| directory.join("redis-server"))
                .find(|program| program.is_file())
        })
    }

    /// Starts a server.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a Sentinel that knows one master by the name `main`, and decides alone when it is down.
    pub async fn start_sentinel(master: &Self, options: &[&str]) -> Self {
        let config = format!(
            "sentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 1000\n\
             sentinel failover-timeout main 4000\n",
            master.port
        );
        Self::start_as(Some(config), options, Vec::new()).await
    }

    /// Starts servers that share the slots of a cluster.
    pub async fn start_cluster(count: usize) -> Vec<Self> {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Self::start_cluster_node().await);
        }
        let [first, others @ ..] = nodes.as_slice() else {
            panic!("a cluster has a node");
        };
        let slots = 16_384 / count;
        for (at, node) in nodes.iter().enumerate() {
            let last = if at + 1 == count {
                16_384
            } else {
                (at + 1) * slots
            };
            let (from, to) = ((at * slots).to_string(), (last - 1).to_string());
            node.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &from, &to])
                .await;
        }
        for node in others {
            first.meet(node).await;
        }
        nodes
    }

    /// Starts a node that is in no cluster yet.
    pub async fn start_cluster_node() -> Self {
        Self::start_with(&[
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "2000",
            "--cluster-port",
            "TLS_PORT",
        ])
        .await
    }

    /// Brings another node into the cluster of this one.
    pub async fn meet(&self, other: &Self) {
        let (port, bus) = (other.port.to_string(), other.tls_port.to_string());
        self.command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])
            .await;
    }

    /// Starts a server with these options, names and values in turn. `TLS_PORT` stands for the number of a free
    /// port.
    pub async fn start_with(options: &[&str]) -> Self {
        Self::start_in(options, Vec::new()).await
    }

    /// The same with variables of its environment.
    pub async fn start_in(options: &[&str], environment: Vec<(String, String)>) -> Self {
        Self::start_as(None, options, environment).await
    }

    async fn start_as(
        sentinel: Option<String>,
        options: &[&str],
        environment: Vec<(String, String)>,
    ) -> Self {
        let port = free_port();
        // Held for a moment, so that they are two.
        let held = TcpListener::bind(("127.0.0.1", port));
        let tls_port = free_port();
        drop(held);
        let password = options
            .iter()
            .position(|&option| option == "--requirepass")
            .map(|at| options[at + 1].to_owned());
        let mut server = Self {
            directory: tempfile::tempdir().expect("a directory"),
            port,
            tls_port,
            options: options
                .iter()
                .map(|option| option.replace("TLS_PORT", &tls_port.to_string()))
                .collect(),
            sentinel,
            environment,
            password,
            process: ServerProcess::new(format!("redis://127.0.0.1:{port}")),
        };
        server.restart().await;
        server
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its port for TLS, if it has one.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// Its URL, without a password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again where it was killed, with the data that it has, and waits until it takes commands.
    pub async fn restart(&mut self) {
        let program = Self::program().expect("a redis-server");
        let mut command = Command::new(program);
        if let Some(config) = &self.sentinel {
            let path = self.directory.path().join("sentinel.conf");
            if !path.exists() {
                fs::write(&path, config).expect("a file for a Sentinel");
            }
            command.arg(path).arg("--sentinel");
        } else {
            command.args([
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ]);
            // A replica need not wait for others.
            command.args(["--repl-diskless-sync-delay", "0"]);
        }
        command
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--dir"])
            .arg(self.directory.path())
            .args(&self.options)
            .envs(self.environment.iter().cloned());
        self.process.run(&mut command);
        let answers = async {
            while self.try_command::<String>(&["PING"]).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, answers).await.expect("it starts in time");
    }

    /// Kills it without a warning.
    pub async fn kill(&mut self) {
        self.process.end(Signal::KILL).await;
    }

    /// Makes it hang: connections stay, and nothing is answered.
    pub fn hang(&self) {
        self.process.send(Signal::STOP);
    }

    /// Lets it go on after it hung.
    pub fn go_on(&self) {
        self.process.send(Signal::CONT);
    }

    /// Takes a copy of its data. Nothing may be written meanwhile.
    #[must_use]
    pub fn copy(&self) -> Copy {
        let copy = tempfile::tempdir().expect("a directory");
        copy_files(self.directory.path(), copy.path(), &|_| ());
        Copy(copy)
    }

    /// Removes the data of a server that was killed.
    pub fn empty(&self) {
        assert!(!self.process.is_running(), "it runs");
        for entry in fs::read_dir(self.directory.path()).expect("its directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                fs::remove_dir_all(path).expect("a directory that goes");
            } else {
                fs::remove_file(path).expect("a file that goes");
            }
        }
    }

    /// Gives a server that was killed the data of an earlier time.
    pub fn restore(&self, copy: &Copy) {
        self.empty();
        copy_files(copy.0.path(), self.directory.path(), &|_| ());
    }

    /// Runs a command.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).await.expect("an answer")
    }

    async fn try_command<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let info = self.url().into_connection_info()?;
        let mut login = info.redis_settings().clone();
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        let client = Client::open(info.set_redis_settings(login))?;
        // A busy machine is slow.
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(LIMIT));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name)
            .arg(arguments)
            .query_async(&mut connection)
            .await
    }
}
