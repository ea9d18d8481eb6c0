//! A node's process, from outside.

use std::{
    env,
    fs::File,
    io::Write as _,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use super::{
    clock::ShiftedClock,
    history::{Line, Micros, Process},
    program::{Settings, VARIABLE},
    recorder::Recorder,
};

/// Far longer than a node needs to start or to end: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// Where a process can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) process: Process,
    /// By how many seconds its clock is ahead.
    pub(crate) clock: i64,
}

/// What the workload sees of a node. `None` while there is no process.
pub(crate) type Shared = Arc<Mutex<Option<Target>>>;

#[derive(Debug)]
pub(crate) struct Node {
    number: usize,
    settings: Settings,
    clock: ShiftedClock,
    /// By how many seconds it is ahead.
    ahead: i64,
    log: PathBuf,
    child: Option<Child>,
    runs: u32,
    since: Micros,
    target: Shared,
    recorder: Arc<Recorder>,
}

impl Node {
    pub(crate) fn new(
        number: usize,
        settings: Settings,
        clock: ShiftedClock,
        log: PathBuf,
        recorder: &Arc<Recorder>,
    ) -> Self {
        Self {
            number,
            settings,
            clock,
            ahead: 0,
            log,
            child: None,
            runs: 0,
            since: 0,
            target: Shared::default(),
            recorder: Arc::clone(recorder),
        }
    }

    pub(crate) fn target(&self) -> Shared {
        Arc::clone(&self.target)
    }

    fn set_target(&self, target: Option<Target>) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    fn process(&self) -> Process {
        Process {
            node: self.number,
            run: self.runs,
        }
    }

    /// Starts a process. An error is what it says on stderr.
    pub(crate) async fn start(&mut self) -> Result<(), String> {
        assert!(self.child.is_none(), "it runs");
        let settings = serde_json::to_string(&self.settings).expect("plain data");
        self.since = self.recorder.now();
        // The signal would kill it when its disk is full.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\""])
            .arg(env::current_exe().expect("this program"))
            .env(VARIABLE, settings)
            .env("NO_PROXY", "127.0.0.1")
            .envs(self.clock.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a node starts");
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.expect("a file for the log");
        // The node itself may not be able to write files.
        let stderr = child.stderr.take().expect("a pipe");
        let said = tokio::spawn(keep(stderr, log));
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut url = String::new();
        let told = timeout(LIMIT, stdout.read_line(&mut url)).await;
        if !matches!(told, Ok(Ok(1..))) {
            let _ = child.kill().await;
            let said = said.await.unwrap_or_default();
            return Err(String::from_utf8_lossy(&said).into_owned());
        }
        self.child = Some(child);
        self.set_target(Some(Target {
            url: url.trim().to_owned(),
            process: self.process(),
            clock: self.ahead,
        }));
        Ok(())
    }

    /// Starts a process, as often as it takes: a store that is just back may need a moment.
    pub(crate) async fn start_in_the_end(&mut self) {
        for attempt in 0.. {
            match self.start().await {
                Ok(()) => return,
                Err(said) => assert!(attempt < 30, "a node does not start: {said}"),
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        self.set_target(None);
        let killed = timeout(LIMIT, child.kill()).await;
        killed.expect("it ends in time").expect("it is killed");
        self.note(Some(self.recorder.now()));
        self.runs += 1;
    }

    /// Notes in the history how long the process was there.
    pub(crate) fn note(&self, to: Option<Micros>) {
        self.recorder.note(Line::Process {
            process: self.process(),
            from: self.since,
            to,
        });
    }

    /// `SIGSTOP`: connections stay, and nothing is answered.
    pub(crate) fn stop(&self) {
        self.send(Signal::STOP);
    }

    /// `SIGCONT`.
    pub(crate) fn go_on(&self) {
        self.send(Signal::CONT);
    }

    fn send(&self, signal: Signal) {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("a signal that arrives");
    }

    /// Sets its clock, while it runs or before.
    pub(crate) fn set_clock(&mut self, ahead: i64) {
        self.ahead = ahead;
        self.clock.set(ahead);
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = target.as_mut() {
            target.clock = ahead;
        }
    }
}

/// How much of what a process says is kept in memory, for one that does not start.
const SAID: usize = 4_096;

/// Writes what a process says to its log. Returns the beginning.
async fn keep(mut stderr: ChildStderr, mut log: File) -> Vec<u8> {
    let (mut said, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let new = &buffer[..count];
        said.extend(&new[..count.min(SAID.saturating_sub(said.len()))]);
        log.write_all(new).expect("a log that can be written");
    }
    said
}
