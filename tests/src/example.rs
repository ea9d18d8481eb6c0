//! An example of cas-layer as a child process.

use std::{env, fs, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Far longer than anything here ever takes: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// Fails a test that would wait for ever.
pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(LIMIT, future).await.expect("it hangs")
}

/// A running example on a free port. It is killed when dropped.
#[derive(Debug)]
pub struct Example {
    _child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl Example {
    /// Starts the example `name`; `arguments` follow after the URL of its CAS server.
    pub async fn start(name: &str, cas_url: &str, arguments: &[&str]) -> Self {
        Self::run(name, &[&[cas_url], arguments].concat(), &[]).await
    }

    /// Starts the example `name` with these arguments and variables of its environment.
    pub async fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = command(name, arguments, environment)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the example starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut stdout = BufReader::new(stdout).lines();
        let line = next(&mut stdout).await;
        let url = line.strip_prefix("Listening on ");
        let url = url.expect("the example says where it listens").to_owned();
        Self {
            _child: child,
            stdout,
            url,
        }
    }

    /// What the example says on stderr, when it does not start with these arguments and variables.
    pub async fn refuses(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let mut command = command(name, arguments, environment);
        let output = soon(command.kill_on_drop(true).output()).await;
        let output = output.expect("the example starts");
        assert!(!output.status.success(), "{name} has started");
        String::from_utf8(output.stderr).expect("readable output")
    }

    /// The next line that the program prints.
    pub async fn says(&mut self) -> String {
        next(&mut self.stdout).await
    }

    /// The URL of a path of it.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("plain http")
    }
}

fn command(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(built(name));
    command
        .args(arguments)
        .env("LISTEN", "127.0.0.1:0")
        .env("NO_PROXY", "127.0.0.1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

async fn next(stdout: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = soon(stdout.next_line()).await.expect("readable output");
    line.expect("the example keeps running")
}

/// cargo puts the examples of a workspace beside the directory of its tests, if it builds them: as part of
/// `cargo test --workspace`, not for one test alone.
fn built(name: &str) -> PathBuf {
    let build = "run `cargo test --workspace`, or `cargo build -p cas-layer --all-features --examples` first";
    let test = env::current_exe().expect("a test is a program");
    let directory = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = directory
        .join("examples")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is not there: {build}",
        program.display()
    );
    let source = format!(
        "{}/../cas-layer/examples/{name}.rs",
        env!("CARGO_MANIFEST_DIR")
    );
    let changed = |path: &PathBuf| {
        let metadata = fs::metadata(path).expect("it is there");
        metadata.modified().expect("file systems know that")
    };
    assert!(
        changed(&program) >= changed(&source.into()),
        "{} is older than its source: {build}",
        program.display()
    );
    program
}
