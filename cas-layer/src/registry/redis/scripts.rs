//! The steps in Redis. Each step is one script, so that it happens whole or not at all.
//!
//! The scripts are sent in full each time. That costs five kilobytes at sign-in and sign-out, and saves the
//! case in which Redis has forgotten them.

use std::time::{Duration, Instant};

use redis::{Cmd, FromRedisValue, Pipeline, RedisError};

use super::{
    connection::Connection,
    entry_id::EntryId,
    facts::{Base, RedisTime},
    failure::Failure,
    keys::Keys,
    stream::id_of,
};
use crate::{
    clock::UnixSeconds,
    registry::{AccountId, LONGEST, Opened, sender::LogoutShare},
    session::SessionId,
};

/// How many ids of unknown sessions, two for each ticket, are kept after Redis lost something: for listed senders, for the back channel, and
/// for the front channel.
const KEPT: [u32; LogoutShare::COUNT] = [100_000, 50_000, 50_000];

macro_rules! script {
    ($($file:literal),+) => {
        concat!($(include_str!(concat!("lua/", $file, ".lua")), "\n"),+)
    };
}
pub(super) use script;

const LOOK: &str = script!("common", "look");
const JOIN: &str = script!("common", "join");
const BEGIN: &str = script!("common", "guard", "begin");
const ABANDON: &str = script!("common", "guard", "abandon");
const OPEN: &str = script!("common", "guard", "open");
const END: &str = script!("common", "guard", "end");
const END_IF_OPENED: &str = script!("common", "guard", "end_if_opened");
const END_ALL: &str = script!("common", "guard", "end_all");
const REOPEN: &str = script!("common", "guard", "reopen");

/// A session as the scripts take it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasting {
    pub(super) id: SessionId,
    pub(super) expires_at: UnixSeconds,
    /// How long until it expires, by the clock of the node that sealed it, so that a clock that goes wrong does not
    /// matter.
    pub(super) seconds: UnixSeconds,
}

/// The state of the registry in Redis.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) time: RedisTime,
    pub(super) epoch: String,
    pub(super) number: u64,
    pub(super) longest: UnixSeconds,
    pub(super) is_recovering: bool,
    /// The last entry of the stream, whether it is still there or not.
    pub(super) last: EntryId,
    /// Whether the entry that the node has seen last is there.
    pub(super) has_seen: bool,
    /// How many unknown sessions are kept, for each share.
    pub(super) kept: [u64; LogoutShare::COUNT],
    pub(super) base: Base,
}

/// A family that has ended with one of its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndedFamily {
    pub(super) id: SessionId,
    /// When the last of its sessions expires.
    pub(super) expires_at: UnixSeconds,
}

/// The result for one session that a message from the network named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Ended now, and all nodes are told.
    Ended {
        expires_at: UnixSeconds,
        family: Option<EndedFamily>,
    },
    /// Unknown because Redis lost something, and noted as ended for all nodes, in case somebody has it.
    Kept { expires_at: UnixSeconds },
    /// Ended now, before it was open.
    EndedEarly,
    /// Was ended before.
    HadEnded,
    /// Neither begun nor opened.
    Unknown,
    /// Unknown because Redis lost something, and there is no room to keep it.
    NoRoom,
}

/// One end of an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountEnd {
    pub(super) account: AccountId,
    pub(super) number: u64,
    pub(super) expires_at: UnixSeconds,
    pub(super) seconds: UnixSeconds,
    /// The call that Redis has not heard of yet. `None` for an end that is known.
    pub(super) call: Option<EndCall>,
}

/// What was known when an end was called for.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndCall {
    /// The number of [`Standing::base`].
    pub(super) base: u64,
    /// The time by the clock of Redis, in microseconds.
    pub(super) redis_time: u64,
    pub(super) at: Instant,
}

