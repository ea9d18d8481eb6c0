//! Whether a history keeps what the registry promises. Looks at nothing but the history.
//!
//! - What was answered as ended is not live for anybody who is asked later than the promised delay; for the process that
//!   answered, not even at once.
//! - A session that nobody tried to end, and that has not expired, is never said to have ended.
//! - The end of all sessions of a user ends those that were opened before it was asked for, and none that was asked for
//!   after its answer.
//! - Nobody is ever taken for somebody else.
//! - Once everything is undone and has settled, every process answers, and all say the same.
//!
//! A node that is cut off and ends all sessions of a user cannot know which sessions are opened elsewhere just then. Those
//! may end or go on. Its answer is an error.
//!
//! An answer that says nothing (503), or none at all, counts for nothing. What was asked for without a clear answer may or
//! may not have happened, so it neither ends a session nor leaves it alone.
//!
//! No busy machine may raise a false alarm. The delay is counted from the answer, and is longer by what the checker and the
//! process that was asked say that they were late themselves.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::history::{Action, History, Line, Micros, Operation, Outcome, Process, Promises};

/// What the way to the process and back may take in addition.
const SLACK: Duration = Duration::from_secs(1);

/// After a loss: how long it takes at most until all nodes have noticed it and have written again what they know.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// By how many seconds the clock of the node that signs in may be ahead of that of another one. A cookie from further in
/// the future is refused.
const FUTURE: i64 = 280;

/// A promise that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A session that has ended is live.
    ComesBack,
    /// A session that nobody ended has ended.
    IsLost,
    /// A user is taken for another one.
    SomebodyElse,
    /// A process does not answer although nothing is wrong any more.
    NoAnswer,
    /// Two processes disagree although nothing is wrong any more.
    Disagree,
}

/// What is wrong, in words, and the lines of the history that show it.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The promise.
    pub rule: Rule,
    /// What is wrong.
    pub text: String,
    /// The lines, as JSON.
    pub lines: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)?;
        self.lines
            .iter()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Checks a history. A session is reported once at most.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let told = Told::new(history);
    let violations = told.sessions.values();
    violations
        .filter_map(|session| told.judge(session))
        .collect()
}

/// Whether the end of all sessions of a user may be about this one too.
fn may_concern(history: &History, all: &Operation, opened: &Operation) -> bool {
    if all.answered >= opened.asked {
        return true;
    }
    match all.outcome {
        // It may happen any time later.
        Outcome::Unknown => true,
        // A node that is cut off does not know what is opened elsewhere, until the store has heard of it.
        Outcome::DoneHere if all.process != opened.process => {
            let mut undone = history.faults().filter(|fault| fault.from <= all.answered);
            let last = undone.try_fold(all.answered, |last, fault| Some(last.max(fault.to?)));
            last.is_none_or(|last| opened.asked <= last + micros(RECOVERY))
        }
        _ => false,
    }
}

/// A session, and what concerns it.
struct Session<'h> {
    opened: &'h Operation,
    /// Requests for its end, and for that of all sessions of its user.
    ends: Vec<&'h Operation>,
    reads: Vec<&'h Operation>,
}

/// The history by what it is about.
struct Told<'h> {
    history: &'h History,
    promises: &'h Promises,
    sessions: BTreeMap<u64, Session<'h>>,
    /// When each process was started and killed.
    processes: BTreeMap<Process, (Micros, Option<Micros>)>,
    settled: Option<Micros>,
}

