//! Names that are looked up, of which a search list makes many that do not exist.

use std::collections::{BTreeMap, BTreeSet};

use diagnosis::{Lookup, Meaning};
use k8s_text::printable;

use super::explanation::{At, Explanation, LONGEST_TEXT, MOST_NAMES};

/// The names in CoreDNS's log.
#[derive(Debug, Default)]
pub(super) struct Names {
    existing: BTreeSet<String>,
    missing: BTreeMap<String, Missing>,
}

/// A name that does not exist.
#[derive(Debug)]
struct Missing {
    lookup: Lookup,
    at: At,
    /// The first line that says so.
    text: String,
    meaning: Meaning,
    lines: u64,
}

// === impl Names ===

impl Names {
    /// Takes in a line with a lookup. What it says is only known at the end.
    pub(super) fn note(&mut self, at: &At, text: &str, lookup: Lookup, meaning: Meaning) {
        if lookup.exists {
            if self.existing.len() < MOST_NAMES {
                self.existing.insert(lookup.name);
            }
        } else if let Some(missing) = self.missing.get_mut(&lookup.name) {
            missing.lines += 1;
        } else if self.missing.len() < MOST_NAMES {
            let text = printable(text, LONGEST_TEXT);
            let name = lookup.name.clone();
            self.missing.insert(name, Missing { lookup, at: at.clone(), text, meaning, lines: 1 });
        }
    }

    /// What the lines say: a name that a search list has made of another one says nothing.
    pub(super) fn explain(self, explanation: &mut Explanation) {
        let is_name = |stem| self.existing.contains(stem) || self.missing.contains_key(stem);
        for Missing { lookup, at, text, meaning, lines } in self.missing.values() {
            let is_made = lookup.stems().any(is_name);
            for _ in 0..*lines {
                let meaning = if is_made { Meaning::Harmless } else { meaning.clone() };
                explanation.note(at, text, meaning);
            }
        }
    }
}
