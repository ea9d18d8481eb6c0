//! The demo as a child process.

use std::{
    env,
    fs::File,
    io::{Read as _, Seek as _},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Far longer than the demo ever needs to start or to stop: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// A running demo, on free ports of its own. It is killed when dropped; after a failed test its log
/// is printed.
#[derive(Debug)]
pub struct Demo {
    child: Child,
    /// Kept open: a program whose stdout is closed may behave differently.
    _stdout: Lines<BufReader<ChildStdout>>,
    log: File,
    url: String,
    own_url: String,
    cas_url: String,
}

impl Demo {
    /// Starts the demo with `arguments`, on free ports unless they say otherwise.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_with_env(arguments, &[]).await
    }

    /// The same, with environment variables.
    pub async fn start_with_env(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = tempfile::tempfile().expect("a file for the log");
        let mut command = Command::new(program());
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("DEMO_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--cas-listen", "127.0.0.1:0"])
            .args(["--proxy-listen", "127.0.0.1:0"])
            .args(arguments)
            .env("NO_PROXY", "127.0.0.1")
            .env("RUST_LOG", "debug")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().expect("a second handle of the log"))
            .kill_on_drop(true)
            .spawn()
            .expect("demo-app starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut announced = async || {
            let line = timeout(LIMIT, stdout.next_line())
                .await
                .expect("demo-app announces itself in time")
                .expect("readable output")
                .expect("demo-app keeps running");
            let (label, value) = line.split_once(':').expect("label: value");
            (label.to_owned(), value.trim().to_owned())
        };
        let (_, url) = announced().await;
        let mut own_url = url.clone();
        let cas_url = loop {
            match announced().await {
                (label, value) if label == "Listens on" => own_url = value,
                (label, value) if label == "CAS server" => break value,
                other => panic!("demo-app says {other:?}"),
            }
        };
        Self {
            child,
            _stdout: stdout,
            log,
            url,
            own_url,
            cas_url,
        }
    }

    /// A public URL of the demo: `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The same where it listens, for a demo with an `--app-url`.
    #[must_use]
    pub fn own_url(&self, path: &str) -> String {
        format!("{}{path}", self.own_url)
    }

    /// The URL of the CAS server that it uses.
    #[must_use]
    pub fn cas_url(&self) -> &str {
        &self.cas_url
    }

    /// Everything that it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        let mut text = Vec::new();
        let mut log = &self.log;
        log.rewind().expect("a log that can be read");
        log.read_to_end(&mut text).expect("a log that can be read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Sends a signal, and waits for the end.
    pub async fn stop(&mut self, signal: Signal) -> ExitStatus {
        self.send(signal);
        self.wait().await
    }

    /// The most memory that the process has had resident so far, in KiB (Linux).
    #[must_use]
    pub fn peak_memory_kib(&self) -> u64 {
        let id = self.child.id().expect("a demo that still runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak
            .and_then(|peak| peak.trim().strip_suffix("kB"))
            .expect("a peak");
        kib.trim().parse().expect("a number")
    }

    /// Sends a signal.
    pub fn send(&self, signal: Signal) {
        let id = self.child.id().expect("a demo that still runs");
        let pid = i32::try_from(id)
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, signal).expect("a signal that arrives");
    }

    /// Waits for the end.
    pub async fn wait(&mut self) -> ExitStatus {
        timeout(LIMIT, self.child.wait())
            .await
            .expect("demo-app ends in time")
            .expect("its status")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.url, self.log());
        }
    }
}

/// cargo puts the programs of a workspace one directory above its tests. `cargo test --workspace`
/// builds it, because the demo has an integration test of its own.
fn program() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let directory = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = directory.join(format!("demo-app{}", env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is not there: run `cargo test --workspace`, or `cargo build -p demo-app` first",
        program.display()
    );
    program
}
