//! A run from beginning to end.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use super::{
    cas::Cas,
    chance::Chance,
    check::{RECOVERY, Violation, check},
    clock::Clocks,
    faults::choose,
    history::{Action, History, Line, Outcome},
    nemesis::{Cluster, Nemesis},
    node::Node,
    program::{Defect, Settings},
    recorder::Recorder,
    store::{Kind, LIFETIME, Store},
    workload::{APP, Client, Workload},
};

/// How many visitors there are.
const VISITORS: u64 = 8;
/// Between two things that a visitor does, on average.
const PAUSE: Duration = Duration::from_millis(250);

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The registry.
    pub kind: Kind,
    /// From which everything follows, but for the time that it takes.
    pub seed: u64,
    /// How long things go wrong. It takes some seconds more until they have settled.
    pub duration: Duration,
    /// How many nodes, at most as many as the registry serves.
    pub nodes: usize,
    /// If there are any, only these faults.
    pub only: Vec<String>,
    /// Faults that are left out by default, and are not here.
    pub with: Vec<String>,
    /// Faults that are left out.
    pub without: Vec<String>,
    /// What is wrong with the nodes, for tests of the checker.
    pub defect: Option<Defect>,
    /// Where the logs of the nodes go.
    pub logs: PathBuf,
}

impl Plan {
    /// With all nodes, and the faults of the default.
    #[must_use]
    pub fn new(kind: Kind, seed: u64, duration: Duration, logs: &Path) -> Self {
        Self {
            kind,
            seed,
            duration,
            nodes: kind.nodes(),
            only: Vec::new(),
            with: Vec::new(),
            without: Vec::new(),
            defect: None,
            logs: logs.to_owned(),
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// All that happened.
    pub history: History,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// What else is wrong, such as a damaged file about which nobody said so.
    pub problems: Vec<String>,
}

impl Report {
    /// Checks a history.
    #[must_use]
    pub fn of(history: History, problems: Vec<String>) -> Self {
        Self {
            violations: check(&history),
            history,
            problems,
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.problems.is_empty()
    }

    /// How many requests of this kind had this outcome.
    #[must_use]
    pub fn count(&self, action: Action, outcome: Outcome) -> usize {
        let operations = self.history.operations();
        operations
            .filter(|it| it.action == action && it.outcome == outcome)
            .count()
    }
}

/// How many violations are shown. One mistake leads to many.
const SHOWN: usize = 10;

/// The counts, and the first violations.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut actions = BTreeMap::<String, BTreeMap<String, usize>>::new();
        for it in self.history.operations() {
            let outcomes = actions.entry(format!("{:?}", it.action)).or_default();
            *outcomes.entry(format!("{:?}", it.outcome)).or_default() += 1;
        }
        writeln!(f, "{} requests", self.history.operations().count())?;
        for (action, outcomes) in actions {
            let total: usize = outcomes.values().sum();
            let parts: Vec<_> = outcomes
                .iter()
                .map(|(outcome, count)| format!("{outcome} {count}"))
                .collect();
            writeln!(f, "  {action} {total}: {}", parts.join(", "))?;
        }
        let mut faults = BTreeMap::<&str, usize>::new();
        for fault in self.history.faults() {
            *faults.entry(&fault.name).or_default() += 1;
        }
        writeln!(f, "{} faults", faults.values().sum::<usize>())?;
        for (name, count) in faults {
            writeln!(f, "  {name} {count}")?;
        }
        let stalls = self.history.lines.iter().filter_map(|line| match line {
            Line::Stall { late, .. } => Some(late / 1_000),
            _ => None,
        });
        writeln!(
            f,
            "late at worst by {} ms",
            stalls.max().unwrap_or_default()
        )?;
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        writeln!(f, "{} violations", self.violations.len())?;
        let shown = self.violations.iter().take(SHOWN);
        for violation in shown {
            writeln!(f, "{violation}")?;
        }
        if self.violations.len() > SHOWN {
            writeln!(f, "… and so on")?;
        }
        Ok(())
    }
}

/// Runs a plan. An error is a mistake in it.
pub async fn run(plan: &Plan) -> Result<Report, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let clocks = Clocks::new(directory.path());
    let faults = choose(plan.kind, &clocks, &plan.only, &plan.with, &plan.without)?;
    if plan.nodes == 0 || plan.nodes > plan.kind.nodes() {
        return Err(format!(
            "{} serves 1 to {} nodes",
            plan.kind.name(),
            plan.kind.nodes()
        ));
    }
    fs::create_dir_all(&plan.logs).expect("a directory for the logs");
    let recorder = Recorder::start();
    let cas = Cas::start().await;
    let mut cluster = start(plan, &cas, directory.path(), &clocks, &recorder).await;
    let targets = cluster.nodes.iter().map(Node::target).collect();
    let workload = Arc::new(Workload::new(cluster.client.clone(), targets, &recorder));
    let watch = recorder.watch();
    let mut visitors = JoinSet::new();
    for n in 0..VISITORS {
        let (workload, chance) = (Arc::clone(&workload), Chance::new(plan.seed * VISITORS + n));
        visitors.spawn(async move { workload.visit(chance, PAUSE).await });
    }
    let mut nemesis = Nemesis::new(faults, plan.seed, &recorder);
    let begun = Instant::now();
    // First there have to be sessions.
    sleep(Duration::from_secs(1)).await;
    while begun.elapsed() < plan.duration {
        nemesis.strike(&mut cluster).await;
    }
    let problems = nemesis.problems;
    workload.end();
    while let Some(visitor) = visitors.join_next().await {
        visitor.expect("a visitor who comes home");
    }
    settle(&workload, &recorder).await;
    workload.read_all().await;
    watch.abort();
    cluster.nodes.iter().for_each(|node| node.note(None));
    let history = History {
        promises: plan.kind.promises(),
        lines: recorder.take(),
    };
    Ok(Report::of(history, problems))
}

async fn start(
    plan: &Plan,
    cas: &Cas,
    directory: &Path,
    clocks: &Clocks,
    recorder: &Arc<Recorder>,
) -> Cluster {
    let store = Store::start(plan.kind, plan.nodes, directory, clocks).await;
    let mut nodes = Vec::new();
    for number in 0..plan.nodes {
        let settings = Settings {
            cas_url: cas.url(),
            app_url: format!("http://{APP}"),
            lifetime: LIFETIME.as_secs(),
            registry: store.registry(number),
            defect: plan.defect,
        };
        let name = format!("{}-{}-node-{number}", plan.kind.name(), plan.seed);
        let log = plan.logs.join(format!("{name}.log"));
        // Of a run before.
        let _ = fs::remove_file(&log);
        let mut node = Node::new(number, settings, clocks.clock(&name), log, recorder);
        node.start_in_the_end().await;
        nodes.push(node);
    }
    Cluster {
        nodes,
        store,
        client: Client::new(),
    }
}

/// Waits until what was undone has no effect any more.
async fn settle(workload: &Workload, recorder: &Recorder) {
    sleep(RECOVERY / 2).await;
    for _ in 0..60 {
        if workload.is_calm().await {
            break;
        }
        sleep(Duration::from_millis(500)).await;
    }
    recorder.note(Line::Settled { at: recorder.now() });
}