pub(super) async fn look(
    connection: &Connection,
    keys: &Keys,
    seen: EntryId,
) -> Result<Standing, Failure> {
    type Raw = (
        (String, u64, u64, u64),
        (bool, String, bool),
        [u64; LogoutShare::COUNT],
        (u64, u64),
    );
    let mut command = eval(LOOK, keys, []);
    command.arg(seen.to_string());
    let asked = Instant::now();
    let ((epoch, micros, number, longest), (is_recovering, last, has_seen), kept, base): Raw =
        connection.run(&command).await?;
    Ok(Standing {
        time: RedisTime {
            micros,
            asked,
            answered: Instant::now(),
        },
        epoch,
        number,
        longest,
        is_recovering,
        last: EntryId::parse(&last).ok_or_else(unexpected)?,
        has_seen,
        kept,
        base: base.into(),
    })
}

/// What Redis tells a node that joins.
#[derive(Debug)]
pub(super) struct Joined {
    /// When Redis was asked.
    pub(super) asked: Instant,
    pub(super) epoch: String,
    /// Whether Redis may have lost something.
    pub(super) is_marked: bool,
    pub(super) micros: u64,
    pub(super) number: u64,
    /// Whether the highest number of the node is impossible.
    pub(super) is_refused: bool,
    /// The keys that held an impossible value.
    pub(super) repaired: Vec<String>,
    pub(super) base: Base,
}

/// `reached` is the number to which the Redis of before may have come by now, if something was lost.
pub(super) async fn join(
    connection: &Connection,
    keys: &Keys,
    new_epoch: &str,
    longest: UnixSeconds,
    highest: u64,
    reached: Option<u64>,
    kept: [u64; LogoutShare::COUNT],
) -> Result<Joined, Failure> {
    type Raw = (String, bool, u64, u64, bool, Vec<String>, (u64, u64));
    let mut command = eval(JOIN, keys, []);
    command
        .arg(new_epoch)
        .arg(connection.instance())
        .arg(longest)
        .arg(highest)
        .arg(u8::from(reached.is_some()))
        .arg(&kept)
        .arg(reached.unwrap_or_default());
    let asked = Instant::now();
    let (epoch, is_marked, micros, number, is_refused, repaired, base): Raw =
        connection.run(&command).await?;
    Ok(Joined {
        asked,
        epoch,
        is_marked,
        micros,
        number,
        is_refused,
        repaired,
        base: base.into(),
    })
}

pub(super) async fn begin(
    connection: &Connection,
    keys: &Keys,
    id: SessionId,
    lasts: Duration,
) -> Result<(), Failure> {
    let mut command = guarded(BEGIN, keys, connection, [id]);
    command
        .arg(connection.instance())
        // Rounded up, and never nothing, nor longer than Redis can count.
        .arg(lasts.as_secs().min(LONGEST).saturating_add(1));
    connection.run(&command).await
}

pub(super) async fn abandon(
    connection: &Connection,
    keys: &Keys,
    id: SessionId,
) -> Result<(), Failure> {
    let command = guarded(ABANDON, keys, connection, [id]);
    connection.run(&command).await
}

/// `None` where the beginning is unknown, or older than this run of Redis.
pub(super) async fn open(
    connection: &Connection,
    keys: &Keys,
    (session, family): (Lasting, Option<SessionId>),
    highest: u64,
) -> Result<Option<Opened>, Failure> {
    let mut command = guarded(OPEN, keys, connection, [session.id]);
    command
        .arg(connection.instance())
        .arg(session.expires_at)
        .arg(session.seconds)
        .arg(highest)
        .arg(text_of(family));
    let answer: Vec<String> = connection.run(&command).await?;
    let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
    match answer.as_slice() {
        ["live", number] => {
            let number = number.parse().map_err(|_| unexpected())?;
            Ok(Some(Opened::Live { number }))
        }
        ["ended"] => Ok(Some(Opened::Ended)),
        ["unknown"] => Ok(None),
        _ => Err(unexpected()),
    }
}

/// Ends sessions, for [`run_ends`].
pub(super) fn end(connection: &Connection, keys: &Keys, sessions: &[Lasting]) -> Cmd {
    let mut command = guarded(END, keys, connection, sessions.iter().map(|s| s.id));
    add_sessions(&mut command, sessions);
    command
}

