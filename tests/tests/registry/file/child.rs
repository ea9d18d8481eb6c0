//! This program again, as a process that has a file open and comes to harm.

use std::{
    env,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use cas_layer::FileRegistry;
use tokio::runtime::Runtime;

use super::{disk_full, kill, opening};

/// What the child does.
const ROLE: &str = "CAS_TESTS_REGISTRY_ROLE";
/// The file that it opens.
const FILE: &str = "CAS_TESTS_REGISTRY_FILE";

/// A child with this role.
pub(super) fn command(role: &str, file: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    set_up(&mut command, role, file);
    command
}

/// A child that sees a signal's effect as an error, by its name in `trap`.
pub(super) fn command_that_ignores(signal: &str, role: &str, file: &Path) -> Command {
    let mut command = Command::new("sh");
    let script = format!("trap '' {signal}; exec \"$0\"");
    command
        .arg("-c")
        .arg(script)
        .arg(env::current_exe().unwrap());
    set_up(&mut command, role, file);
    command
}

fn set_up(command: &mut Command, role: &str, file: &Path) {
    command
        .env(ROLE, role)
        .env(FILE, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
}

/// What a child does; none in the process that runs the tests.
pub(crate) fn run() -> Option<ExitCode> {
    let role = env::var(ROLE).ok()?;
    let registry = FileRegistry::open(env::var_os(FILE).unwrap()).unwrap();
    let runtime = Runtime::new().unwrap();
    match role.as_str() {
        kill::ROLE => runtime.block_on(kill::sign_in_and_out(registry)),
        disk_full::ROLE => runtime.block_on(disk_full::sign_in_and_out(registry)),
        opening::ROLE => opening::hold(registry),
        _ => panic!("no such role: {role}"),
    }
    Some(ExitCode::SUCCESS)
}
