//! What goes wrong, when, and how it is undone.
//!
//! The schedule follows from the seed. Now and then two things go wrong at once, one around the store and one at a node.
//! Something that makes the store lose what it has confirmed goes wrong alone, because the documentation says what is lost
//! if the nodes die too before they have written it again.

use std::{fs, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use super::{
    chance::Chance,
    check::RECOVERY,
    clock::Clocks,
    history::{Fault, Line},
    network::Way,
    node::Node,
    recorder::Recorder,
    store::{Kind, Store},
    workload::Client,
};
use crate::redis::{Copy, RedisServer};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// Between two faults.
const PAUSE: [u64; 2] = [500, 2_000];
/// How long a fault lasts, in milliseconds.
const LASTS: [u64; 2] = [700, 4_500];
/// The same for one in four: longer than a node without news goes on.
const LASTS_LONG: [u64; 2] = [6_000, 9_000];

/// What a fault needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// A node, whatever its registry is.
    Node,
    /// A clock that can be moved.
    Clock,
    File,
    /// The way to a server that nodes share.
    Network,
    Redis,
    Postgres,
}

impl At {
    /// Whether it is the store that a fault is about.
    fn is_store(self) -> bool {
        matches!(self, Self::Network | Self::Redis | Self::Postgres)
    }
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
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
}

/// A row of [`FAULTS`].
#[derive(Clone, Copy, Debug)]
pub struct Row {
    what: What,
    /// Its name on the command line and in the history.
    pub name: &'static str,
    at: At,
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
];

/// Everything that can be broken.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) store: Store,
    pub(crate) client: Client,
}

/// What is wrong at the moment, and what it takes to undo it.
struct Broken {
    row: &'static Row,
    node: usize,
    from: u64,
    detail: String,
    kept: Kept,
}

enum Kept {
    Nothing,
    Copy(Copy),
    File(Vec<u8>),
    Task(JoinHandle<()>),
}

/// Breaks things, one after another.
pub(crate) struct Nemesis<'r> {
    rows: Vec<&'static Row>,
    chance: Chance,
    recorder: &'r Recorder,
    /// How often the clock of Redis has jumped by minutes.
    jumps: i64,
    /// What cannot go on without help, as a node that starts with a damaged file and does not say so.
    pub(crate) problems: Vec<String>,
}

