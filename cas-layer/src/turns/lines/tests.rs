use std::collections::HashSet;

use super::*;

/// The waiters are numbers.
type Numbered = Lines<char, u32>;

/// Everybody that is called, if a slot comes back again and again.
fn order(lines: &mut Numbered) -> Vec<u32> {
    std::iter::from_fn(|| lines.next()).collect()
}

/// Without a free slot; these get in line, each with a number of their own.
fn full(room: usize, parties: &str) -> Numbered {
    let mut lines = Lines::new(1, room);
    assert!(lines.take());
    for (party, number) in parties.chars().zip(0..) {
        lines.wait(party, number).unwrap();
    }
    lines
}

#[test]
fn nobody_waits_while_there_is_a_slot() {
    let mut lines = Numbered::new(2, 1);
    assert!(lines.take() && lines.take() && !lines.take());
    assert_eq!(lines.next(), None);
    assert!(lines.take() && !lines.take());
}

#[test]
fn the_lines_take_turns() {
    assert_eq!(order(&mut full(9, "aaaabcb")), [0, 4, 5, 1, 6, 2, 3]);
}

#[test]
fn who_leaves_is_not_called() {
    let mut lines = full(9, "ab");
    let (first, _) = lines.wait('a', 2).unwrap();
    let (only, _) = lines.wait('c', 3).unwrap();
    lines.leave(only);
    lines.leave(first);
    lines.leave(first);
    assert_eq!(lines.waiting(), 2);
    assert_eq!(order(&mut lines), [0, 1]);
    lines.leave(first);
    assert_eq!(lines.waiting(), 0);
}

#[test]
fn where_all_places_are_taken_the_longest_line_makes_room_for_a_shorter_one() {
    let mut lines = full(4, "aaab");
    assert!(lines.wait('a', 4).is_none(), "its own is the longest");
    assert_eq!(lines.wait('c', 5).unwrap().1, Some(2));
    // Now they are of 2, 1 and 1.
    assert!(lines.wait('b', 6).is_none(), "it would be as long");
    assert_eq!(lines.wait('d', 7).unwrap().1, Some(1));
    assert!(lines.wait('e', 8).is_none(), "nobody has two places");
    assert_eq!(order(&mut lines), [0, 3, 5, 7]);
}

#[test]
fn without_room_nobody_waits() {
    let mut lines = full(0, "");
    assert!(lines.wait('a', 0).is_none());
}

/// A generator of numbers (xorshift), as good as is needed here.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end).unwrap()
    }
}

/// Whatever happens in between, whoever is first in a line sees each other line called once at most before its own, and
/// nothing is lost or counted twice.
#[test]
fn nobody_waits_for_more_than_one_round_of_the_others() {
    const PARTIES: u64 = 7;
    const SLOTS: usize = 3;
    const ROOM: usize = 12;
    for seed in 1..=300 {
        let mut random = Random(seed);
        let mut lines = Lines::new(SLOTS, ROOM);
        let mut in_use = 0;
        let mut places: Vec<(Place<usize>, u32)> = Vec::new();
        // Whom each party has seen called since it was last its turn, or since it has a line.
        let mut seen: HashMap<usize, HashSet<usize>> = HashMap::new();
        for number in 0..400 {
            match random.below(8) {
                // One party asks as often as all others together.
                0..=3 => {
                    let party = random.below(2 * PARTIES).saturating_sub(6);
                    if lines.take() {
                        assert!(places.is_empty(), "nobody gets ahead");
                        in_use += 1;
                    } else if let Some((place, displaced)) = lines.wait(party, number) {
                        if let Some(displaced) = displaced {
                            places.retain(|(_, waiter)| *waiter != displaced);
                        }
                        if places.iter().all(|(place, _)| place.party != party) {
                            seen.remove(&party);
                        }
                        places.push((place, number));
                    } else {
                        assert_eq!(places.len(), ROOM);
                    }
                }
                4..=6 if in_use > 0 => {
                    let Some(called) = lines.next() else {
                        assert!(places.is_empty());
                        in_use -= 1;
                        continue;
                    };
                    let at = places.iter().position(|(_, waiter)| *waiter == called);
                    let (place, _) = places.remove(at.unwrap());
                    let is_behind = |(other, _): &(Place<usize>, u32)| {
                        other.party != place.party || other.number > place.number
                    };
                    assert!(places.iter().all(is_behind), "the first of the line");
                    seen.remove(&place.party);
                    let waiting: HashSet<usize> =
                        places.iter().map(|(place, _)| place.party).collect();
                    for party in waiting {
                        let is_new = seen.entry(party).or_default().insert(place.party);
                        assert!(is_new || party == place.party, "twice before {party}");
                    }
                }
                _ if !places.is_empty() => {
                    let end = u64::try_from(places.len()).unwrap();
                    let (place, _) = places.swap_remove(random.below(end));
                    lines.leave(place);
                    if places.iter().all(|(other, _)| other.party != place.party) {
                        seen.remove(&place.party);
                    }
                }
                _ => {}
            }
            assert!(in_use <= SLOTS && places.len() <= ROOM);
            assert_eq!(lines.waiting(), places.len());
            let parties: HashSet<usize> = places.iter().map(|(place, _)| place.party).collect();
            assert_eq!(lines.by_party.len(), parties.len());
            assert_eq!(lines.order.len(), parties.len());
        }
    }
}

#[test]
fn how_many_are_called_before_a_newcomer_is_known() {
    for waiting in [
        "", "a", "b", "aaa", "bbb", "aaaabcb", "bcbaaddd", "abab", "cccc",
    ] {
        for party in ['a', 'b', 'z'] {
            let mut lines = full(9, waiting);
            // Also when some of them have been called.
            for called in 0..=waiting.len() {
                let before = lines.before(party);
                let mut then = full(9, waiting);
                for _ in 0..called {
                    then.next();
                }
                then.wait(party, 99).unwrap();
                let position = order(&mut then).iter().position(|it| *it == 99);
                assert_eq!(
                    position,
                    Some(before),
                    "{party} after {called} of {waiting:?}"
                );
                lines.next();
            }
        }
    }
}
