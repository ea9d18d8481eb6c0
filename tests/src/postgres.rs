//! A PostgreSQL server as a child process.

use std::{
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::process::{Signal, getuid};
use sqlx::{
    PgPool, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tempfile::TempDir;
use tokio::{
    process,
    time::{sleep, timeout},
};

use crate::{
    free_port::free_port,
    server_process::{LIMIT, ServerProcess, copy_files, send},
    suite::{POSTGRES, variable},
};

/// Where Debian has the server, by version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A running PostgreSQL on a free port of 127.0.0.1, with its data in a directory of its own. It is stopped when dropped; after
/// a failed test its log is printed.
#[derive(Debug)]
pub struct PostgresServer {
    directory: TempDir,
    port: u16,
    options: Vec<String>,
    process: ServerProcess,
}

/// The data of a server at some time.
#[derive(Debug)]
pub struct Copy(TempDir);

impl PostgresServer {
    /// The server's program: the one that the environment names, one on the `PATH`, or Debian's of the highest version.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        variable(POSTGRES).map(PathBuf::from).or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path)
                .map(|directory| directory.join("postgres"))
                .find(|program| program.is_file())
                .or_else(of_debian)
        })
    }

    /// Starts a server with no data.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with these options, each `name=value`.
    pub async fn start_with(options: &[&str]) -> Self {
        let port = free_port();
        let directory = own_directory();
        copy_files(
            &template().join("data"),
            &directory.path().join("data"),
            &give,
        );
        let mut server = Self {
            directory,
            port,
            options: options.iter().map(ToString::to_string).collect(),
            process: ServerProcess::new("PostgreSQL".to_owned()),
        };
        server.restart().await;
        server
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How to connect as the superuser.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        options_at(self.port)
    }

    /// A pool for one registry. Connections are made when they are needed.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        pool_to(self.options())
    }

    /// The same by another port, behind which a server is.
    #[must_use]
    pub fn pool_at(port: u16) -> PgPool {
        pool_to(options_at(port))
    }

    /// Runs SQL that answers with nothing.
    pub async fn run(&self, sql: &str) {
        let pool = self.pool();
        sqlx::raw_sql(sql)
            .execute(&pool)
            .await
            .expect("SQL that runs");
        pool.close().await;
    }

    /// Asks for one value.
    pub async fn ask<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres> + Send + Unpin,
    {
        let pool = self.pool();
        let answer = sqlx::query_scalar(sql).fetch_one(&pool).await;
        pool.close().await;
        answer.expect("an answer")
    }

    /// Starts it again where it was stopped, with the data that it has, and waits until it answers.
    pub async fn restart(&mut self) {
        let mut command = process::Command::new(Self::program().expect("a postgres"));
        command
            .arg("-D")
            .arg(self.directory.path().join("data"))
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            // In its directory, so that nothing is left of a server that is killed.
            .args(["-c", "dynamic_shared_memory_type=mmap"])
            .args(["-c", "max_connections=200"])
            .args(self.options.iter().flat_map(|option| ["-c", option]))
            .current_dir(self.directory.path());
        if let Some(user) = other_user() {
            command.uid(user).gid(user);
        }
        self.process.run(&mut command);
        let answers = async {
            loop {
                let pool = self.pool();
                let asked = sqlx::query("SELECT 1").execute(&pool).await;
                pool.close().await;
                if asked.is_ok() {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(LIMIT, answers).await.expect("it starts in time");
    }

    /// Stops it without a warning and without a checkpoint, as a crash of it does.
    pub async fn kill(&mut self) {
        self.process.end(Signal::QUIT).await;
    }

    /// Stops it as an operator does.
    pub async fn stop(&mut self) {
        self.process.end(Signal::INT).await;
    }

    /// Makes it hang: connections stay, and nothing is answered.
    pub fn hang(&self) {
        self.process.send(Signal::STOP);
        self.send_to_children(Signal::STOP);
    }

    /// Lets it go on after it hung.
    pub fn go_on(&self) {
        self.process.send(Signal::CONT);
        self.send_to_children(Signal::CONT);
    }

    /// Takes a copy of its data. It has to be stopped.
    #[must_use]
    pub fn copy(&self) -> Copy {
        assert!(!self.process.is_running(), "it runs");
        let copy = own_directory();
        copy_files(
            &self.directory.path().join("data"),
            &copy.path().join("data"),
            &give,
        );
        Copy(copy)
    }

    /// Gives a server that was stopped the data of an earlier time.
    pub fn restore(&self, copy: &Copy) {
        assert!(!self.process.is_running(), "it runs");
        let data = self.directory.path().join("data");
        fs::remove_dir_all(&data).expect("data that goes");
        copy_files(&copy.0.path().join("data"), &data, &give);
    }

    fn send_to_children(&self, signal: Signal) {
        let pid = self.process.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        for child in children.expect("its children").split_whitespace() {
            send(child.parse().expect("a process id"), signal);
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.process.is_running() {
            // One that hangs would not hear of it.
            self.go_on();
            self.process.send(Signal::QUIT);
        }
        // Before its data goes.
        self.process.has_ended();
    }
}

/// How to connect to this port as the superuser.
#[must_use]
pub fn options_at(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("postgres")
        .database("postgres")
        .ssl_mode(PgSslMode::Disable)
}

/// A pool for one registry. Connections are made when they are needed.
#[must_use]
pub fn pool_to(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(8)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// A name for a schema that no other test has.
#[must_use]
pub fn new_schema() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("cas_{}", LAST.fetch_add(1, Ordering::Relaxed))
}

fn of_debian() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).ok()?;
    let versions = versions.filter_map(|version| {
        let path = version.ok()?.path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        let program = path.join("bin/postgres");
        program.is_file().then_some((number, program))
    });
    versions.max().map(|(_, program)| program)
}

/// PostgreSQL does not run as root. Then it is its own user, or nobody.
fn other_user() -> Option<u32> {
    if !getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("the users");
    let own = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .and_then(|line| line.split(':').nth(2)?.parse().ok());
    Some(own.unwrap_or(65_534))
}

fn give(path: &Path) {
    if let Some(user) = other_user() {
        chown(path, Some(user), Some(user)).expect("another owner");
    }
}

fn own_directory() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    give(directory.path());
    directory
}

/// A cluster without data, made once: copying it takes less time than making it.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
    TEMPLATE
        .get_or_init(|| {
            use std::os::unix::process::CommandExt as _;

            let directory = own_directory();
            let program = PostgresServer::program().expect("a postgres");
            // A link, perhaps: the other programs are beside what it leads to.
            let program = program.canonicalize().expect("a path");
            let mut command = Command::new(program.with_file_name("initdb"));
            command
                .args([
                    "--username=postgres",
                    "--auth=trust",
                    "--no-sync",
                    "--locale=C",
                ])
                .args(["--encoding=UTF8", "--pgdata"])
                .arg(directory.path().join("data"))
                .current_dir(directory.path());
            if let Some(user) = other_user() {
                command.uid(user).gid(user);
            }
            let made = command.output().expect("initdb runs");
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            assert!(made.status.success(), "{said}");
            directory
        })
        .path()
}
