//! A map that forgets its oldest entry rather than grow.

use std::collections::{BTreeMap, HashMap};

/// At most `limit` entries; adding one more drops the oldest.
pub(super) struct Bounded<V> {
    limit: usize,
    next: u64,
    entries: HashMap<String, (u64, V)>,
    by_age: BTreeMap<u64, String>,
}

impl<V> Bounded<V> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            next: 0,
            entries: HashMap::new(),
            by_age: BTreeMap::new(),
        }
    }

    pub(super) fn insert(&mut self, key: String, value: V) {
        self.remove(&key);
        if self.entries.len() >= self.limit
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.by_age.insert(self.next, key.clone());
        self.entries.insert(key, (self.next, value));
        self.next += 1;
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<V> {
        let (age, value) = self.entries.remove(key)?;
        self.by_age.remove(&age);
        Some(value)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut().map(|(_, value)| value)
    }

    /// Removes the entries that are `meant`; gives them, the oldest first.
    pub(super) fn take_where(&mut self, meant: impl Fn(&V) -> bool) -> Vec<V> {
        let mut taken: Vec<(u64, V)> = self
            .entries
            .extract_if(|_, (_, value)| meant(value))
            .map(|(_, entry)| entry)
            .collect();
        taken.sort_unstable_by_key(|(age, _)| *age);
        for (age, _) in &taken {
            self.by_age.remove(age);
        }
        taken.into_iter().map(|(_, value)| value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn the_oldest_entry_makes_room() {
        let mut map = Bounded::new(2);
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        map.insert("c".into(), 3);
        assert_eq!(
            (map.get("a"), map.get("b"), map.get("c")),
            (None, Some(&2), Some(&3))
        );
    }

    #[test]
    fn a_removed_entry_leaves_room_for_another() {
        let mut map = Bounded::new(2);
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        assert_eq!(map.remove("b"), Some(2));
        map.insert("c".into(), 3);
        assert_eq!(
            (map.get("a"), map.get("b"), map.get("c")),
            (Some(&1), None, Some(&3))
        );
    }

    #[test]
    fn entries_are_taken_oldest_first() {
        let mut map = Bounded::new(20);
        for number in 0..20 {
            map.insert(number.to_string(), number);
        }
        let even: Vec<i32> = (0..20).filter(|number| number % 2 == 0).collect();
        assert_eq!(map.take_where(|number| number % 2 == 0), even);
        assert!(!map.contains("4") && map.contains("5"));
    }

    #[test]
    fn taken_entries_leave_room_too() {
        let mut map = Bounded::new(2);
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        map.take_where(|value| *value == 2);
        map.insert("c".into(), 3);
        assert_eq!(
            (map.get("a"), map.get("b"), map.get("c")),
            (Some(&1), None, Some(&3))
        );
    }

    #[test]
    fn inserting_a_key_again_makes_it_the_newest() {
        let mut map = Bounded::new(2);
        map.insert("a".into(), 1);
        map.insert("b".into(), 2);
        map.insert("a".into(), 3);
        map.insert("c".into(), 4);
        assert_eq!(
            (map.get("a"), map.get("b"), map.get("c")),
            (Some(&3), None, Some(&4))
        );
    }
}
