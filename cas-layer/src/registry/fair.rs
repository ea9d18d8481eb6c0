//! Room that many sources share. None of them can take it all while others want some.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::SourceId;

/// Where something comes from. Everything from unknown sources counts as one source.
type Source = Option<SourceId>;

/// What waits: first in, first out within a source, and the sources in turn.
///
/// When there is no room, the source with the most waiting loses its last item to a source with less. So each source
/// has what all others leave, and an equal part in a flood. Memory is bounded by the room, however many sources there
/// are.
#[derive(Debug)]
pub(crate) struct Fair<T> {
    room: usize,
    /// For one source, if it is known.
    room_of_one: usize,
    /// What waits, and what was taken and is not done.
    size: usize,
    lanes: HashMap<Source, Lane<T>>,
    /// How much of each source waits. Sources with nothing waiting are not here.
    by_size: BTreeSet<(usize, Source)>,
    /// The same sources, the next first.
    turns: VecDeque<Source>,
}

#[derive(Debug)]
struct Lane<T> {
    items: VecDeque<(T, usize)>,
    /// How much that is.
    waiting: usize,
    /// How much was taken and is not done.
    taken: usize,
}

impl<T> Fair<T> {
    pub(crate) fn new(room: usize, room_of_one: usize) -> Self {
        Self {
            room,
            room_of_one,
            size: 0,
            lanes: HashMap::new(),
            by_size: BTreeSet::new(),
            turns: VecDeque::new(),
        }
    }

    /// Adds something, and forgets the oldest of the source with the most where there is too much.
    pub(crate) fn add_recent(&mut self, source: Source, size: usize, item: T) {
        self.add(source, size, item);
        let waiting = |fair: &Self| fair.lanes.get(&source).map_or(0, |lane| lane.waiting);
        while source.is_some() && waiting(self) > self.room_of_one {
            self.remove(source, VecDeque::pop_front);
        }
        while self.size > self.room
            && let Some(&(_, largest)) = self.by_size.last()
        {
            self.remove(largest, VecDeque::pop_front);
        }
    }

    /// Adds something for which there is room.
    pub(crate) fn add(&mut self, source: Source, size: usize, item: T) {
        let lane = self.lanes.entry(source).or_insert_with(|| Lane {
            items: VecDeque::new(),
            waiting: 0,
            taken: 0,
        });
        if lane.items.is_empty() {
            self.turns.push_back(source);
        }
        self.by_size.remove(&(lane.waiting, source));
        lane.items.push_back((item, size));
        lane.waiting += size;
        self.by_size.insert((lane.waiting, source));
        self.size += size;
    }

    /// Everything that waits, taken out.
    pub(crate) fn into_items(self) -> impl Iterator<Item = T> {
        let lanes = self.lanes.into_values();
        lanes.flat_map(|lane| lane.items.into_iter().map(|(item, _)| item))
    }

    /// Removes the first or the last thing of a source.
    fn remove(
        &mut self,
        source: Source,
        pop: impl FnOnce(&mut VecDeque<(T, usize)>) -> Option<(T, usize)>,
    ) -> Option<T> {
        let lane = self.lanes.get_mut(&source)?;
        let (item, size) = pop(&mut lane.items)?;
        self.by_size.remove(&(lane.waiting, source));
        lane.waiting -= size;
        self.size -= size;
        if lane.items.is_empty() {
            self.turns.retain(|other| *other != source);
            if lane.taken == 0 {
                self.lanes.remove(&source);
            }
        } else {
            self.by_size.insert((lane.waiting, source));
        }
        Some(item)
    }
}

/// For a queue.
#[cfg(feature = "redis")]
impl<T> Fair<T> {
    /// How much waits, or was taken and is not done.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Whether there is room for something of this size, and what was removed for it.
    pub(crate) fn make_room(&mut self, source: Source, size: usize) -> (bool, Vec<T>) {
        let (waiting, taken) = self
            .lanes
            .get(&source)
            .map_or((0, 0), |lane| (lane.waiting, lane.taken));
        if source.is_some() && waiting + taken + size > self.room_of_one {
            return (false, Vec::new());
        }
        // Nobody loses anything by one for whom that is not enough.
        if !self.can_spare((self.size + size).saturating_sub(self.room), waiting + size) {
            return (false, Vec::new());
        }
        let mut displaced = Vec::new();
        while self.size + size > self.room {
            let largest = self.by_size.last().map(|&(_, source)| source);
            match largest.and_then(|largest| self.remove(largest, VecDeque::pop_back)) {
                Some(item) => displaced.push(item),
                None => return (false, displaced),
            }
        }
        (true, displaced)
    }

    /// Whether so much goes when each source that has more than `part` is left with that.
    fn can_spare(&self, wanted: usize, part: usize) -> bool {
        let mut sources = self.by_size.iter().rev();
        let mut spared = 0;
        while spared < wanted {
            match sources.next() {
                Some((waiting, _)) if *waiting > part => spared += waiting - part,
                _ => return false,
            }
        }
        true
    }

