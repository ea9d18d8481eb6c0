//! An nginx as a child process.

use std::{
    env,
    fs::{self, File},
    io::{Read as _, Seek as _},
    path::PathBuf,
    process::Stdio,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    free_port::free_port,
    suite::{NGINX, variable},
};

/// Far longer than nginx ever needs to start: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// Where Debian's nginx logs. A site that names it logs into the server's own directory here.
const LOGS: &str = "/var/log/nginx/";

/// What Debian's `nginx.conf` says, in a directory of its own. Nothing about buffers: they are as nginx has them.
/// Everything runs in one process, so that nothing is left when that is killed, and nobody has to be root.
const MAIN: &str = "\
daemon off;
master_process off;
pid DIRECTORY/nginx.pid;
error_log stderr;
events { worker_connections 768; }
http {
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    default_type application/octet-stream;
    access_log DIRECTORY/access.log;
    gzip on;
    client_body_temp_path DIRECTORY/body;
    proxy_temp_path DIRECTORY/proxy;
    fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi;
    scgi_temp_path DIRECTORY/scgi;
    include DIRECTORY/site.conf;
}
";

/// A running nginx on a free port of 127.0.0.1. It is killed when dropped; after a failed test its error log is
/// printed.
#[derive(Debug)]
pub struct Nginx {
    directory: TempDir,
    port: u16,
    child: Child,
    error_log: File,
}

impl Nginx {
    /// The nginx to run: the one that the environment names, or one on the `PATH`.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        variable(NGINX).map(PathBuf::from).or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path)
                .map(|directory| directory.join("nginx"))
                .find(|program| program.is_file())
        })
    }

    /// Starts a server with this site, a file of `sites-enabled`, and waits until it accepts connections. `PORT` in
    /// the site stands for the number of a free port.
    pub async fn start(site: &str) -> Self {
        assert!(site.contains("PORT"), "a site that listens: {site}");
        let port = free_port();
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let own = directory.path().to_str().expect("a plain name");
        let site = site
            .replace("PORT", &port.to_string())
            .replace(LOGS, &format!("{own}/"));
        fs::write(at("site.conf"), site).expect("a file");
        fs::write(at("nginx.conf"), MAIN.replace("DIRECTORY", own)).expect("a file");

        let error_log = tempfile::tempfile().expect("a file for the log");
        let log = || error_log.try_clone().expect("a second handle of the log");
        let child = Command::new(Self::program().expect("an nginx"))
            .arg("-p")
            .arg(directory.path())
            .arg("-c")
            .arg(at("nginx.conf"))
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx starts");
        let mut server = Self {
            directory,
            port,
            child,
            error_log,
        };
        timeout(LIMIT, server.accepts())
            .await
            .expect("it starts in time");
        server
    }

    async fn accepts(&mut self) {
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.child.try_wait().expect("its status");
            assert!(ended.is_none(), "nginx keeps running: {ended:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL with a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it has complained about so far.
    #[must_use]
    pub fn error_log(&self) -> String {
        let mut text = Vec::new();
        let mut log = &self.error_log;
        log.rewind().expect("a log that can be read");
        log.read_to_end(&mut text).expect("a log that can be read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// What stands in a log that the site writes to `/var/log/nginx`.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).expect("a log that can be read")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if thread::panicking() {
            let (url, log) = (self.url(""), self.error_log());
            eprintln!("--- error log of {url}\n{log}---");
        }
    }
}
