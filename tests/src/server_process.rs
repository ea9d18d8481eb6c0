//! A server as a child process, with a directory of its own and its log.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _},
    path::Path,
    process::Stdio,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// Far longer than a server ever needs to start or to stop: it decides between slow and stuck.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// It is killed when dropped; after a failed test its log is printed.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: String,
    child: Option<Child>,
    log: File,
}

impl ServerProcess {
    /// One that does not run yet.
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            child: None,
            log: tempfile::tempfile().expect("a file for the log"),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Starts it.
    pub(crate) fn run(&mut self, command: &mut Command) {
        assert!(!self.is_running(), "it runs");
        let log = || self.log.try_clone().expect("a second handle of the log");
        let child = command
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.expect("a server that starts"));
    }

    pub(crate) fn pid(&self) -> i32 {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        i32::try_from(id).expect("a process id")
    }

    pub(crate) fn send(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Ends it by this signal, and waits until it has ended.
    pub(crate) async fn end(&mut self, signal: Signal) {
        self.send(signal);
        let mut child = self.child.take().expect("it runs");
        timeout(LIMIT, child.wait())
            .await
            .expect("it ends in time")
            .expect("its status");
    }

    /// Waits until it has ended, where nothing else can be waited for.
    pub(crate) fn has_ended(&mut self) {
        while self
            .child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
        {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        let mut text = Vec::new();
        let mut log = &self.log;
        log.rewind().expect("a log that can be read");
        log.read_to_end(&mut text).expect("a log that can be read");
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of {}\n{}---", self.name, self.log());
        }
    }
}

pub(crate) fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id");
    // It may have gone.
    let _ = kill_process(pid, signal);
}

/// Copies a directory with everything in it, and says of each file and directory that it is new.
pub(crate) fn copy_files(from: &Path, to: &Path, is_new: &impl Fn(&Path)) {
    fs::create_dir_all(to).expect("a new directory");
    let permissions = fs::metadata(from).expect("its mode").permissions();
    fs::set_permissions(to, permissions).expect("a mode");
    is_new(to);
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_files(&path, &target, is_new);
        } else {
            fs::copy(&path, &target).expect("a copy");
            is_new(&target);
        }
    }
}
