//! Where the patterns are that may start at a word: a table by hash behind a bitmap that most words do not pass.

use crate::gate::Gate;

/// An empty slot of the table.
const EMPTY: Slot = Slot { tag: 0, pattern: u32::MAX };

#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    pattern: u32,
}

/// Pattern numbers by a hash of what they start with. Open addressing, at most half full: looking a key up reads its slot and
/// the ones after it up to an empty one.
pub(super) struct Index {
    gate: Gate,
    slots: Vec<Slot>,
}

impl Index {
    /// Builds the table of `entries`, keys (which are hashes already) with the patterns they stand for.
    pub(super) fn new(entries: &[(u64, u32)]) -> Self {
        let size = (2 * entries.len() + 1).next_power_of_two();
        let mut index = Self { gate: Gate::for_entries(entries.len()), slots: vec![EMPTY; size] };
        for &(key, pattern) in entries {
            index.gate.insert(key >> 20);
            let mut at = index.home(key);
            while index.slots.get(at).is_some_and(|slot| slot.pattern != EMPTY.pattern) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = index.slots.get_mut(at) {
                *slot = Slot { tag: tag(key), pattern };
            }
        }
        index
    }

    /// The patterns under `key`, in the order given. A few others may be among them: patterns are compared with the text.
    #[inline]
    pub(super) fn get(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let passes = self.gate.may_hold(key >> 20);
        let (home, tag) = (self.home(key), tag(key));
        let probes =
            (0..if passes { self.slots.len() } else { 0 }).map(move |step| (home + step) & (self.slots.len() - 1));
        let slots = probes.map_while(|at| self.slots.get(at).copied().filter(|slot| slot.pattern != EMPTY.pattern));
        slots.filter(move |slot| slot.tag == tag).map(|slot| slot.pattern)
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        // The tag takes the high half.
        usize::try_from(key & 0xffff_ffff).unwrap_or(0) & (self.slots.len() - 1)
    }
}

#[inline]
fn tag(key: u64) -> u32 {
    u32::try_from(key >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn finds_what_was_put_in() {
        let entries: Vec<(u64, u32)> =
            (0..2000_u32).map(|n| (u64::from(n % 1000).wrapping_mul(0x9e37_79b9_7f4a_7c15), n)).collect();
        let index = Index::new(&entries);
        for &(key, pattern) in &entries {
            assert!(index.get(key).any(|found| found == pattern));
            assert_eq!(index.get(key).count(), 2);
        }
        assert_eq!(Index::new(&[]).get(7).count(), 0);
    }
}
