//! chromedriver as a child process.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

/// A running chromedriver on a free port. It is killed when dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    url: String,
    /// Kept open: chromedriver writes to it later too.
    _stdout: BufReader<ChildStdout>,
}

impl Driver {
    pub(crate) fn start(program: &str) -> Self {
        let mut child = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        let port: u16 = loop {
            line.clear();
            let read = stdout.read_line(&mut line).expect("readable output");
            assert_ne!(read, 0, "chromedriver has ended");
            if let Some((_, port)) = line.trim_end().rsplit_once("started successfully on port ") {
                break port.trim_end_matches('.').parse().expect("a port");
            }
        };
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            _stdout: stdout,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
