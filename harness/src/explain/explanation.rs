//! What was found, by cause.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use diagnosis::{Cause, Finding, Meaning, Step, Subject};
use k8s_text::printable;
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// The longest text that is kept of a line, in characters.
pub(super) const LONGEST_TEXT: usize = 300;

/// The most nodes, and other names, that are kept of one cause.
pub(super) const MOST_NAMES: usize = 20_000;

/// The most cures that are kept of one cause, besides the table's.
const MOST_CURES: usize = 5;

/// How many unknown lines are shown.
const SHOWN_UNKNOWN: usize = 5;

/// What is wrong, and what is not known.
#[derive(Debug, Default, Serialize)]
pub struct Explanation {
    /// How many lines were read.
    pub lines: u64,
    /// How many of them say nothing that is wrong.
    pub harmless: u64,
    /// How many are longer than what is read of one.
    pub cut: u64,
    /// What is wrong, those of most nodes first and what follows from another cause last.
    pub causes: Vec<Group>,
    /// The lines that are not known.
    pub unknown: Unknown,
}

/// What is known of one cause.
#[derive(Debug)]
pub struct Group {
    /// The cause.
    pub cause: Cause,
    /// Its nodes, with the number of lines of each.
    pub nodes: BTreeMap<String, u64>,
    /// Pods, autoscalers, users and others that it is about.
    pub others: BTreeMap<String, u64>,
    /// There are more nodes or others than are kept.
    pub is_cut: bool,
    /// How many lines say so.
    pub lines: u64,
    /// The first of them.
    pub first: Place,
    /// The cures that these lines name themselves.
    pub cures: BTreeSet<String>,
}

/// Lines that are not known.
#[derive(Debug, Default, Serialize)]
pub struct Unknown {
    /// How many.
    pub lines: u64,
    /// The first of them.
    pub first: Vec<Place>,
}

/// A line.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The file.
    pub file: Arc<str>,
    /// The line's number, from 1 on.
    pub line: u64,
    /// Its beginning, safe to print.
    pub text: String,
}

/// Where a line is.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) file: Arc<str>,
    pub(super) line: u64,
}

// === impl Place ===

impl Place {
    fn new(At { file, line }: &At, text: &str) -> Self {
        Self { file: file.clone(), line: *line, text: printable(text.trim(), LONGEST_TEXT) }
    }
}

// === impl Explanation ===

impl Explanation {
    /// Takes in what a line says.
    pub(super) fn note(&mut self, at: &At, text: &str, meaning: Meaning) {
        match meaning {
            Meaning::Harmless => self.harmless += 1,
            Meaning::Unknown => {
                self.unknown.lines += 1;
                if self.unknown.first.len() < SHOWN_UNKNOWN {
                    self.unknown.first.push(Place::new(at, text));
                }
            }
            Meaning::Partly(findings, unknown) => {
                self.note(at, text, Meaning::Wrong(findings));
                self.note(at, &unknown, Meaning::Unknown);
            }
            Meaning::Wrong(findings) => {
                let causes: BTreeSet<_> = findings.iter().map(|finding| finding.cause).collect();
                for cause in causes {
                    self.group(cause, at, text).lines += 1;
                }
                for finding in findings {
                    self.group(finding.cause, at, text).take(finding);
                }
            }
        }
    }

    fn group(&mut self, cause: Cause, at: &At, text: &str) -> &mut Group {
        let known = self.causes.iter().position(|group| group.cause == cause);
        let index = known.unwrap_or_else(|| {
            let first = Place::new(at, text);
            self.causes.push(Group::new(cause, first));
            self.causes.len() - 1
        });
        &mut self.causes[index]
    }

    /// The order in which they are shown.
    pub(super) fn sorted(mut self) -> Self {
        self.causes.sort_by_key(|group| {
            let (nodes, lines) = (Reverse(group.nodes.len()), Reverse(group.lines));
            (group.cause.is_consequence(), nodes, lines, group.cause)
        });
        self
    }
}

// === impl Group ===

impl Group {
    fn new(cause: Cause, first: Place) -> Self {
        Self {
            cause,
            nodes: BTreeMap::new(),
            others: BTreeMap::new(),
            is_cut: false,
            lines: 0,
            first,
            cures: BTreeSet::new(),
        }
    }

    fn take(&mut self, Finding { cause: _, subject, cure }: Finding) {
        if let Some(cure) = cure.filter(|_| self.cures.len() < MOST_CURES) {
            self.cures.insert(cure.chars().filter(|c| !c.is_control()).collect());
        }
        let (names, name) = match subject {
            Some(Subject::Node(name)) => (&mut self.nodes, printable(&name, LONGEST_TEXT)),
            Some(Subject::Other(name)) => (&mut self.others, printable(&name, LONGEST_TEXT)),
            None => return,
        };
        if let Some(lines) = names.get_mut(&name) {
            *lines += 1;
        } else if names.len() < MOST_NAMES {
            names.insert(name, 1);
        } else {
            self.is_cut = true;
        }
    }

    /// What cures it: what the lines name, who know the node; else what the table has.
    pub fn cures(&self) -> Vec<&str> {
        if self.cures.is_empty() {
            return vec![self.cause.cure()];
        }
        self.cures.iter().map(String::as_str).collect()
    }

    /// What to run or to write: the table's steps, where its cure holds.
    pub fn steps(&self) -> &'static [Step] {
        if self.cures() == [self.cause.cure()] { self.cause.steps() } else { &[] }
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Step {
            what: &'static str,
            text: &'static str,
        }
        let steps = self.steps().iter();
        let steps: Vec<_> = steps.map(|step| Step { what: step.what, text: step.text }).collect();
        let mut group = serializer.serialize_struct("Group", 12)?;
        group.serialize_field("cause", self.cause.name())?;
        group.serialize_field("about", self.cause.about())?;
        group.serialize_field("isConsequence", &self.cause.is_consequence())?;
        group.serialize_field("nodes", &self.nodes)?;
        group.serialize_field("others", &self.others)?;
        group.serialize_field("isCut", &self.is_cut)?;
        group.serialize_field("lines", &self.lines)?;
        group.serialize_field("first", &self.first)?;
        group.serialize_field("cures", &self.cures())?;
        group.serialize_field("steps", &steps)?;
        group.serialize_field("page", &self.cause.page())?;
        group.serialize_field("scenario", &self.cause.scenario())?;
        group.end()
    }
}
