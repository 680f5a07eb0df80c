//! A small set of hashes that answers «surely not» from the nearest cache.

/// A bitmap by hash: what it denies was never put in; of the rest it lets a share through.
pub(crate) struct Gate {
    bits: Vec<u64>,
    mask: u64,
}

impl Gate {
    /// Room for `entries` hashes: about one in eight of other hashes passes.
    pub(crate) fn for_entries(entries: usize) -> Self {
        let bits = (8 * entries).next_power_of_two().max(64);
        Self { bits: vec![0; bits / 64], mask: bits as u64 - 1 }
    }

    /// Puts a hash in, whose low bits must be well spread.
    pub(crate) fn insert(&mut self, hash: u64) {
        let bit = hash & self.mask;
        if let Some(word) = self.bits.get_mut(place(bit)) {
            *word |= 1 << (bit % 64);
        }
    }

    /// Whether `hash` may be in it.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let bit = hash & self.mask;
        self.bits.get(place(bit)).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }
}

#[inline]
fn place(bit: u64) -> usize {
    usize::try_from(bit / 64).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::Gate;
    use crate::words::WordHash;

    #[test]
    fn lets_in_what_was_put_in_and_little_else() {
        let hash = |n: usize| WordHash::of(&format!("word{n}")).spread();
        let mut gate = Gate::for_entries(1000);
        (0..1000).for_each(|n| gate.insert(hash(n)));
        assert!((0..1000).all(|n| gate.may_hold(hash(n))));
        assert!((1000..11_000).filter(|&n| gate.may_hold(hash(n))).count() < 2000);
    }
}
