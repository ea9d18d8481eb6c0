//! Runs with fixed seeds.

use std::{env, path::Path, time::Duration};

use cas_layer_tests::{
    checker::{
        check::Rule,
        history::{Action, Outcome},
        program::Defect,
        run::{Plan, Report, run},
        store::Kind,
    },
    suite::{trial, variable},
};
use libtest_mimic::Trial;

/// The variable that says how long things go wrong in a run, in seconds.
const SECONDS: &str = "CAS_TESTS_CHECKER_SECONDS";
/// Without it.
const DEFAULT: u64 = 20;
/// Long enough, as a rule, for a registry that is wrong all the time.
const SHORT: Duration = Duration::from_secs(3);
/// How often a run that says too little is repeated, with other seeds.
const ROUNDS: u64 = 12;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("runs::memory_keeps_what_it_promises", || {
            keeps(Kind::Memory)
        }),
        trial("runs::a_file_keeps_what_it_promises", || keeps(Kind::File)),
        trial("runs::a_registry_that_forgets_sign_outs_is_found", || {
            is_found(Defect::ForgetsEnds, Rule::ComesBack)
        }),
        trial("runs::a_registry_that_forgets_logouts_is_found", || {
            is_found(Defect::ForgetsLogouts, Rule::ComesBack)
        }),
        trial("runs::a_registry_that_loses_sessions_is_found", || {
            is_found(Defect::LosesSessions, Rule::IsLost)
        }),
    ]
}

pub(crate) fn with_redis() -> Vec<Trial> {
    vec![
        trial("runs::redis_keeps_what_it_promises", || keeps(Kind::Redis)),
        trial(
            "runs::redis_with_a_replica_that_confirms_keeps_what_it_promises",
            || keeps(Kind::RedisConfirmed),
        ),
        trial("runs::redis_with_a_sentinel_keeps_what_it_promises", || {
            keeps_through_failovers(Kind::RedisSentinel)
        }),
        trial("runs::a_redis_cluster_keeps_what_it_promises", || {
            keeps_through_failovers(Kind::RedisCluster)
        }),
    ]
}

pub(crate) fn with_postgres() -> Vec<Trial> {
    vec![trial("runs::postgres_keeps_what_it_promises", || {
        keeps(Kind::Postgres)
    })]
}

fn plan(kind: Kind, seed: u64, duration: Duration) -> Plan {
    let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checker");
    Plan::new(kind, seed, duration, &logs)
}

fn duration() -> Duration {
    let seconds = variable(SECONDS).map_or(DEFAULT, |seconds| seconds.parse().expect("seconds"));
    Duration::from_secs(seconds)
}

async fn keeps(kind: Kind) {
    keeps_by(&plan(kind, 1, duration())).await;
}

/// Few things go wrong in a short run, so it is this above all.
async fn keeps_through_failovers(kind: Kind) {
    let mut plan = plan(kind, 1, duration());
    plan.only = ["master-kill", "master-stop", "node-kill"]
        .map(str::to_owned)
        .into();
    keeps_until(&plan, |report| {
        let mut faults = report.history.faults();
        faults.any(|it| it.name.starts_with("master-"))
    })
    .await;
}

async fn keeps_by(plan: &Plan) {
    keeps_until(plan, |_| true).await;
}

/// Every round has to be good, and one of them has to say something: the slower the machine, the less happens in one.
async fn keeps_until(plan: &Plan, says_enough: impl Fn(&Report) -> bool) {
    let happened = |report: &Report| {
        [
            (Action::SignIn, Outcome::Done),
            (Action::Read, Outcome::Live),
            (Action::Read, Outcome::Ended),
            (Action::SignOut, Outcome::Done),
            (Action::SingleLogout, Outcome::Done),
        ]
        .into_iter()
        .all(|(action, outcome)| report.count(action, outcome) > 0)
            && report.history.faults().count() >= 2
    };
    in_rounds(plan, |report| {
        assert!(report.is_good(), "{report}");
        println!("{}: {report}", plan.kind.name());
        happened(report) && says_enough(report)
    })
    .await;
}

/// What a registry does wrong now and then shows only if a visitor comes back at the right moment, so there are rounds until
/// it does. A checker that cannot see it fails after the last one.
async fn is_found(defect: Defect, rule: Rule) {
    let mut plan = plan(Kind::Memory, 2, SHORT);
    plan.defect = Some(defect);
    plan.only = vec!["strangers".to_owned()];
    in_rounds(&plan, |report| {
        let mut rules = report.violations.iter().map(|it| it.rule);
        assert!(rules.clone().all(|it| it == rule), "{report}");
        rules.any(|it| it == rule)
    })
    .await;
}

/// Runs with one seed after another until a report is enough.
async fn in_rounds(plan: &Plan, is_enough: impl Fn(&Report) -> bool) {
    let mut plan = plan.clone();
    for _ in 0..ROUNDS {
        let report = run(&plan).await.unwrap();
        if is_enough(&report) {
            return;
        }
        plan.seed += 1;
    }
    panic!("{ROUNDS} rounds were not enough");
}
