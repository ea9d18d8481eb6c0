//! Tries for a long time to make a registry break its promises:
//!
//! `cargo run -p cas-layer-tests --example checker -- --registry redis --minutes 60 --seed 1`
//!
//! Prints what was done, and each promise that was not kept; then it exits with 1. The history goes to `artifacts/checker`, and
//! can be checked again: `--check FILE`. `--faults` lists what can go wrong.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a tool of ours: it fails by panicking"
)]

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use cas_layer_tests::checker::{
    faults::FAULTS,
    history::History,
    program,
    run::{Plan, Report, run},
    store::Kind,
};
use clap::Parser;
use tokio::runtime::Runtime;

/// Looks for sessions that come back or are lost while everything around a registry fails
#[derive(Debug, Parser)]
struct Options {
    /// memory, file, postgres, redis, or with `min_replicas(1)`: redis-confirmed, redis-sentinel, redis-cluster
    #[arg(long, default_value = "redis")]
    registry: Kind,

    /// How long things go wrong
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,

    /// What goes wrong, and what visitors do, follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// [default: as many as the registry serves, at most 3]
    #[arg(long)]
    nodes: Option<usize>,

    /// Tries this fault alone; may be given again
    #[arg(long, value_name = "FAULT")]
    only: Vec<String>,

    /// Tries a fault that is left out by default, too
    #[arg(long, value_name = "FAULT")]
    with: Vec<String>,

    /// Leaves a fault out
    #[arg(long, value_name = "FAULT")]
    without: Vec<String>,

    /// Checks a history, and runs nothing
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// Lists the faults
    #[arg(long)]
    faults: bool,

    /// Where the history and the logs of the nodes go
    #[arg(long, value_name = "DIRECTORY", default_value = "artifacts/checker")]
    artifacts: PathBuf,
}

fn main() -> ExitCode {
    if let Some(done) = program::run_if_asked() {
        return done;
    }
    let options = Options::parse();
    if options.faults {
        for row in FAULTS {
            println!("{:20} {}", row.name, row.text);
            if let Some(why) = row.left_out {
                println!("{:20} left out: {why}", "");
            }
        }
        return ExitCode::SUCCESS;
    }
    let report = match report(&options) {
        Ok(report) => report,
        Err(mistake) => {
            eprintln!("{mistake}");
            return ExitCode::from(2);
        }
    };
    print!("{report}");
    if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report(options: &Options) -> Result<Report, String> {
    if let Some(file) = &options.check {
        let text = fs::read_to_string(file);
        let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
        return Ok(Report::of(History::from_json(&text)?, Vec::new()));
    }
    let duration = Duration::try_from_secs_f64(options.minutes * 60.0);
    let duration = duration.map_err(|error| error.to_string())?;
    let mut plan = Plan::new(options.registry, options.seed, duration, &options.artifacts);
    plan.nodes = options.nodes.unwrap_or(plan.nodes);
    plan.only.clone_from(&options.only);
    plan.with.clone_from(&options.with);
    plan.without.clone_from(&options.without);
    let report = Runtime::new().expect("a runtime").block_on(run(&plan))?;
    let name = format!("{}-{}.jsonl", options.registry.name(), options.seed);
    let file = options.artifacts.join(name);
    fs::write(&file, report.history.to_json()).expect("a file for the history");
    println!("the history is in {}", file.display());
    Ok(report)
}
