//! Maps whose entries expire.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash},
};

use crate::session::SessionId;

/// A map by session id. Its hash is keyed, although ids come from a SHA-256. While Redis is away, ids from strangers
/// wait in such a map too, and a stranger could search for tickets whose ids collide.
pub(super) type ById<V> = HashMap<SessionId, V>;

/// Makes room for one more entry. When the map is full, expired entries go first, and the map grows only if they were
/// few. So the map stays within twice its live entries, without an index by time, and each entry is looked at a few
/// times in its life.
pub(super) fn make_room<K: Eq + Hash, V, S: BuildHasher>(
    map: &mut HashMap<K, V, S>,
    mut is_live: impl FnMut(&V) -> bool,
) {
    if map.len() < map.capacity() {
        return;
    }
    map.retain(|_, value| is_live(value));
    let (len, capacity) = (map.len(), map.capacity());
    if len >= capacity - capacity / 8 {
        map.reserve(capacity - len + 1);
    } else if len < capacity / 4 {
        map.shrink_to(capacity / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> SessionId {
        let mut bytes = [0; 16];
        // Spread as a hash would be.
        bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        bytes.into()
    }

    #[test]
    fn a_map_of_short_lived_entries_does_not_grow_with_their_number() {
        let mut map = ById::default();
        // At any time the last 1,000 are live.
        for n in 0..200_000 {
            make_room(&mut map, |&entered: &u64| entered + 1_000 > n);
            map.insert(id(n), n);
        }
        assert!(map.capacity() <= 4_096, "{}", map.capacity());
        assert!((0..1_000).all(|back| map.contains_key(&id(199_999 - back))));
    }

    #[test]
    fn a_map_gives_memory_back_when_a_wave_has_passed() {
        let mut map = ById::default();
        for n in 0..100_000 {
            make_room(&mut map, |_| true);
            map.insert(id(n), n);
        }
        for n in 100_000..400_000 {
            make_room(&mut map, |&entered: &u64| entered + 100 > n);
            map.insert(id(n), n);
            // Soon, not when as many again have come.
            assert!(n < 200_000 || map.capacity() <= 16_384, "{n}");
        }
        assert!(map.capacity() <= 1_024, "{}", map.capacity());
    }

    #[test]
    fn live_entries_are_never_cleared_away() {
        let mut map = ById::default();
        for n in 0..50_000 {
            make_room(&mut map, |&entered: &u64| entered % 2 == 0);
            map.insert(id(n), n);
        }
        assert!((0..50_000).step_by(2).all(|n| map.contains_key(&id(n))));
    }
}
