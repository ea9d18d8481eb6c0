//! How much of a node's memory a session takes.
//!
//! Maps grow by doubling, so it depends on how many there are. The worst is just after they grew.

use cas_layer::{MemoryRegistry, registry::EndedSessions};
use futures_util::FutureExt as _;

use crate::{
    figures::each,
    sessions::{expires_at, id, now, open_one},
};

const SIZES: [u64; 4] = [10_000, 100_000, 300_000, 1_000_000];

/// Below it, what a registry takes when it is empty would count.
const LEAST: u64 = 10_000;
const STEP: u64 = 500;

pub(crate) fn run() {
    println!("\nbytes of heap for each session\n");
    println!(
        "| | 10,000 | 100,000 | 300,000 | 1,000,000 | worst of these and all between | while growing |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let registry = MemoryRegistry::default();
    line("open, `MemoryRegistry`", |n| {
        open_one(&registry, n).now_or_never().unwrap();
    });
    let (ended, now, expires_at) = (EndedSessions::new(), now(), expires_at());
    line("ended, every registry", |n| {
        ended.end(id(n), expires_at, now);
    });
}

fn line(name: &str, add: impl Fn(u64)) {
    let [_, _, _, most] = SIZES;
    let (mut bytes, mut worst, mut peak) = (0, 0.0_f64, 0.0_f64);
    print!("| {name} |");
    for from in (0..most).step_by(usize::try_from(STEP).unwrap()) {
        let count = from + STEP;
        let taken = allocation_counter::measure(|| (from..count).for_each(&add));
        if count >= LEAST {
            let highest = bytes + i64::try_from(taken.bytes_max).unwrap();
            peak = peak.max(each(highest, count));
        }
        bytes += taken.bytes_current;
        if count >= LEAST {
            worst = worst.max(each(bytes, count));
        }
        if SIZES.contains(&count) {
            print!(" {:.1} |", each(bytes, count));
        }
    }
    println!(" {worst:.1} | {peak:.1} |");
}