/// Ends those that were begun or opened, for [`run_ends`].
pub(super) fn end_if_opened(
    connection: &Connection,
    keys: &Keys,
    named: &[(SessionId, LogoutShare)],
    now: UnixSeconds,
) -> Cmd {
    let ids = named.iter().map(|&(id, _)| id);
    let mut command = guarded(END_IF_OPENED, keys, connection, ids);
    command.arg(now).arg(&KEPT);
    for (id, share) in named {
        // Lua counts from one.
        command.arg(id.to_string()).arg(share.index() + 1);
    }
    command
}

/// What Redis knows of sessions that a message names.
#[derive(Debug)]
pub(super) struct Found {
    /// Begun or opened.
    pub(super) live: Vec<SessionId>,
    pub(super) ended: Vec<SessionId>,
    pub(super) unknown: Vec<SessionId>,
    pub(super) when_unknown: WhenUnknown,
    /// How many unknown sessions were kept for such a sender.
    pub(super) kept: u32,
    pub(super) time: RedisTime,
}

/// What Redis does with sessions that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenUnknown {
    /// Nobody has opened them.
    Forget,
    /// Redis lost something, and they may have been lost too.
    Keep,
    /// The same, and there is no room for more.
    NoRoom,
}

/// Looks for sessions. This is not a script: strangers can cause it, and a read is the cheapest way.
pub(super) async fn find(
    connection: &Connection,
    keys: &Keys,
    ids: &[SessionId],
    share: LogoutShare,
) -> Result<Found, Failure> {
    let mut commands = Pipeline::new();
    commands.cmd("TIME");
    commands.cmd("MGET").arg(&keys.beside_sessions(share));
    for &id in ids {
        commands.arg(keys.session(id));
    }
    let asked = Instant::now();
    let values = connection.run_all(&commands).await?;
    let [time, values] = values.try_into().map_err(|_| unexpected())?;
    let (seconds, micros): (u64, u64) = read(time)?;
    let time = RedisTime {
        micros: seconds.saturating_mul(1_000_000).saturating_add(micros),
        asked,
        answered: Instant::now(),
    };
    let values: Vec<Option<Vec<u8>>> = read(values)?;
    let [epoch, recovering, kept, states @ ..] = values.as_slice() else {
        return Err(unexpected());
    };
    if epoch.as_deref() != Some(connection.epoch().as_bytes()) {
        return Err(Failure::Lost);
    }
    if states.len() != ids.len() {
        return Err(unexpected());
    }
    let kept = kept.as_deref().map_or(Some(0), |kept| {
        str::from_utf8(kept).ok()?.parse::<u32>().ok()
    });
    let mut found = Found {
        live: Vec::new(),
        ended: Vec::new(),
        unknown: Vec::new(),
        kept: kept.unwrap_or_default(),
        time,
        when_unknown: match (recovering, kept) {
            (None, _) => WhenUnknown::Forget,
            (Some(_), Some(kept)) if kept < KEPT[share.index()] => WhenUnknown::Keep,
            (Some(_), _) => WhenUnknown::NoRoom,
        },
    };
    for (&id, state) in ids.iter().zip(states) {
        let known = match state.as_deref().and_then(<[u8]>::first) {
            None => &mut found.unknown,
            Some(b'e' | b'x') => &mut found.ended,
            Some(_) => &mut found.live,
        };
        known.push(id);
    }
    Ok(found)
}

/// The answer to [`end_if_opened`].
pub(super) fn answers(value: redis::Value) -> Result<Vec<Answer>, Failure> {
    let answers: Vec<String> = read(value)?;
    let answers = answers.iter().map(|answer| match answer.as_str() {
        "had-ended" => Some(Answer::HadEnded),
        "unknown" => Some(Answer::Unknown),
        "no-room" => Some(Answer::NoRoom),
        "ended-early" => Some(Answer::EndedEarly),
        other => match other.split_once(' ')? {
            ("ended", rest) => ended(rest),
            ("kept", expires_at) => Some(Answer::Kept {
                expires_at: expires_at.parse().ok()?,
            }),
            _ => None,
        },
    });
    answers.collect::<Option<_>>().ok_or_else(unexpected)
}