impl<'h> Told<'h> {
    fn new(history: &'h History) -> Self {
        let mut told = Self {
            history,
            promises: &history.promises,
            sessions: BTreeMap::new(),
            processes: BTreeMap::new(),
            settled: None,
        };
        let mut of_users = BTreeMap::<&str, Vec<&Operation>>::new();
        for line in &history.lines {
            match line {
                Line::Process { process, from, to } => {
                    told.processes.insert(*process, (*from, *to));
                }
                Line::Settled { at } => told.settled = Some(*at),
                Line::Operation(operation) => match (operation.action, operation.session) {
                    (Action::SignIn, Some(id)) if operation.outcome == Outcome::Done => {
                        let session = Session {
                            opened: operation,
                            ends: Vec::new(),
                            reads: Vec::new(),
                        };
                        told.sessions.insert(id, session);
                    }
                    (Action::EndAll, _) => {
                        of_users.entry(&operation.user).or_default().push(operation);
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        for operation in history.operations() {
            let session = operation.session.and_then(|id| told.sessions.get_mut(&id));
            match (session, operation.action) {
                (Some(session), Action::Read) => session.reads.push(operation),
                (Some(session), Action::SignOut | Action::SingleLogout) => {
                    session.ends.push(operation);
                }
                _ => {}
            }
        }
        for session in told.sessions.values_mut() {
            let all = of_users.get(session.opened.user.as_str());
            let all = all.into_iter().flatten();
            let concern = all.filter(|all| may_concern(history, all, session.opened));
            session.ends.extend(concern);
        }
        told
    }

    /// What is wrong with a session.
    fn judge(&self, session: &Session<'_>) -> Option<Violation> {
        let reads = || session.reads.iter().copied();
        let wrong = reads().find_map(|read| match read.outcome {
            Outcome::Live => self.comes_back(session, read),
            Outcome::Ended => self.is_lost(session, read),
            Outcome::SomebodyElse => Some(self.violation(
                Rule::SomebodyElse,
                "the cookie of one user is taken for that of another",
                &[session.opened, read],
            )),
            _ => None,
        });
        wrong.or_else(|| self.is_unclear(session))
    }

    fn comes_back(&self, session: &Session<'_>, read: &Operation) -> Option<Violation> {
        let end = session
            .ends
            .iter()
            .find(|end| self.is_certain(end, session) && self.has_to_know(end, read))?;
        let late = Duration::from_micros(read.asked - end.answered);
        let whom = if end.process == read.process {
            "the same process"
        } else {
            "another process"
        };
        let text = format!(
            "session {} was ended, and {whom} takes it for live when asked {late:?} later",
            session.opened.session.unwrap_or_default()
        );
        Some(self.violation(Rule::ComesBack, &text, &[session.opened, end, read]))
    }

    /// Whether an end that was asked for has ended this session, for the process that answered at least.
    fn is_certain(&self, end: &Operation, session: &Session<'_>) -> bool {
        let is_done = matches!(end.outcome, Outcome::Done | Outcome::DoneHere);
        let concerns = match end.action {
            // Some of them may have been opened meanwhile, or just before at nodes from which it is cut off.
            Action::EndAll => {
                let opened = session.opened;
                let is_same = end.process == opened.process;
                let knows = is_same || end.outcome == Outcome::Done;
                let is_after = || is_same || self.is_after_by_clock(end, opened);
                knows && end.asked > opened.answered && is_after()
            }
            // Another process knows of no session that a message could end.
            Action::SingleLogout => {
                self.promises.outlives_process || end.process == session.opened.process
            }
            _ => true,
        };
        is_done && concerns
    }

    /// Whether the registry can tell that the session was opened before. If it forgets when its process ends, it has the
    /// clock alone for that, which may have gone back.
    fn is_after_by_clock(&self, end: &Operation, opened: &Operation) -> bool {
        if self.promises.outlives_process {
            return true;
        }
        let before = self.history.operations();
        let before = before.filter(|it| it.asked <= opened.answered);
        before.map(wall_clock).max() < Some(wall_clock(end))
    }

    /// Whether the process that was asked has to know of this end.
    fn has_to_know(&self, end: &Operation, read: &Operation) -> bool {
        if end.answered >= read.asked {
            return false;
        }
        if end.process == read.process {
            return true;
        }
        if !self.promises.outlives_process {
            return false;
        }
        if end.outcome == Outcome::DoneHere {
            // The others hear of it when the registry is back, unless the process has died before.
            return self.settled.is_some_and(|settled| {
                let lives = |to: &Option<Micros>| to.is_none_or(|to| to >= settled);
                let process = self.processes.get(&end.process);
                settled <= read.asked && process.is_some_and(|(_, to)| lives(to))
            });
        }
        let allowed = micros(self.promises.delay) + micros(SLACK);
        let since = read.asked - end.answered;
        since > allowed
            && since > allowed + read.stall + self.stall(end.answered, read.asked)
            && !self.is_excused(end, read)
    }

    /// How late the checker was in this time, at worst.
    fn stall(&self, from: Micros, to: Micros) -> Micros {
        let late = self.history.lines.iter().filter_map(|line| match line {
            Line::Stall { at, late } if *at >= from && at - late <= to => Some(*late),
            _ => None,
        });
        late.max().unwrap_or_default()
    }

    /// Whether the store has lost the end just before, and no node can have written it again yet that knew it.
    fn is_excused(&self, end: &Operation, read: &Operation) -> bool {
        let started = self.processes.get(&read.process).map(|(from, _)| *from);
        let is_new = started.is_none_or(|from| from > end.asked);
        self.history
            .faults()
            .filter(|fault| fault.loses)
            .any(|fault| {
                let over = fault.to.map(|to| to + micros(RECOVERY));
                let is_while =
                    read.asked >= fault.from && over.is_none_or(|over| read.asked <= over);
                let ended_while = end.answered + micros(self.promises.delay) >= fault.from;
                is_while && (is_new || ended_while)
            })
    }

    fn is_lost(&self, session: &Session<'_>, read: &Operation) -> Option<Violation> {
        let opened = session.opened;
        if session.ends.iter().any(|end| end.asked <= read.answered)
            || self.is_out_of_time(opened, read)
        {
            return None;
        }
        let text = format!(
            "session {} of {} has ended for a process although nobody has ended it",
            opened.session.unwrap_or_default(),
            opened.user
        );
        Some(self.violation(Rule::IsLost, &text, &[opened, read]))
    }

    /// Whether the clocks of the two nodes are so far apart that the cookie is not good at the second one.
    fn is_out_of_time(&self, opened: &Operation, read: &Operation) -> bool {
        let lifetime = i64::try_from(self.promises.lifetime.as_secs()).unwrap_or(i64::MAX);
        let passed = i64::try_from((read.answered - opened.asked) / 1_000_000).unwrap_or(i64::MAX);
        let age = passed + read.clock - opened.clock;
        age < -FUTURE || age + 2 >= lifetime
    }

    /// What is wrong with a session in the end.
    fn is_unclear(&self, session: &Session<'_>) -> Option<Violation> {
        let settled = self.settled?;
        let last = session.reads.iter().filter(|read| read.asked >= settled);
        let last: Vec<_> = last.copied().collect();
        let silent =
            |read: &&&Operation| matches!(read.outcome, Outcome::Failed | Outcome::Unknown);
        if let Some(silent) = last.iter().find(silent) {
            let text =
                "everything works again, and a process does not say whether a session is live";
            return Some(self.violation(Rule::NoAnswer, text, &[session.opened, silent]));
        }
        let (first, others) = last.split_first()?;
        let differs = |read: &&&Operation| {
            read.outcome != first.outcome && !self.is_out_of_time(session.opened, read)
        };
        let other = others.iter().find(differs)?;
        let mut lines = vec![session.opened];
        lines.extend(&session.ends);
        lines.extend([first, other]);
        let text = format!(
            "everything works again, and two processes disagree on session {}",
            session.opened.session.unwrap_or_default()
        );
        Some(self.violation(Rule::Disagree, &text, &lines))
    }

    /// With the lines, and what the nemesis did between the first and the last of them.
    fn violation(&self, rule: Rule, text: &str, operations: &[&Operation]) -> Violation {
        let from = operations
            .iter()
            .map(|it| it.asked)
            .min()
            .unwrap_or_default();
        let to = operations
            .iter()
            .map(|it| it.answered)
            .max()
            .unwrap_or_default();
        let json = |line: &Line| serde_json::to_string(line).unwrap_or_default();
        let operations = operations
            .iter()
            .map(|&it| json(&Line::Operation(it.clone())));
        let faults = self.history.faults();
        let faults =
            faults.filter(|fault| fault.from <= to && fault.to.is_none_or(|end| end >= from));
        Violation {
            rule,
            text: text.to_owned(),
            lines: operations
                .chain(faults.map(|fault| json(&Line::Fault(fault.clone()))))
                .collect(),
        }
    }
}

/// The seconds that the clock of a node showed when it was asked, from some time on.
fn wall_clock(operation: &Operation) -> i64 {
    let asked = i64::try_from(operation.asked / 1_000_000).unwrap_or(i64::MAX);
    asked.saturating_add(operation.clock)
}

fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
