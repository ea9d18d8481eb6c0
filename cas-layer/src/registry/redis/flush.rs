//! Telling Redis of sign-outs.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    connection::Connection,
    failure::Failure,
    node::Node,
    queue::{Ending, Job},
    scripts::{self, Answer},
};
use crate::{
    clock::{Clock, UnixSeconds},
    registry::{RegistryError, RegistryErrorKind, recent::RecentLogout},
    session::SessionId,
};

/// How many sessions one script ends: a few milliseconds of Redis's time.
pub(super) const BATCH: usize = 500;

/// How long to wait before the next try, if Redis or its replicas do not accept what they get.
const AGAIN: Duration = Duration::from_secs(1);

/// Empties the queue into Redis, until the connection breaks.
pub(super) async fn flush(node: &Node, connection: &Connection) -> Failure {
    // So many of the first in the queue were written on this connection, and maybe not by replicas.
    let mut written = 0;
    let mut complaint = Complaint::default();
    loop {
        tokio::select! {
            () = node.queue.holds_more_than(written) => {}
            () = sleep(AGAIN), if written > 0 => {}
        }
        loop {
            let jobs = node.queue.next(written, BATCH);
            if jobs.is_empty() {
                break;
            }
            match write(node, connection, written, &jobs).await {
                Ok(()) => written += jobs.len(),
                Err(failure) if failure.breaks_connection() => return failure,
                Err(failure) => {
                    complaint.make(&failure.to_string());
                    node.queue.delay(written + jobs.len(), || refused(&failure));
                    sleep(AGAIN).await;
                    continue;
                }
            }
            if node.min_replicas == 0 {
                node.queue.finish(written);
                written = 0;
                complaint.withdraw();
            }
        }
        if written == 0 {
            continue;
        }
        if connection.replicas().have_all().await {
            node.queue.finish(written);
            written = 0;
            complaint.withdraw();
        } else {
            complaint.make(&not_replicated().to_string());
            node.queue.delay(written, not_replicated);
            // Their senders may ask again. They take no room from others meanwhile.
            written = node.queue.forget_unknown(written);
        }
    }
}

/// Logged when it begins and when it is over, not each time in between.
#[derive(Default)]
struct Complaint(Option<String>);

impl Complaint {
    fn make(&mut self, error: &str) {
        if self.0.as_deref() != Some(error) {
            tracing::error!(
                error,
                "sign-outs wait, because Redis does not record them durably"
            );
            self.0 = Some(error.to_owned());
        }
    }

    fn withdraw(&mut self) {
        if self.0.take().is_some() {
            tracing::info!("Redis accepts sign-outs again");
        }
    }
}

/// Writes these jobs, which are in the queue from `first` on.
async fn write(
    node: &Node,
    connection: &Connection,
    first: usize,
    jobs: &[Job],
) -> Result<(), Failure> {
    let (mut sessions, mut named, mut latest, mut accounts) =
        (Vec::new(), Vec::new(), 0, Vec::new());
    for (at, job) in (first..).zip(jobs) {
        match job.ending.as_ref() {
            Ending::Session(session) => sessions.push(*session),
            Ending::IfOpened { ids, sender, now } => {
                named.extend(ids.iter().map(|&id| (id, sender.share())));
                latest = latest.max(*now);
            }
            Ending::Account(end) => accounts.push((at, *end, job.is_waited_for)),
        }
    }
    let mut ends = Vec::new();
    if !sessions.is_empty() {
        ends.push(scripts::end(connection, &node.keys, &sessions));
    }
    if !named.is_empty() {
        ends.push(scripts::end_if_opened(
            connection, &node.keys, &named, latest,
        ));
    }
    for (_, end, is_waited_for) in &accounts {
        ends.push(scripts::end_all(
            connection,
            &node.keys,
            end,
            *is_waited_for,
        ));
    }
    let mut values = scripts::run_ends(connection, ends).await?.into_iter();
    let mut next = || values.next().unwrap_or(redis::Value::Nil);

    let now = Clock::System.now();
    if !sessions.is_empty() {
        next();
        for session in &sessions {
            node.ended.end(session.id, session.expires_at, now);
        }
    }
    if !named.is_empty() {
        let answers = scripts::answers(next())?;
        for (&(id, _), answer) in named.iter().zip(&answers) {
            learn(node, id, answer, now);
        }
        note_answers(node, first, jobs, &answers);
    }
    for (at, end, _) in &accounts {
        let (number, is_sure) = scripts::ended_upto(next())?;
        if !is_sure {
            node.queue.delay_one(*at, late);
        }
        node.facts.saw_number(number);
        if end.call.is_some() {
            node.ended
                .end_all_as_told(end.account, number, end.expires_at, now);
        } else {
            node.ended.end_all(end.account, number, end.expires_at, now);
        }
    }
    Ok(())
}

/// Takes over what Redis says of a named session.
fn learn(node: &Node, id: SessionId, answer: &Answer, now: UnixSeconds) {
    match *answer {
        Answer::Ended { expires_at, family } => {
            // The family first: nobody sees that one of its sessions has ended and another has not.
            if let Some(family) = family {
                node.ended.end(family.id, family.expires_at, now);
            }
            node.ended.end(id, expires_at, now);
        }
        Answer::Kept { expires_at } => node.ended.end(id, expires_at, now),
        Answer::HadEnded => node.heard_of_end(id, now),
        Answer::EndedEarly | Answer::Unknown | Answer::NoRoom => {}
    }
}

/// Hands the answers out to the jobs that asked.
fn note_answers(node: &Node, first: usize, jobs: &[Job], answers: &[Answer]) {
    let mut answers = answers.iter().copied();
    for (at, job) in (first..).zip(jobs) {
        if let Ending::IfOpened { ids, sender, now } = job.ending.as_ref() {
            let own: Vec<_> = answers.by_ref().take(ids.len()).collect();
            let ids = ids.iter().zip(&own);
            let unknown = ids.filter(|(_, answer)| **answer == Answer::Unknown);
            node.unknown.note(RecentLogout {
                ids: unknown.map(|(&id, _)| id).collect(),
                sender: *sender,
                now: *now,
            });
            node.queue.answered(at, &own, &node.ended);
        }
    }
}

pub(super) fn not_replicated() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Unavailable,
        "too few replicas of Redis have confirmed it in time",
    )
}

fn late() -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Unavailable,
        "Redis heard too late of the end of all sessions to tell those from later ones",
    )
}

fn refused(failure: &Failure) -> RegistryError {
    RegistryError::new(
        RegistryErrorKind::Unavailable,
        "Redis does not accept it at the moment",
    )
    .with_source(failure.to_string())
}
