//! How often each contender asks the allocator for memory to answer one authenticated request.
//!
//! A program of its own, because counting slows down exactly those who allocate most.

use std::error::Error;

mod contenders;

const REQUESTS: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    println!("| contender | allocations | over bare | bytes | over bare |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mut bare = None;
    for mut contender in contenders::all()? {
        contender.run(u64::from(REQUESTS));
        let counted = allocation_counter::measure(|| {
            contender.run(u64::from(REQUESTS));
        });
        let allocations = per_request(counted.count_total)?;
        let bytes = per_request(counted.bytes_total)?;
        let (bare_allocations, bare_bytes) = *bare.get_or_insert((allocations, bytes));
        println!(
            "| {} | {allocations:.1} | {:+.1} | {bytes:.0} | {:+.0} |",
            contender.name,
            allocations - bare_allocations,
            bytes - bare_bytes
        );
    }
    Ok(())
}

fn per_request(total: u64) -> Result<f64, Box<dyn Error>> {
    Ok(f64::from(u32::try_from(total)?) / f64::from(REQUESTS))
}
