//! Text that cannot be packed.

/// Letters and digits in which nothing repeats itself: what no packing makes much shorter.
#[must_use]
pub fn noise(length: usize) -> String {
    let mut state = 7_u32;
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        letters[(state >> 16) as usize % letters.len()]
    };
    (0..length).map(|_| next()).collect()
}
