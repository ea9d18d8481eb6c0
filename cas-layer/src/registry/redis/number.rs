//! The numbers of sessions, and which of them are believed.
//!
//! Redis gives every session a number above all earlier numbers: its clock in microseconds, or one more than the last
//! if that is higher. The end of an account has a number too: all sessions of the account up to it have ended, and
//! all that are opened later are above it. So a false number harms everybody. If it is lower than those of live
//! sessions, the end of an account misses them. If it is so high that none is above it, nobody can sign in any more.
//! Hence:
//!
//! - **Numbers come from Redis.** A node knows only the numbers that Redis has told it, none from a cookie or a
//!   caller.
//! - **They follow the clock.** After a loss they are ahead of it, until the next one by the same time. So the number of a session says when it
//!   was opened, and an end that Redis hears of late ends nothing that was opened after the call. For a moment they may
//!   count up ahead of the clock. So an end whose caller still waits is of all numbers that were given, whatever the clock
//!   says, and a caller is not told that an end was recorded which went by the clock alone.
//! - **They go on after a loss.** When Redis comes back without its last number, or with an older one, earlier
//!   sessions may be above it. Every node sends the highest number that it knows with each sign-in and whenever it
//!   connects, and Redis goes on from there. If all nodes were restarted too, that is not enough. So the script that
//!   marks a loss, before any other call is taken, also makes the numbers go on [`LEAP`] above the clock. No earlier
//!   session is above that, unless the clock of the lost Redis was ahead of the new one's by more. (The cookies of
//!   such sessions could say so. But then every node would believe a number from a cookie, for all sessions.) They
//!   stay ahead by as much.
//! - **They go on as if nobody had been left behind.** After a failover some nodes may talk to the old master for a while.
//!   Sessions that are opened there have numbers by its clock, and an end of all from the new master has to cover them. So a
//!   node that comes from another server says which number that one has come to by now. If a node comes first that was
//!   at no server before, numbers are ahead of the new clock by as much as they were of the old one (by a day at most):
//!   that is the same only if the two clocks are. Where `INFO` is not permitted, a node may not notice that it is at another
//!   server.
//! - **An impossible number is refused.** No number is further ahead of the clock of Redis than [`AHEAD`]. If a node
//!   sends such a number, the scripts ignore it, so that its sign-ins go on. The node gives it up and says so in the
//!   log. The limit is wide on purpose. A number that is ahead does no harm as long as there are others above it. The
//!   clock of Redis may be wrong, say at 1970 after a power cut; to refuse a number because of that would forget
//!   which sessions came before. Lua counts up to 2^53, which is the clock of the year 2255.
//! - **An impossible value under the key in Redis** is repaired when a node connects, with an error in the log, and
//!   in passing when somebody signs in. Numbers then go on [`LEAP`] above the clock.
//! - **The end of an account always counts, whatever its number is.** If the number is impossible, the end counts for
//!   all sessions that were opened until it was written. The id of its entry in the stream says when that was.

use super::entry_id::EntryId;

/// How far numbers are ahead of Redis's clock after a loss, in microseconds. The clocks of properly set up servers
/// differ by far less than these 10 minutes.
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
