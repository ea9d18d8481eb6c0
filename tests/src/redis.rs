//! A Redis server as a child process.

use std::{
    env,
    fs::{self, File},
    io::{Read as _, Seek as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use redis::{Client, FromRedisValue, IntoConnectionInfo as _};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::suite::{REDIS_SERVER, variable};

/// Far longer than Redis ever needs to start or to stop: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// A running Redis on a free port of 127.0.0.1, with its data in a directory of its own. Every write is
/// on the disk before it is answered. It is killed when dropped; after a failed test its log is printed.
#[derive(Debug)]
pub struct RedisServer {
    directory: TempDir,
    port: u16,
    tls_port: u16,
    options: Vec<String>,
    /// For this helper's own commands.
    password: Option<String>,
    child: Option<Child>,
    log: File,
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

    /// Starts a server with these options, names and values in turn. `TLS_PORT` stands for the number of a free
    /// port.
    pub async fn start_with(options: &[&str]) -> Self {
        // Held at once, so that they are two.
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [port, tls_port] = free.map(|free| free.local_addr().expect("its number").port());
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
            password,
            child: None,
            log: tempfile::tempfile().expect("a file for the log"),
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
        assert!(self.child.is_none(), "it runs");
        let program = Self::program().expect("a redis-server");
        let log = || self.log.try_clone().expect("a second handle of the log");
        let child = Command::new(program)
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--dir"])
            .arg(self.directory.path())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server starts");
        self.child = Some(child);
        let answers = async {
            while self.try_command::<String>(&["PING"]).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, answers).await.expect("it starts in time");
    }

    /// Kills it without a warning.
    pub async fn kill(&mut self) {
        self.send(Signal::KILL);
        let mut child = self.child.take().expect("it runs");
        timeout(LIMIT, child.wait())
            .await
            .expect("it ends in time")
            .expect("its status");
    }

    /// Makes it hang: connections stay, and nothing is answered.
    pub fn hang(&self) {
        self.send(Signal::STOP);
    }

    /// Lets it go on after it hung.
    pub fn go_on(&self) {
        self.send(Signal::CONT);
    }

    fn send(&self, signal: Signal) {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("a signal that arrives");
    }

    /// Takes a copy of its data. Nothing may be written meanwhile.
    #[must_use]
    pub fn copy(&self) -> Copy {
        let copy = tempfile::tempdir().expect("a directory");
        copy_files(self.directory.path(), copy.path());
        Copy(copy)
    }

    /// Removes the data of a server that was killed.
    pub fn empty(&self) {
        assert!(self.child.is_none(), "it runs");
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
        copy_files(copy.0.path(), self.directory.path());
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
        let mut connection = client.get_multiplexed_async_connection().await?;
        let (name, arguments) = words.split_first().expect("a command");
        redis::cmd(name)
            .arg(arguments)
            .query_async(&mut connection)
            .await
    }

    fn log(&self) -> String {
        let mut text = Vec::new();
        let mut log = &self.log;
        log.rewind().expect("a log that can be read");
        log.read_to_end(&mut text).expect("a log that can be read");
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.url(), self.log());
        }
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            fs::create_dir_all(&target).expect("a new directory");
            copy_files(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}
