//! A PgBouncer as a child process, in front of a PostgreSQL.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::getuid;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{self, Child},
    time::{sleep, timeout},
};

use crate::{
    free_port::free_port,
    postgres::{options_at, pool_to},
    suite::{PGBOUNCER, variable},
};

/// Far longer than it ever needs to start.
const LIMIT: Duration = Duration::from_secs(60);

/// A running PgBouncer on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _directory: TempDir,
    _child: Child,
}

impl PgBouncer {
    /// The program: the one that the environment names, or one where programs of the system are.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        variable(PGBOUNCER).map(PathBuf::from).or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path)
                .chain([PathBuf::from("/usr/sbin")])
                .map(|directory| directory.join("pgbouncer"))
                .find(|program| program.is_file())
        })
    }

    /// Starts one in this mode, `session` or `transaction`, before the PostgreSQL on this port.
    pub async fn start(mode: &str, postgres: u16) -> Self {
        let port = free_port();
        let directory = tempfile::tempdir().expect("a directory");
        let settings = directory.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={postgres}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = {mode}\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits\n\
             default_pool_size = 40\n"
        );
        // It names the user for whom anybody may connect.
        let text = text.replace("* = host", "postgres = user=postgres dbname=postgres host");
        fs::write(&settings, text).expect("its settings");
        let mut command = process::Command::new(Self::program().expect("a pgbouncer"));
        if getuid().is_root() {
            // It does not run as root.
            let owned = Command::new("chown")
                .arg("-R")
                .arg("nobody")
                .arg(directory.path())
                .status();
            assert!(owned.expect("chown runs").success());
            command.args(["-u", "nobody"]);
        }
        let child = command
            .arg(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("pgbouncer starts");
        let answers = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, answers).await.expect("it starts in time");
        Self {
            port,
            _directory: directory,
            _child: child,
        }
    }

    /// A pool through it.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        pool_to(options_at(self.port))
    }
}
