//! Numbers by hash, in one piece of memory behind a bitmap that most look-ups do not pass.

use crate::gate::Gate;

/// An empty slot of the table.
const EMPTY: Slot = Slot { tag: 0, number: u32::MAX };

#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    number: u32,
}

/// Numbers of things by a hash of theirs, of which several may share one. Open addressing, at most half full: looking a key up
/// reads its slot and the ones after it up to an empty one.
pub(crate) struct Index {
    gate: Gate,
    slots: Vec<Slot>,
}

impl Index {
    /// Builds the table of `entries`, keys (which are hashes already) with the numbers they stand for.
    pub(crate) fn new(entries: &[(u64, u32)]) -> Self {
        let size = (2 * entries.len() + 1).next_power_of_two();
        let mut index = Self { gate: Gate::for_entries(entries.len()), slots: vec![EMPTY; size] };
        for &(key, number) in entries {
            index.gate.insert(key >> 20);
            let mut at = home(key) & (size - 1);
            while index.slots.get(at).is_some_and(|slot| slot.number != EMPTY.number) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = index.slots.get_mut(at) {
                *slot = Slot { tag: tag(key), number };
            }
        }
        index
    }

    /// The numbers under `key`, in the order given. A few others may be among them: the caller compares.
    #[inline]
    pub(crate) fn get(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let passes = self.gate.may_hold(key >> 20);
        let (home, tag) = (home(key), tag(key));
        let probes =
            (0..if passes { self.slots.len() } else { 0 }).map(move |step| (home + step) & (self.slots.len() - 1));
        let slots = probes.map_while(|at| self.slots.get(at).copied().filter(|slot| slot.number != EMPTY.number));
        slots.filter(move |slot| slot.tag == tag).map(|slot| slot.number)
    }
}

#[inline]
pub(crate) fn home(key: u64) -> usize {
    // The tag takes the high half.
    usize::try_from(key & 0xffff_ffff).unwrap_or(0)
}

#[inline]
pub(crate) fn tag(key: u64) -> u32 {
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
        for &(key, number) in &entries {
            assert!(index.get(key).any(|found| found == number));
            assert_eq!(index.get(key).count(), 2);
        }
        assert_eq!(Index::new(&[]).get(7).count(), 0);
    }
}
