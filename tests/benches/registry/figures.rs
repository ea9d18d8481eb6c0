//! Figures of a sample.

use std::time::Duration;

/// The value that so many of a thousand are below, or the greatest.
pub(crate) fn quantile<T: Copy + PartialOrd>(sample: &mut [T], per_mille: usize) -> T {
    sample.sort_unstable_by(|a, b| a.partial_cmp(b).expect("values that compare"));
    let at = sample.len() * per_mille / 1_000;
    sample[at.min(sample.len() - 1)]
}

pub(crate) fn median<T: Copy + PartialOrd>(sample: &mut [T]) -> T {
    quantile(sample, 500)
}

/// A line about how long something took.
pub(crate) fn print_times(what: &str, mut times: Vec<Duration>) {
    let (median, worst) = (median(&mut times), quantile(&mut times, 1_000));
    let count = times.len();
    println!("- {what}: median {median:.2?}, worst {worst:.2?} of {count}");
}

/// How many bytes each takes.
pub(crate) fn each(bytes: impl TryInto<i64>, count: u64) -> f64 {
    let bytes = bytes.try_into().ok().expect("a number of bytes");
    ratio(bytes, i64::try_from(count).expect("a count"))
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}
