//! One authenticated request through each contender, measured by criterion.
//!
//! Criterion measures one contender after the other; on a machine that others use too, prefer the
//! table of `--bench interleaved`.

use std::error::Error;
use std::time::Duration;

use criterion::Criterion;

mod contenders;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    let mut group = criterion.benchmark_group("authenticated request");
    for mut contender in contenders::all()? {
        group.bench_function(contender.name, |bencher| {
            bencher.iter_custom(|requests| contender.run(requests));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