/// What follows `ended` in such an answer.
fn ended(rest: &str) -> Option<Answer> {
    let (expires_at, family) = match rest.split(' ').collect::<Vec<_>>().as_slice() {
        [expires_at] => (expires_at.parse().ok()?, None),
        [expires_at, id, last_expires_at] => {
            let family = EndedFamily {
                id: id_of(id.as_bytes())?.into(),
                expires_at: last_expires_at.parse().ok()?,
            };
            (expires_at.parse().ok()?, Some(family))
        }
        _ => return None,
    };
    Some(Answer::Ended { expires_at, family })
}

/// Ends an account's sessions, for [`run_ends`]. If somebody waits for the answer, the end is of all sessions that are open when
/// Redis gets to it.
pub(super) fn end_all(
    connection: &Connection,
    keys: &Keys,
    end: &AccountEnd,
    is_waited_for: bool,
) -> Cmd {
    let mut command = guarded(END_ALL, keys, connection, []);
    command
        .arg(end.account.to_string())
        .arg(end.number)
        .arg(end.expires_at)
        .arg(end.seconds);
    if let Some(call) = &end.call {
        let ago = call.at.elapsed().as_micros();
        let patience = if is_waited_for {
            connection.limit().as_micros()
        } else {
            0
        };
        command
            .arg(call.base)
            .arg(call.redis_time)
            .arg(ago.to_string())
            .arg(patience.to_string());
    }
    command
}

/// The number up to which [`end_all`] has ended an account's sessions, and whether those are all that were opened before the
/// call.
pub(super) fn ended_upto(value: redis::Value) -> Result<(u64, bool), Failure> {
    read(value)
}

/// How many sessions [`end`] has ended that had not ended before.
pub(super) fn number(value: redis::Value) -> Result<u64, Failure> {
    read(value)
}

/// Runs ends in one go.
pub(super) async fn run_ends(
    connection: &Connection,
    ends: Vec<Cmd>,
) -> Result<Vec<redis::Value>, Failure> {
    let mut pipeline = Pipeline::with_capacity(ends.len());
    for end in ends {
        pipeline.add_command(end);
    }
    connection.run_all(&pipeline).await
}

/// Says for each whether it has ended.
pub(super) async fn reopen(
    connection: &Connection,
    keys: &Keys,
    sessions: &[(Lasting, Option<SessionId>)],
    highest: u64,
) -> Result<Vec<bool>, Failure> {
    let ids = sessions.iter().map(|(session, _)| session.id);
    let mut command = guarded(REOPEN, keys, connection, ids);
    command.arg(highest);
    for (session, family) in sessions {
        add_sessions(&mut command, std::slice::from_ref(session));
        command.arg(text_of(*family));
    }
    connection.run(&command).await
}

fn add_sessions(command: &mut Cmd, sessions: &[Lasting]) {
    for session in sessions {
        command
            .arg(session.id.to_string())
            .arg(session.expires_at)
            .arg(session.seconds);
    }
}

/// A family as the scripts take it; empty for none.
fn text_of(family: Option<SessionId>) -> String {
    family.map_or_else(String::new, |family| family.to_string())
}

/// A script that runs only if Redis has lost nothing.
fn guarded(
    code: &str,
    keys: &Keys,
    connection: &Connection,
    sessions: impl IntoIterator<Item = SessionId>,
) -> Cmd {
    let mut command = eval(code, keys, sessions);
    command.arg(connection.epoch());
    command
}

fn eval(code: &str, keys: &Keys, sessions: impl IntoIterator<Item = SessionId>) -> Cmd {
    let sessions = sessions.into_iter();
    let sessions: Vec<String> = sessions.flat_map(|id| keys.session_and_kept(id)).collect();
    let shared = keys.shared();
    let mut command = redis::cmd("EVAL");
    command
        .arg(code)
        .arg(shared.len() + sessions.len())
        .arg(shared);
    if !sessions.is_empty() {
        command.arg(sessions);
    }
    command
}

fn read<T: FromRedisValue>(value: redis::Value) -> Result<T, Failure> {
    Ok(T::from_redis_value(value).map_err(RedisError::from)?)
}

pub(super) fn unexpected() -> Failure {
    RedisError::from((
        redis::ErrorKind::UnexpectedReturnType,
        "a script of the registry was answered by something else",
    ))
    .into()
}
