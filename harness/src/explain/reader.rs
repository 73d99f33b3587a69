//! From bytes to findings, line by line.

use std::{
    io::{self, BufRead},
    sync::Arc,
};

use diagnosis::{Lookup, Meaning, meaning_of_core_dns, meaning_of_record, meaning_of_text};
use k8s_text::klog::{self, Record};

use super::{
    clean::clean,
    document::Document,
    envelope,
    explanation::{At, Explanation},
    lines::{self, LONGEST, Line},
    names::Names,
};

/// Reads logs and what kubectl prints.
#[derive(Debug, Default)]
pub struct Explainer {
    explanation: Explanation,
    document: Document,
    names: Names,
    /// A line that goes on in the next one.
    open: Option<Open>,
}

/// A line that is not complete.
#[derive(Debug)]
struct Open {
    at: At,
    text: String,
    kind: Kind,
    /// It was too long, and its end is not kept.
    is_cut: bool,
}

/// Why it is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A container's runtime has split it.
    Split,
    /// klog writes a value of several lines.
    Value,
    /// A value in YAML may be folded.
    Folded,
}

// === impl Explainer ===

impl Explainer {
    /// Reads one input, which is called `name`, to its end.
    pub fn read(&mut self, name: &str, mut input: impl BufRead) -> io::Result<()> {
        let (file, mut bytes): (Arc<str>, _) = (name.into(), Vec::new());
        let mut line = 0;
        while let Some(read) = lines::next(&mut input, &mut bytes)? {
            line += 1;
            self.explanation.lines += 1;
            let mut opened = envelope::open(clean(&bytes));
            if read == Line::Cut {
                self.explanation.cut += 1;
                opened.text.truncate(last_part(&opened.text));
            }
            self.take(At { file: file.clone(), line }, opened.text, opened.goes_on);
        }
        self.close();
        self.document = Document::None;
        Ok(())
    }

    /// What was found.
    pub fn finish(mut self) -> Explanation {
        self.names.explain(&mut self.explanation);
        self.explanation.sorted()
    }

    fn take(&mut self, at: At, text: String, goes_on: bool) {
        if let Some(open) = &mut self.open {
            let joins = match open.kind {
                Kind::Split => true,
                Kind::Value => text.starts_with(['\t', ' ']),
                Kind::Folded => self.document.joins(&text, &open.text),
            };
            if joins {
                // A line that belongs to another one has no meaning of its own.
                self.explanation.harmless += 1;
                let (between, part) = match open.kind {
                    Kind::Split => ("", &*text),
                    Kind::Value => ("\n", &*text),
                    Kind::Folded => (" ", text.trim()),
                };
                if open.text.len() + part.len() < LONGEST {
                    open.text.push_str(between);
                    open.text.push_str(part);
                } else if !open.is_cut {
                    open.is_cut = true;
                    self.explanation.cut += 1;
                    open.text.truncate(last_part(&open.text));
                }
                let is_last = match open.kind {
                    Kind::Split => !goes_on,
                    Kind::Value => text.starts_with(" >"),
                    Kind::Folded => false,
                };
                if is_last {
                    self.close();
                }
                return;
            }
            self.close();
        }
        if goes_on {
            self.open = Some(Open { at, text, kind: Kind::Split, is_cut: false });
        } else {
            self.whole(at, text);
        }
    }

    /// Ends the line that is open.
    fn close(&mut self) {
        match self.open.take() {
            Some(Open { at, text, kind: Kind::Split, .. }) => {
                self.whole(at, text);
                // It may have opened another one.
                self.close();
            }
            Some(Open { at, text, kind: Kind::Value, .. }) => self.log(&at, &text),
            Some(Open { at, text, kind: Kind::Folded, .. }) => {
                let meaning = self.document.meaning(&text);
                self.explanation.note(&at, &text, meaning);
            }
            None => {}
        }
    }

    /// Takes a line that no runtime has split.
    fn whole(&mut self, at: At, text: String) {
        if self.document.has(&text) && Record::read(&text).is_none() {
            self.open = Some(Open { at, text, kind: Kind::Folded, is_cut: false });
        } else if klog::is_open(&text) {
            self.document = Document::None;
            self.open = Some(Open { at, text, kind: Kind::Value, is_cut: false });
        } else {
            self.log(&at, &text);
        }
    }

    /// Takes a line that stands for itself, or begins a document.
    fn log(&mut self, at: &At, text: &str) {
        self.document = Document::None;
        let meaning = if let Some(record) = Record::read(text) {
            meaning_of_record(&record)
        } else if let Some(meaning) = meaning_of_core_dns(text) {
            match Lookup::read(text) {
                // Names that do not exist are explained at the end.
                Some(lookup) if lookup.exists || meaning != Meaning::Harmless => {
                    let is_known = lookup.exists;
                    self.names.note(at, text, lookup, meaning);
                    if !is_known {
                        return;
                    }
                    Meaning::Harmless
                }
                _ => meaning,
            }
        } else if let Some(document) = Document::beginning(text) {
            self.document = document;
            Meaning::Harmless
        } else {
            if text.starts_with("panic: ") || text.starts_with("fatal error: ") {
                self.document = Document::Trace;
            }
            meaning_of_text(text)
        };
        self.explanation.note(at, text, meaning);
    }
}

/// Where the last part of a line that was cut begins, in which the cut is: so do servers before 0.5
/// list nodes.
fn last_part(text: &str) -> usize {
    text.rfind(", unable to ").unwrap_or(text.len())
}
