//! What is measured apart: each category, and whether there is any violation at all.

use serde::{Serialize, Serializer};

use crate::category::Category;

/// A category, or any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    Any,
    Of(Category),
}

impl Aspect {
    /// How many there are.
    pub(super) const COUNT: usize = 1 + Category::ALL.len();

    /// Every aspect, in the order of output.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Any).chain(Category::ALL.into_iter().map(Self::Of))
    }

    /// Its place in that order.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Any => 0,
            Self::Of(category) => 1 + category as usize,
        }
    }

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Of(category) => category.id(),
        }
    }
}

impl Serialize for Aspect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// A set of aspects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Aspects(u16);

impl Aspects {
    /// Adds one aspect and nothing else.
    pub(super) fn insert(&mut self, aspect: Aspect) {
        self.0 |= 1 << aspect.index();
    }

    /// Adds what a label says: the category, and that there is any.
    pub(super) fn insert_label(&mut self, category: Category) {
        self.insert(Aspect::Any);
        self.insert(Aspect::Of(category));
    }

    pub(super) fn contains(self, aspect: Aspect) -> bool {
        self.0 & (1 << aspect.index()) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The categories in the set, in table order.
    pub(super) fn categories(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |category| self.contains(Aspect::Of(*category)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aspect_has_its_own_place() {
        let places: Vec<usize> = Aspect::all().map(Aspect::index).collect();
        assert_eq!(places, (0..Aspect::COUNT).collect::<Vec<_>>());
    }
}
