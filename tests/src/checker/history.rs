//! What was asked, what was answered, and what happened meanwhile.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since the run began, by the one clock of the checker. It never goes back.
pub type Micros = u64;

/// A process: the number of its node, and how often the node had been started before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// The node's number.
    pub node: usize,
    /// 0 for its first process.
    pub run: u32,
}

/// What the registry promises: what a history is checked against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promises {
    /// How long after the answer a session may still be taken for live by another process.
    pub delay: Duration,
    /// Whether an answer still holds once the process that gave it is gone.
    pub outlives_process: bool,
    /// How long a session lasts.
    pub lifetime: Duration,
}

/// What a request wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new session, through the whole sign-in.
    SignIn,
    /// A page that needs a user, with the session's cookie.
    Read,
    /// The endpoint for sign-out, with the session's cookie.
    SignOut,
    /// A message of the CAS server that names the session's ticket.
    SingleLogout,
    /// The end of all sessions of a user, asked for by the app.
    EndAll,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done: a session was opened, or ended for good.
    Done,
    /// The session has ended for the process that answered. Others hear of it when the registry can be reached.
    DoneHere,
    /// The session is live.
    Live,
    /// The session has ended.
    Ended,
    /// The page is that of another user.
    SomebodyElse,
    /// The answer says that it is not known, or was not done.
    Failed,
    /// There was no answer in time, or none that can be understood.
    Unknown,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What it wanted.
    pub action: Action,
    /// Which session it was about. `None` for the end of all.
    pub session: Option<u64>,
    /// Whose session.
    pub user: String,
    /// Who was asked.
    pub process: Process,
    /// By how many seconds the clock of that node was ahead; less than 0 if it was behind.
    pub clock: i64,
    /// When it was asked.
    pub asked: Micros,
    /// When the answer was read, or the checker gave up.
    pub answered: Micros,
    /// What became of it.
    pub outcome: Outcome,
    /// The status, and what else explains the outcome.
    pub detail: String,
    /// How late the process itself was at something that it does every few milliseconds, at worst of late.
    pub stall: Micros,
}

/// Something that the nemesis did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What it is called.
    pub name: String,
    /// What exactly was done.
    pub detail: String,
    /// When it began.
    pub from: Micros,
    /// When it was undone. `None` if it was not.
    pub to: Option<Micros>,
    /// Whether the store may have lost something that it had confirmed. The nodes then write it again.
    pub loses: bool,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first one.
    Promises(Promises),
    /// A request and its answer.
    Operation(Operation),
    /// Something that the nemesis did.
    Fault(Fault),
    /// A process, and how long it was there.
    Process {
        /// Which.
        process: Process,
        /// When it was started.
        from: Micros,
        /// When it was killed.
        to: Option<Micros>,
    },
    /// The checker itself was late by so much: the machine is busy.
    Stall {
        /// When it noticed.
        at: Micros,
        /// By how much.
        late: Micros,
    },
    /// Everything has been undone, and had the time to settle. What is read from here on is final.
    Settled {
        /// When.
        at: Micros,
    },
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What it is checked against.
    pub promises: Promises,
    /// In the order in which they ended.
    pub lines: Vec<Line>,
}

impl History {
    /// As JSON, a line each.
    #[must_use]
    pub fn to_json(&self) -> String {
        let first = Line::Promises(self.promises.clone());
        let lines = std::iter::once(&first).chain(&self.lines);
        let text = lines.map(|line| serde_json::to_string(line).expect("plain data") + "\n");
        text.collect()
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let read = serde_json::from_str(line);
            lines.push(read.map_err(|error| format!("line {}: {error}", number + 1))?);
        }
        if lines.is_empty() {
            return Err("the file is empty".to_owned());
        }
        match lines.remove(0) {
            Line::Promises(promises) => Ok(Self { promises, lines }),
            _ => Err("line 1 does not say what the registry promises".to_owned()),
        }
    }

    /// The requests.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.lines.iter().filter_map(|line| match line {
            Line::Operation(operation) => Some(operation),
            _ => None,
        })
    }

    /// What the nemesis did.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.lines.iter().filter_map(|line| match line {
            Line::Fault(fault) => Some(fault),
            _ => None,
        })
    }
}
