//! The numbers of sessions, and which of them are believed.
//!
//! Redis gives every session a number above all that it gave before: its clock in microseconds, or one more than the
//! last where that is higher. The end of an account has a number too: all sessions of the account up to it have ended,
//! and all that are opened later are above it. So one number that nobody gave does harm to everybody. If it is lower
//! than those of sessions that are alive, the end of an account misses them; if it is so high that none is above it,
//! nobody can sign in any more. Hence:
//!
//! - **Numbers come from Redis.** A node knows those that Redis has told it. It takes none from a cookie or a caller.
//! - **They go on after a loss.** When Redis comes back without its last number, or with an older one, sessions of
//!   before may be above it. Every node says the highest number that it knows with each sign-in and whenever it
//!   connects, and Redis goes on from there. That alone would not do where all nodes were restarted too. So the script
//!   that marks a loss, before any other call is taken, also has the numbers go on [`LEAP`] above the clock. No session of
//!   before is above that, unless the clock of a Redis that is lost was ahead of the new one's by more. (The cookies of such
//!   sessions could say so. But a number out of a cookie would be believed by every node, for all sessions.) The clock
//!   catches up, and until then numbers count up by one.
//! - **A number that cannot be one is refused.** None is further ahead of the clock of Redis than [`AHEAD`]. The scripts
//!   do without one that a node says, so that its sign-ins go on, and the node gives it up and says so in the log. That is
//!   wide on purpose: a number that is ahead does no harm as long as there are others above it, and to call one wrong
//!   because the clock of Redis is wrong, say at 1970 after a power cut, would forget which sessions came before. Lua
//!   counts up to 2^53, which is the clock of the year 2255.
//! - **A number under the key in Redis that cannot be one,** or anything else that stands there, is repaired when a node
//!   connects, with an error in the log, and in passing when somebody signs in. Numbers go on [`LEAP`] above the clock then.
//! - **The end of an account counts, whatever its number is.** Where that cannot be one, the end counts for all
//!   sessions that were opened until it was written. When that was, the id of its entry in the stream says.

use super::entry_id::EntryId;

/// By how much numbers are ahead of Redis's clock after a loss, in microseconds. Servers that are set up to tell the time
/// are apart by far less than these 10 minutes.
const LEAP: u64 = 600 * MICROS;

/// How far ahead of Redis's clock a number can be, in microseconds: 100 years.
const AHEAD: u64 = 100 * 366 * 24 * 3600 * MICROS;

/// In a second.
const MICROS: u64 = 1_000_000;

/// The number of the end of an account, as the entry of this id says it.
pub(super) fn of_end(said: &str, id: EntryId) -> u64 {
    let written = id.millis.saturating_mul(MICROS / 1000);
    let said: Option<u64> = said.parse().ok();
    said.filter(|&number| number <= written.saturating_add(AHEAD))
        .unwrap_or(written.saturating_add(LEAP))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In milliseconds.
    const WRITTEN: u64 = 1_700_000_000_000;

    fn of_end(said: &str) -> u64 {
        let id = EntryId::parse(&format!("{WRITTEN}-0")).unwrap();
        super::of_end(said, id)
    }

    #[test]
    fn the_end_of_an_account_has_its_number_if_that_can_be_one() {
        for number in [0, 1, WRITTEN * 1000, WRITTEN * 1000 + AHEAD] {
            assert_eq!(of_end(&number.to_string()), number);
        }
    }

    #[test]
    fn the_end_of_an_account_counts_until_it_was_written_if_its_number_cannot_be_one() {
        let beyond = (WRITTEN * 1000 + AHEAD + 1).to_string();
        for said in [
            "18446744073709551616",
            "18446744073709551615",
            &beyond,
            "-1",
            "1e20",
            "nan",
            "",
        ] {
            assert_eq!(of_end(said), WRITTEN * 1000 + LEAP, "{said}");
        }
    }

    /// The scripts go by the same.
    #[test]
    fn the_scripts_know_the_same_limits() {
        let script = include_str!("lua/common.lua");
        let constant = |name: &str| {
            let (_, value) = script.split_once(&format!("local {name} = ")).unwrap();
            let factors = value.lines().next().unwrap().split(" * ");
            factors
                .map(|factor| factor.parse::<u64>().unwrap())
                .product::<u64>()
        };
        assert_eq!((constant("LEAP"), constant("AHEAD")), (LEAP, AHEAD));
    }

    /// By the clock of the year 2100.
    #[test]
    fn numbers_have_room_above_the_highest_that_is_believed() {
        let year_2100 = 130 * 366 * 24 * 3600 * MICROS;
        assert!(year_2100 + AHEAD + LEAP < 1 << 53);
    }
}
