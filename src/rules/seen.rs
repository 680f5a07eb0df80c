//! Which lists have a hit in a reading: a look at a few words of bits rules nearly every combination out.

use crate::evidence::{ListId, Mark};
use crate::prompt::Role;

/// A set of word lists, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListSet(Vec<u64>);

impl ListSet {
    pub(super) fn of(lists: &[ListId]) -> Self {
        let mut set = Self::default();
        for list in lists {
            set.insert(*list);
        }
        set
    }

    fn insert(&mut self, list: ListId) {
        let (word, bit) = place(list);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn holds(&self, list: ListId) -> bool {
        let (word, bit) = place(list);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ListId> + '_ {
        lists_of(&self.0)
    }
}

fn place(list: ListId) -> (usize, u64) {
    (usize::from(list.0 / 64), 1 << (list.0 % 64))
}

/// The lists with a hit, by the side of the prompt.
pub(super) struct Seen {
    /// Sets of `width` words each, one after the other: all lists; those named on the positive side, and those of them with a
    /// hit that no exception excuses; the same for the negative side.
    bits: Vec<u64>,
    width: usize,
}

impl Seen {
    /// What `marks` are of, there being `lists` lists.
    pub(super) fn of(marks: &[Mark], lists: usize) -> Self {
        let width = lists.div_ceil(64);
        let mut seen = Self { bits: if marks.is_empty() { Vec::new() } else { vec![0; 5 * width] }, width };
        for mark in marks {
            let (word, bit) = place(mark.list);
            let named = Self::side(mark.role);
            for set in [Some(0), Some(named), (!mark.excused).then_some(named + 1)].into_iter().flatten() {
                if let Some(word) = seen.bits.get_mut(set * width + word) {
                    *word |= bit;
                }
            }
        }
        seen
    }

    /// All lists with a hit.
    pub(super) fn any(&self) -> impl Iterator<Item = ListId> + '_ {
        lists_of(self.set(0))
    }

    /// Whether one of `lists` has a hit on a side, inside an exception or not.
    pub(super) fn names(&self, lists: &ListSet, side: Role) -> bool {
        meets(&lists.0, self.set(Self::side(side)))
    }

    /// The same for hits that take part in a combination: those inside an exception do not.
    pub(super) fn holds(&self, lists: &ListSet, side: Role) -> bool {
        meets(&lists.0, self.set(Self::side(side) + 1))
    }

    fn side(role: Role) -> usize {
        if role == Role::Negative { 3 } else { 1 }
    }

    fn set(&self, number: usize) -> &[u64] {
        self.bits.get(number * self.width..(number + 1) * self.width).unwrap_or_default()
    }
}

fn meets(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

fn lists_of(set: &[u64]) -> impl Iterator<Item = ListId> + '_ {
    let some = |bits: u64| (bits != 0).then_some(bits);
    (0_u16..).zip(set).flat_map(move |(word, &bits)| {
        std::iter::successors(some(bits), move |bits| some(bits & (bits - 1)))
            .map(move |bits| ListId(64 * word + u16::try_from(bits.trailing_zeros()).unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Field;
    use crate::span::NormSpan;

    #[test]
    fn sets_hold_what_was_put_in() {
        let ids: Vec<ListId> = [0, 63, 64, 700].map(ListId).to_vec();
        let set = ListSet::of(&ids);
        assert_eq!(set.iter().collect::<Vec<_>>(), ids);
        assert!(set.holds(ListId(700)) && !set.holds(ListId(65)) && !set.holds(ListId(9000)));
        assert!(meets(&set.0, &ListSet::of(&[ListId(64)]).0) && !meets(&set.0, &ListSet::of(&[ListId(1)]).0));
    }

    #[test]
    fn sides_are_kept_apart() {
        let mark = |list, role, excused| Mark {
            list: ListId(list),
            role,
            field: Field::Prompt,
            norm: NormSpan::new(0, 1),
            text: 0,
            excused,
        };
        let marks = [mark(3, Role::Positive, false), mark(70, Role::Positive, true), mark(5, Role::Negative, false)];
        let seen = Seen::of(&marks, 71);
        let of = |list| ListSet::of(&[ListId(list)]);
        assert_eq!(seen.any().collect::<Vec<_>>(), [3, 5, 70].map(ListId));
        assert!(seen.holds(&of(3), Role::Positive) && !seen.holds(&of(3), Role::Negative));
        assert!(seen.names(&of(70), Role::Positive) && !seen.holds(&of(70), Role::Positive));
        assert!(seen.holds(&of(5), Role::Negative) && Seen::of(&[], 71).any().next().is_none());
    }
}
