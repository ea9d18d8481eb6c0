//! What a node costs, what registries cost, and how soon a logout is in force.
//!
//! Without arguments everything is measured; `-- flood logout` names parts. What needs a redis-server says
//! so where there is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

mod authenticated;
mod client;
mod failover;
mod figures;
mod first_answer;
mod flood;
mod http;
mod logout;
mod memory;
mod sessions;
mod sign_in;
mod site;
mod starts;
mod stores;
mod threads;
mod waiting;

use std::{env, fs};

/// The flood comes first: memory that others have given back would hide what it takes.
const PARTS: [(&str, fn()); 12] = [
    ("flood", flood::run),
    ("authenticated", authenticated::run),
    ("http", http::run),
    ("threads", threads::run),
    ("sign_in", sign_in::run),
    ("waiting", waiting::run),
    ("first_answer", first_answer::run),
    ("memory", memory::run),
    ("stores", stores::run),
    ("starts", starts::run),
    ("logout", logout::run),
    ("failover", failover::run),
];

fn main() {
    // Cargo adds options of its own.
    let wanted: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for (name, run) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            // How busy the machine is.
            let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
            println!("\n## {name} (load average {})", load.trim_end());
            run();
        }
    }
}
