//! What a moderator was built from, for people who ask where a verdict comes from.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::category::{Category, Severity};
use crate::lexicon::{ListKind, Wordlist};
use crate::rules::Rule;

/// The word lists and rule files that a moderator decides with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inventory {
    /// The lists, in their order.
    pub lists: Vec<InventoryList>,
    /// The files of rules, in their order.
    pub rules: Vec<InventoryRules>,
}

/// A word list.
#[derive(Clone, Debug, Serialize)]
pub struct InventoryList {
    /// Its stable name, `gore-en`.
    pub id: String,
    /// What its terms are for.
    pub kind: ListKind,
    /// What they are evidence of, or excuse.
    pub category: Option<Category>,
    /// Their language.
    pub language: Option<String>,
    /// How many there are, alternatives spelled out.
    pub terms: usize,
    /// The highest severity of a term, on lists that block.
    pub severity: Option<Severity>,
    /// The file.
    pub place: String,
    /// Who named that file.
    pub origin: Origin,
}

/// A file of rules.
#[derive(Clone, Debug, Serialize)]
pub struct InventoryRules {
    /// What the rules are evidence of, and the highest severity of it.
    pub severities: BTreeMap<Category, Severity>,
    /// How many rules there are; one over families of lists counts once.
    pub rules: usize,
    /// The file.
    pub place: String,
    /// Who named that file.
    pub origin: Origin,
}

/// Where lists and rules come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// The program.
    CompiledIn,
    /// A folder in the place of what is compiled in.
    Folder,
    /// The caller, who added it to the others.
    Added,
}

impl Inventory {
    /// The highest severity of which lists and rules can give evidence; categories that they know nothing of are missing.
    #[must_use]
    pub fn severities(&self) -> BTreeMap<Category, Severity> {
        let of_lists = self.lists.iter().filter_map(|list| list.category.zip(list.severity));
        let of_rules =
            self.rules.iter().flat_map(|file| &file.severities).map(|(category, severity)| (*category, *severity));
        highest(of_lists.chain(of_rules))
    }

    pub(crate) fn add_list(&mut self, list: &Wordlist, origin: Origin) {
        let blocks = list.kind == ListKind::Block;
        self.lists.push(InventoryList {
            id: list.id.clone(),
            kind: list.kind,
            category: list.category,
            language: list.language.clone(),
            terms: list.terms.len(),
            severity: if blocks { list.terms.iter().map(|term| term.severity).max() } else { None },
            place: list.place.clone(),
            origin,
        });
    }

    pub(crate) fn add_rules(&mut self, place: &str, rules: &[&Rule], origin: Origin) {
        self.rules.push(InventoryRules {
            severities: highest(rules.iter().map(|rule| (rule.category, rule.severity))),
            rules: rules.len(),
            place: place.to_owned(),
            origin,
        });
    }
}

fn highest(found: impl Iterator<Item = (Category, Severity)>) -> BTreeMap<Category, Severity> {
    let mut highest = BTreeMap::new();
    for (category, severity) in found {
        let known = highest.entry(category).or_insert(severity);
        *known = severity.max(*known);
    }
    highest
}
