//! One authenticated request through each contender, in turns: the table of the documentation.
//!
//! A machine is never quiet for long. Here every round gives each contender one block of requests,
//! in an order that rotates, and contenders are compared within their round only. The medians over
//! many rounds then hold still where separate runs do not.

use std::{error::Error, thread, time::Duration};

mod contenders;

const ROUNDS: usize = 1_000;
const BLOCK: u32 = 1_000;
const YOUNG: Duration = Duration::from_secs(121);

fn main() -> Result<(), Box<dyn Error>> {
    let mut contenders = contenders::all()?;
    // In its first two minutes a session costs a bit more.
    thread::sleep(YOUNG);
    for contender in &mut contenders {
        contender.run(u64::from(10 * BLOCK));
    }

    let count = contenders.len();
    // Per contender, the nanoseconds that one request took in each round.
    let mut nanoseconds = vec![Vec::with_capacity(ROUNDS); count];
    for round in 0..ROUNDS {
        for turn in 0..count {
            let index = (round + turn) % count;
            let block = contenders[index].run(u64::from(BLOCK));
            nanoseconds[index].push(i32::try_from((block / BLOCK).as_nanos())?);
        }
    }

    let over_bare = |index: usize| -> Vec<i32> {
        nanoseconds[index]
            .iter()
            .zip(&nanoseconds[0])
            .map(|(own, bare)| own - bare)
            .collect()
    };
    let reference = |name: &str| {
        let index = contenders
            .iter()
            .position(|contender| contender.name.starts_with(name));
        index.map_or(f64::NAN, |index| f64::from(middle(over_bare(index)).median))
    };
    let (jar, login) = (reference("axum-extra"), reference("axum-login"));

    println!("{ROUNDS} rounds of {BLOCK} requests each; medians; ns per request\n");
    println!("| contender | ns | over bare | (quartiles) | of signed jar | of axum-login |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (index, contender) in contenders.iter().enumerate() {
        let own = middle(nanoseconds[index].clone()).median;
        let Middle {
            lower,
            median,
            upper,
        } = middle(over_bare(index));
        let (of_jar, of_login) = (f64::from(median) / jar, f64::from(median) / login);
        println!(
            "| {} | {own} | {median:+} | {lower:+} … {upper:+} | {of_jar:.2} | {of_login:.2} |",
            contender.name
        );
    }
    Ok(())
}

/// The quartiles of a sample.
struct Middle {
    lower: i32,
    median: i32,
    upper: i32,
}

fn middle(mut sample: Vec<i32>) -> Middle {
    sample.sort_unstable();
    let at = |quarter| sample[sample.len() * quarter / 4];
    Middle {
        lower: at(1),
        median: at(2),
        upper: at(3),
    }
}