/// The faults that are tried with this registry. An error is a name that is none.
pub(crate) fn choose(
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
        At::Network => kind.is_shared(),
        At::Postgres => kind == Kind::Postgres,
        At::Redis => {
            let moves_clock = matches!(
                row.what,
                What::FailoverMinute | What::RedisClockMinutes | What::RedisClockHours
            );
            kind.needs_redis() && (clocks.can_move() || !moves_clock)
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

impl<'r> Nemesis<'r> {
    pub(crate) fn new(rows: Vec<&'static Row>, seed: u64, recorder: &'r Recorder) -> Self {
        Self {
            rows,
            chance: Chance::new(seed),
            recorder,
            jumps: 0,
            problems: Vec::new(),
        }
    }

    /// Breaks something, waits, and undoes it.
    pub(crate) async fn strike(&mut self, cluster: &mut Cluster) {
        let Some(first) = self.pick(|_| true) else {
            return sleep(Duration::from_millis(100)).await;
        };
        let mut broken = vec![self.begin(first, cluster).await];
        let mild = |row: &Row| !loses(row, Kind::Redis);
        if first.at.is_store() && mild(first) && self.chance.below(3) == 0 {
            let is_of_node =
                |row: &Row| matches!(row.what, What::NodeKill | What::NodeStop | What::Strangers);
            if let Some(second) = self.pick(is_of_node) {
                broken.push(self.begin(second, cluster).await);
            }
        }
        let is_long = self.chance.below(4) == 0;
        self.wait(if is_long { LASTS_LONG } else { LASTS }).await;
        let mut has_lost = false;
        // The store first: without it no node starts.
        for broken in broken {
            has_lost |= loses(broken.row, cluster.store.kind);
            self.undo(broken, cluster).await;
        }
        if has_lost {
            sleep(RECOVERY).await;
        }
        self.wait(PAUSE).await;
    }

    fn pick(&mut self, is_meant: impl Fn(&Row) -> bool) -> Option<&'static Row> {
        let rows: Vec<_> = self.rows.iter().filter(|row| is_meant(row)).collect();
        if rows.is_empty() {
            return None;
        }
        Some(rows[self.chance.below(rows.len())])
    }

    async fn wait(&mut self, [from, to]: [u64; 2]) {
        sleep(Duration::from_millis(self.chance.between(from, to))).await;
    }

    async fn begin(&mut self, row: &'static Row, cluster: &mut Cluster) -> Broken {
        let node = self.chance.below(cluster.nodes.len());
        let from = self.recorder.now();
        let (detail, kept) = if row.at.is_store() {
            self.begin_at_store(row.what, node, &mut cluster.store)
                .await
        } else {
            self.begin_at_node(row.what, node, cluster).await
        };
        Broken {
            row,
            node,
            from,
            detail,
            kept,
        }
    }

    fn sign(&mut self) -> i64 {
        [-1, 1][self.chance.below(2)]
    }

    async fn begin_at_node(
        &mut self,
        what: What,
        node: usize,
        cluster: &mut Cluster,
    ) -> (String, Kept) {
        let Cluster {
            nodes,
            store,
            client,
        } = cluster;
        let mut detail = format!("node {node}");
        let mut set_clock = None;
        match what {
            What::NodeKill => nodes[node].kill().await,
            What::NodeStop => nodes[node].stop(),
            What::Strangers => {
                let targets = nodes.iter().map(Node::target).collect();
                return (
                    "all nodes".to_owned(),
                    Kept::Task(client.strangers(targets)),
                );
            }
            What::ClockMinutes => set_clock = Some(self.sign() * 4 * MINUTE),
            What::ClockHours => set_clock = Some(self.sign() * 3 * HOUR),
            What::ClockLifetime => set_clock = Some(10 * HOUR),
            What::DiskFull => client.fill_disk(&nodes[node], Some(4_096)).await,
            What::FileDamage => return self.damage(&mut nodes[node], store).await,
            _ => unreachable!("{what:?} is no fault of a node"),
        }
        if let Some(ahead) = set_clock {
            detail = format!("node {node}: {ahead} s");
            nodes[node].kill().await;
            nodes[node].set_clock(ahead);
            nodes[node].start_in_the_end().await;
        }
        (detail, Kept::Nothing)
    }

    /// Flips a bit of the file of a node. The node says so, or it does no harm.
    async fn damage(&mut self, node: &mut Node, store: &Store) -> (String, Kept) {
        node.kill().await;
        let good = fs::read(store.file()).expect("the file of a node");
        let mut bad = good.clone();
        let (at, bit) = (self.chance.below(bad.len()), self.chance.below(8));
        bad[at] ^= 1 << bit;
        let detail = format!("bit {bit} of byte {at} of {}", bad.len());
        fs::write(store.file(), bad).expect("a file that can be written");
        let Err(said) = node.start().await else {
            return (format!("{detail}, which did no harm"), Kept::Nothing);
        };
        if !said.contains("damaged") {
            let problem = format!("{detail}: the node says only: {said}");
            self.problems.push(problem);
        }
        (detail, Kept::File(good))
    }

    async fn begin_at_store(
        &mut self,
        what: What,
        node: usize,
        store: &mut Store,
    ) -> (String, Kept) {
        let mut detail = "the server".to_owned();
        match what {
            What::Partition => {
                detail = format!("node {node}");
                store.ways[node].cut();
            }
            What::PartitionAll => {
                store.ways.iter().for_each(Way::cut);
                return ("all nodes".to_owned(), Kept::Nothing);
            }
            What::SlowNetwork => {
                let delay = self.chance.between(50, 400);
                detail = format!("node {node}: {delay} ms each way");
                store.ways[node].slow(Duration::from_millis(delay));
            }
            What::PostgresKill => store.postgres().kill().await,
            What::PostgresStop => store.postgres().hang(),
            What::RedisKill => store.pair().master_mut().kill().await,
            What::RedisStop => store.pair().master().hang(),
            What::RedisFull => set_memory(store.pair().master(), "1").await,
            What::RedisEvicts => {
                set_policy(store.pair().master(), "allkeys-random").await;
                set_memory(store.pair().master(), "1").await;
            }
            What::RedisEmpty => {
                store.pair().master().command::<()>(&["FLUSHALL"]).await;
            }
            What::RedisOldCopy => {
                let master = store.pair().master_mut();
                master.kill().await;
                let copy = master.copy();
                master.restart().await;
                return (detail, Kept::Copy(copy));
            }
            What::Failover => detail = store.fail_over(None).await,
            What::FailoverSplit => detail = store.fail_over(Some(node)).await,
            What::FailoverMinute => {
                let ahead = self.sign() * MINUTE;
                store.pair().set_clock_of_replica(ahead);
                detail = format!("{}, {ahead} s", store.fail_over(None).await);
            }
            What::RedisClockMinutes | What::RedisClockHours => {
                let ahead = if what == What::RedisClockHours {
                    10 * HOUR
                } else {
                    // Numbers of sessions never go back, so the same minute again would mean nothing.
                    self.jumps += 1;
                    self.jumps * MINUTE
                };
                detail = format!("{ahead} s");
                store.pair().set_clock(ahead);
            }
            _ => unreachable!("{what:?} is no fault of a store"),
        }
        (detail, Kept::Nothing)
    }

    async fn undo(&mut self, broken: Broken, cluster: &mut Cluster) {
        let Broken {
            row,
            node,
            from,
            detail,
            kept,
        } = broken;
        let Cluster {
            nodes,
            store,
            client,
        } = cluster;
        match row.what {
            What::NodeKill => nodes[node].start_in_the_end().await,
            What::NodeStop => nodes[node].go_on(),
            What::ClockMinutes | What::ClockHours | What::ClockLifetime => nodes[node].set_clock(0),
            What::DiskFull => client.fill_disk(&nodes[node], None).await,
            What::FileDamage => {
                if let Kept::File(good) = &kept {
                    fs::write(store.file(), good).expect("a file that can be written");
                    nodes[node].start_in_the_end().await;
                }
            }
            What::Partition | What::PartitionAll | What::SlowNetwork => {
                store.ways.iter().for_each(Way::mend);
            }
            What::PostgresKill => store.postgres().restart().await,
            What::PostgresStop => store.postgres().go_on(),
            What::RedisKill => store.pair().master_mut().restart().await,
            What::RedisStop => store.pair().master().go_on(),
            What::RedisFull | What::RedisEvicts => {
                set_memory(store.pair().master(), "0").await;
                set_policy(store.pair().master(), "noeviction").await;
            }
            What::RedisOldCopy => {
                if let Kept::Copy(copy) = &kept {
                    let master = store.pair().master_mut();
                    master.kill().await;
                    master.restore(copy);
                    master.restart().await;
                }
            }
            What::Failover | What::FailoverSplit | What::FailoverMinute => {
                let port = store.pair().master().port();
                store.ways.iter().for_each(|way| way.lead_to(port));
                store.pair().follow().await;
                store.pair().set_clock(0);
            }
            What::RedisClockMinutes | What::RedisClockHours => store.pair().set_clock(0),
            What::Strangers | What::RedisEmpty => {}
        }
        if let Kept::Task(task) = kept {
            task.abort();
        }
        if row.at == At::Redis {
            store.pair().is_followed().await;
        }
        self.recorder.note(Line::Fault(Fault {
            name: row.name.to_owned(),
            detail,
            from,
            to: Some(self.recorder.now()),
            loses: loses(row, store.kind),
        }));
    }
}

/// Whether the store may have lost something that it had confirmed.
fn loses(row: &Row, kind: Kind) -> bool {
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

async fn set_memory(redis: &RedisServer, bytes: &str) {
    redis
        .command::<()>(&["CONFIG", "SET", "maxmemory", bytes])
        .await;
}

async fn set_policy(redis: &RedisServer, policy: &str) {
    redis
        .command::<()>(&["CONFIG", "SET", "maxmemory-policy", policy])
        .await;
}
