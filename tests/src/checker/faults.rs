//! What can go wrong, and which of it is tried with which registry.

use super::{clock::Clocks, store::Kind};

/// What a fault needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// A node, whatever its registry is.
    Node,
    /// A clock that can be moved.
    Clock,
    File,
    /// The way to a server that nodes share.
    Network,
    Redis,
    Postgres,
    /// Redis servers of which one takes over by itself.
    Guarded,
}

impl At {
    /// Whether it is the store that a fault is about.
    pub(super) fn is_store(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Redis | Self::Postgres | Self::Guarded
        )
    }
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    NodeKill,
    NodeStop,
    Strangers,
    ClockMinutes,
    ClockHours,
    ClockLifetime,
    DiskFull,
    FileDamage,
    Partition,
    PartitionAll,
    SlowNetwork,
    PostgresKill,
    PostgresStop,
    RedisKill,
    RedisStop,
    RedisFull,
    RedisEvicts,
    RedisEmpty,
    RedisOldCopy,
    Failover,
    FailoverSplit,
    FailoverMinute,
    RedisClockMinutes,
    RedisClockHours,
    MasterKill,
    MasterStop,
}

/// A row of [`FAULTS`].
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(super) what: What,
    /// Its name on the command line and in the history.
    pub name: &'static str,
    pub(super) at: At,
    /// What happens.
    pub text: &'static str,
    /// Why it is not tried by default: the registry does not stand it, and its documentation does not say it would.
    pub left_out: Option<&'static str>,
}

const fn row(what: What, name: &'static str, at: At, text: &'static str) -> Row {
    Row {
        what,
        name,
        at,
        text,
        left_out: None,
    }
}

const fn left_out(row: Row, why: &'static str) -> Row {
    Row {
        left_out: Some(why),
        ..row
    }
}

/// All that can go wrong.
pub const FAULTS: &[Row] = &[
    row(
        What::NodeKill,
        "node-kill",
        At::Node,
        "a node is killed (-9), and started again",
    ),
    row(
        What::NodeStop,
        "node-stop",
        At::Node,
        "a node hangs (SIGSTOP)",
    ),
    row(
        What::Strangers,
        "strangers",
        At::Node,
        "messages end sessions that nobody has",
    ),
    row(
        What::ClockMinutes,
        "clock-minutes",
        At::Clock,
        "a node starts with a clock that is wrong by minutes, and is then corrected",
    ),
    row(
        What::ClockHours,
        "clock-hours",
        At::Clock,
        "a node starts with a clock that is wrong by hours, and is then corrected",
    ),
    row(
        What::ClockLifetime,
        "clock-lifetime",
        At::Clock,
        "a node starts with a clock that is ahead by more than the lifetime of a session, and is then corrected",
    ),
    row(What::DiskFull, "disk-full", At::File, "the disk is full"),
    row(
        What::FileDamage,
        "file-damage",
        At::File,
        "a node is killed, and a bit of its file is flipped",
    ),
    row(
        What::Partition,
        "partition",
        At::Network,
        "a node is cut off from its store",
    ),
    row(
        What::PartitionAll,
        "partition-all",
        At::Network,
        "all nodes are cut off from their store",
    ),
    row(
        What::SlowNetwork,
        "slow-network",
        At::Network,
        "the way of a node to its store is slow",
    ),
    row(
        What::PostgresKill,
        "postgres-kill",
        At::Postgres,
        "PostgreSQL crashes, and is started again",
    ),
    row(
        What::PostgresStop,
        "postgres-stop",
        At::Postgres,
        "PostgreSQL hangs (SIGSTOP)",
    ),
    row(
        What::RedisKill,
        "redis-kill",
        At::Redis,
        "Redis is killed (-9), and started again",
    ),
    row(
        What::RedisStop,
        "redis-stop",
        At::Redis,
        "Redis hangs (SIGSTOP)",
    ),
    row(
        What::RedisFull,
        "redis-full",
        At::Redis,
        "the memory of Redis is full",
    ),
    left_out(
        row(
            What::RedisEvicts,
            "redis-evicts",
            At::Redis,
            "the memory of Redis is full, and it evicts keys",
        ),
        "it forgets what it has confirmed; a node that connects refuses such a Redis",
    ),
    row(
        What::RedisEmpty,
        "redis-empty",
        At::Redis,
        "Redis loses everything (FLUSHALL)",
    ),
    row(
        What::RedisOldCopy,
        "redis-old-copy",
        At::Redis,
        "Redis is restarted with an older copy of its data",
    ),
    row(
        What::Failover,
        "failover",
        At::Redis,
        "the replica takes over, all nodes are led to it, and the old master becomes its replica",
    ),
    row(
        What::FailoverSplit,
        "failover-split",
        At::Redis,
        "the replica takes over, and one node goes on with the old master for a while",
    ),
    row(
        What::FailoverMinute,
        "failover-minute",
        At::Redis,
        "the replica takes over, and its clock is wrong by a minute",
    ),
    row(
        What::RedisClockMinutes,
        "redis-clock-minutes",
        At::Redis,
        "the clock of Redis jumps ahead by minutes, each time by one more, and back",
    ),
    row(
        What::RedisClockHours,
        "redis-clock-hours",
        At::Redis,
        "the clock of Redis jumps ahead by hours, and back",
    ),
    row(
        What::MasterKill,
        "master-kill",
        At::Guarded,
        "the master is killed (-9), and its replica takes over: by Sentinel, or in a cluster",
    ),
    row(
        What::MasterStop,
        "master-stop",
        At::Guarded,
        "the master hangs (SIGSTOP), its replica takes over, and the old master goes on",
    ),
];

/// The faults that are tried with this registry. An error is a name that is none.
pub(super) fn choose(
    kind: Kind,
    clocks: &Clocks,
    only: &[String],
    with: &[String],
    without: &[String],
) -> Result<Vec<&'static Row>, String> {
    for name in only.iter().chain(with).chain(without) {
        if !FAULTS.iter().any(|row| row.name == name) {
            let names: Vec<_> = FAULTS.iter().map(|row| row.name).collect();
            return Err(format!(
                "there is no fault `{name}`, only {}",
                names.join(", ")
            ));
        }
    }
    let has = |names: &[String], row: &Row| names.iter().any(|name| row.name == name);
    let possible = |row: &&Row| match row.at {
        At::Node => true,
        At::Clock => clocks.can_move(),
        At::File => kind == Kind::File,
        At::Network => kind.has_ways(),
        At::Postgres => kind == Kind::Postgres,
        At::Guarded => kind.is_guarded(),
        At::Redis => {
            let moves_clock = matches!(
                row.what,
                What::FailoverMinute | What::RedisClockMinutes | What::RedisClockHours
            );
            kind.has_pair() && (clocks.can_move() || !moves_clock)
        }
    };
    let wanted = |row: &&Row| {
        let by_default = row.left_out.is_none() || has(with, row);
        let is_wanted = if only.is_empty() {
            by_default
        } else {
            has(only, row)
        };
        is_wanted && !has(without, row)
    };
    Ok(FAULTS.iter().filter(possible).filter(wanted).collect())
}

/// Whether the store may have lost something that it had confirmed.
pub(super) fn loses(row: &Row, kind: Kind) -> bool {
    match row.what {
        What::RedisEvicts
        | What::RedisEmpty
        | What::RedisOldCopy
        | What::FailoverSplit
        | What::RedisClockHours => true,
        What::Failover | What::FailoverMinute => kind == Kind::Redis,
        _ => false,
    }
}
