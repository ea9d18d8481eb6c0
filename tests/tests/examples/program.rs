//! An example as a child process.

use std::{env, fs, path::PathBuf, process::Stdio, time::Duration};

use cas_layer::testing::CasServer;
use cas_layer_tests::{
    flow::{PASSWORD, USER},
    visitor::{Answer, Visitor},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// Far longer than anything here ever takes: it decides between slow and stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// Fails a test that would wait for ever.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(LIMIT, future).await.expect("it hangs")
}

/// A running example on a free port, with a CAS server of its own. It is killed when dropped.
pub(crate) struct Program {
    pub(crate) cas: CasServer,
    _child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl Program {
    /// Starts the example `name`; `arguments` follow after the URL of the CAS server.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Self {
        let cas = CasServer::start().await.unwrap();
        let mut child = Command::new(built(name))
            .arg(cas.url())
            .args(arguments)
            .env("LISTEN", "127.0.0.1:0")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = next(&mut stdout).await;
        let url = line.strip_prefix("Listening on ");
        let url = url.expect("the example says where it listens").to_owned();
        Self {
            cas,
            _child: child,
            stdout,
            url,
        }
    }

    /// The next line that the program prints.
    pub(crate) async fn says(&mut self) -> String {
        next(&mut self.stdout).await
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Opens `path`, signs in at the CAS server on the way, and comes back.
    pub(crate) async fn sign_in(&self, visitor: &Visitor, path: &str) -> Answer {
        let form = visitor.open(&self.at(path)).await;
        assert!(form.asks_for_password(), "{}", form.body);
        let fields = [("username", USER), ("password", PASSWORD)];
        let answer = visitor.send_form(&form, &fields).await;
        visitor.follow(answer).await
    }
}

async fn next(stdout: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = soon(stdout.next_line()).await.unwrap();
    line.expect("the example keeps running")
}

/// cargo puts the examples of a workspace beside the directory of its tests, if it builds them: as part of
/// `cargo test --workspace`, not for one test alone.
fn built(name: &str) -> PathBuf {
    let build = "run `cargo test --workspace`, or `cargo build -p cas-layer --all-features --examples` first";
    let test = env::current_exe().unwrap();
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
    let changed = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    assert!(
        changed(&program) >= changed(&source.into()),
        "{} is older than its source: {build}",
        program.display()
    );
    program
}
