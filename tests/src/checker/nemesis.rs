//! Breaks what the [faults](super::faults) name, at times that follow from the seed, and undoes it.
//!
//! Now and then two things go wrong at once, one around the store and one at a node.
//! Something that makes the store lose what it has confirmed goes wrong alone, because the documentation says what is lost
//! if the nodes die too before they have written it again.

use std::{fs, time::Duration};

use tokio::{task::JoinHandle, time::sleep};

use super::{
    chance::Chance,
    check::RECOVERY,
    faults::{At, Row, What, loses},
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
            What::MasterKill => store.guarded().kill_master().await,
            What::MasterStop => store.guarded().master().hang(),
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
            What::MasterKill | What::MasterStop => {
                let guarded = store.guarded();
                guarded.takes_over().await;
                if row.what == What::MasterKill {
                    guarded.other_mut().restart().await;
                } else {
                    guarded.other().go_on();
                }
                guarded.follows().await;
            }
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