    /// Undoes [`take`](Self::take): it waits again, before the others of its source.
    pub(crate) fn put_back(&mut self, source: Source, size: usize, item: T) {
        // What was taken keeps its lane until it is done.
        let Some(lane) = self.lanes.get_mut(&source) else {
            return;
        };
        if lane.items.is_empty() {
            self.turns.push_back(source);
        }
        self.by_size.remove(&(lane.waiting, source));
        lane.items.push_front((item, size));
        lane.waiting += size;
        lane.taken = lane.taken.saturating_sub(size);
        self.by_size.insert((lane.waiting, source));
    }

    /// Takes the next thing out. It keeps its room until it is done.
    pub(crate) fn take(&mut self) -> Option<T> {
        let source = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&source)?;
        let (item, size) = lane.items.pop_front()?;
        self.by_size.remove(&(lane.waiting, source));
        lane.waiting -= size;
        lane.taken += size;
        if !lane.items.is_empty() {
            self.by_size.insert((lane.waiting, source));
            self.turns.push_back(source);
        }
        Some(item)
    }

    /// What was taken and had this size is done.
    pub(crate) fn finish(&mut self, source: Source, size: usize) {
        self.size = self.size.saturating_sub(size);
        if let Some(lane) = self.lanes.get_mut(&source) {
            lane.taken = lane.taken.saturating_sub(size);
            if lane.taken == 0 && lane.items.is_empty() {
                self.lanes.remove(&source);
            }
        }
    }

    /// Everything that waits.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.lanes
            .values()
            .flat_map(|lane| lane.items.iter().map(|(item, _)| item))
    }

    /// The same, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.lanes
            .values_mut()
            .flat_map(|lane| lane.items.iter_mut().map(|(item, _)| item))
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::*;

    fn source(n: u32) -> SourceId {
        SourceId::of(&n)
    }

    /// Whether it found room, and what went for it.
    fn push(
        fair: &mut Fair<u32>,
        from: impl Into<Source>,
        size: usize,
        item: u32,
    ) -> (bool, Vec<u32>) {
        let from = from.into();
        let (fits, displaced) = fair.make_room(from, size);
        if fits {
            fair.add(from, size, item);
        }
        (fits, displaced)
    }

    #[test]
    fn a_flood_from_one_source_makes_room_for_every_other() {
        let mut fair = Fair::new(100, usize::MAX);
        for n in 0..1_000 {
            assert_eq!(push(&mut fair, source(0), 1, n), (n < 100, vec![]));
        }
        // The last of it goes first.
        assert_eq!(push(&mut fair, source(1), 1, 1_000), (true, vec![99]));
        assert_eq!(push(&mut fair, None, 2, 1_001), (true, vec![98, 97]));
        for n in 2..=34 {
            assert!(push(&mut fair, source(n), 1, 2_000 + n).0, "{n}");
        }
        assert_eq!(fair.size, 100);
        assert_eq!(fair.iter().count(), 99);
    }

    #[test]
    fn equal_parts_are_not_taken_from_each_other() {
        let mut fair = Fair::new(4, usize::MAX);
        for n in 0..4 {
            assert!(push(&mut fair, source(n), 1, n).0);
        }
        for n in 0..5 {
            assert_eq!(push(&mut fair, source(n), 1, n), (false, vec![]));
        }
        // Nor is more than half of two parts.
        let mut fair = Fair::new(4, usize::MAX);
        assert!(push(&mut fair, source(0), 2, 0).0 && push(&mut fair, source(0), 2, 1).0);
        assert_eq!(push(&mut fair, source(1), 4, 2), (false, vec![]));
        assert_eq!(push(&mut fair, source(1), 2, 3), (true, vec![1]));
        assert_eq!(push(&mut fair, source(1), 1, 4), (false, vec![]));
        // Who does not fit in displaces nothing, though some of it would have gone.
        let mut fair = Fair::new(5, usize::MAX);
        for n in 0..5 {
            assert!(push(&mut fair, source(0), 1, n).0);
        }
        assert_eq!(push(&mut fair, source(1), 4, 5), (false, vec![]));
        assert_eq!(push(&mut fair, source(1), 2, 6), (true, vec![4, 3]));
        // What is large goes whole, and its source may be left with less.
        let mut fair = Fair::new(6, usize::MAX);
        for (n, (from, size)) in (0..).zip([(0, 1), (0, 4), (1, 1)]) {
            assert!(push(&mut fair, source(from), size, n).0);
        }
        assert_eq!(push(&mut fair, source(2), 1, 7), (true, vec![1]));
    }

    #[test]
    fn who_finds_no_room_takes_nothing_from_anybody() {
        let mut fair = Fair::new(40, usize::MAX);
        for n in 0..36 {
            assert!(push(&mut fair, source(0), 1, n).0);
        }
        for n in 1..5 {
            assert!(push(&mut fair, source(n), 1, n).0);
        }
        // Four of the largest are more than it would have.
        assert_eq!(push(&mut fair, source(9), 32, 9), (false, vec![]));
        assert_eq!(fair.size, 40);
        let (fits, displaced) = push(&mut fair, source(9), 18, 9);
        assert!(fits && displaced.len() == 18);
    }

    #[test]
    fn a_source_that_is_known_has_so_much_room_and_no_more() {
        let mut fair = Fair::new(100, 3);
        assert!(push(&mut fair, source(0), 2, 0).0 && push(&mut fair, source(0), 1, 1).0);
        assert!(!push(&mut fair, source(0), 1, 2).0);
        // What was taken counts until it is done.
        assert_eq!(fair.take(), Some(0));
        assert!(!push(&mut fair, source(0), 1, 2).0);
        fair.finish(Some(source(0)), 2);
        assert!(push(&mut fair, source(0), 1, 2).0);
        for n in 0..50 {
            assert!(push(&mut fair, None, 1, n).0);
        }
    }

    #[test]
    fn sources_take_turns() {
        let mut fair = Fair::new(100, usize::MAX);
        for n in 0..4 {
            push(&mut fair, source(1), 1, 10 + n);
        }
        push(&mut fair, source(2), 1, 20);
        push(&mut fair, None, 1, 30);
        push(&mut fair, source(2), 1, 21);
        let taken: Vec<u32> = std::iter::from_fn(|| fair.take()).collect();
        assert_eq!(taken, [10, 20, 30, 11, 21, 12, 13]);
        assert_eq!(fair.take(), None);
    }

    #[test]
    fn what_is_put_back_is_first_again_and_can_make_room() {
        let mut fair = Fair::new(4, usize::MAX);
        for n in 0..4 {
            assert!(push(&mut fair, source(0), 1, n).0);
        }
        while fair.take().is_some() {}
        // What was taken makes no room for anybody.
        assert_eq!(push(&mut fair, source(1), 1, 9), (false, vec![]));
        for n in (0..4).rev() {
            fair.put_back(Some(source(0)), 1, n);
        }
        assert_eq!(push(&mut fair, source(1), 1, 9), (true, vec![3]));
        let taken: Vec<u32> = std::iter::from_fn(|| fair.take()).collect();
        assert_eq!(taken, [0, 9, 1, 2]);
        fair.finish(Some(source(0)), 3);
        fair.finish(Some(source(1)), 1);
        assert!(fair.lanes.is_empty() && fair.by_size.is_empty() && fair.size == 0);
    }

    #[test]
    fn nothing_is_left_of_what_is_done() {
        let mut fair = Fair::new(10, usize::MAX);
        for round in 0..100 {
            for n in 0..20 {
                push(&mut fair, source(round * 7 + n % 3), 1, n);
            }
            for n in 0..3 {
                push(&mut fair, source(1_000 + n), 3, n);
            }
            while fair.take().is_some() {}
            let sources: Vec<_> = fair
                .lanes
                .iter()
                .map(|(s, lane)| (*s, lane.taken))
                .collect();
            for (source, taken) in sources {
                fair.finish(source, taken);
            }
            assert!(fair.lanes.is_empty() && fair.by_size.is_empty() && fair.turns.is_empty());
            assert_eq!(fair.size, 0);
        }
    }

    #[test]
    fn who_waits_stays_when_another_of_its_source_is_done() {
        let mut fair = Fair::new(100, usize::MAX);
        for n in 0..3 {
            assert!(push(&mut fair, source(0), 1, n).0);
        }
        assert_eq!(fair.take(), Some(0));
        fair.finish(Some(source(0)), 1);
        assert_eq!((fair.take(), fair.take()), (Some(1), Some(2)));
        // One of the two is done, and the other one waits again.
        fair.finish(Some(source(0)), 1);
        fair.put_back(Some(source(0)), 1, 2);
        assert_eq!(fair.take(), Some(2));
    }

    #[test]
    fn what_was_taken_can_be_put_back_though_all_else_of_its_source_went() {
        let mut fair = Fair::new(3, usize::MAX);
        assert!(push(&mut fair, source(0), 1, 0).0 && push(&mut fair, source(0), 2, 1).0);
        assert_eq!(fair.take(), Some(0));
        assert_eq!(push(&mut fair, source(1), 1, 2), (true, vec![1]));
        fair.put_back(Some(source(0)), 1, 0);
        assert_eq!((fair.take(), fair.take()), (Some(2), Some(0)));
        // Of a source of which nothing was taken, nothing is left.
        let mut fair = Fair::new(2, usize::MAX);
        assert!(push(&mut fair, source(0), 2, 0).0);
        assert_eq!(push(&mut fair, source(1), 1, 1), (true, vec![0]));
        assert_eq!(fair.lanes.len(), 1);
    }

    #[test]
    fn what_was_taken_does_not_count_as_waiting() {
        let mut fair = Fair::new(3, usize::MAX);
        for n in 0..3 {
            assert!(push(&mut fair, source(0), 1, n).0);
        }
        assert_eq!(fair.take(), Some(0));
        assert_eq!(push(&mut fair, source(1), 1, 3), (true, vec![2]));
        // Each has one that waits, and nobody gives way for as many.
        assert_eq!(push(&mut fair, source(2), 1, 4), (false, vec![]));
    }
}
