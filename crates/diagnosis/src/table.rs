//! Tables of texts: from what a line has in it to its cause.

use crate::Cause;

/// Rows of texts that must all be there, and what they mean. The first row that fits counts.
pub(crate) type Table = &'static [(&'static [&'static str], Cause)];

/// The cause of the first row of which all texts are in `text`.
pub(crate) fn find(table: Table, text: &str) -> Option<Cause> {
    let fits = |parts: &[&str]| parts.iter().all(|part| text.contains(part));
    table.iter().find(|(parts, _)| fits(parts)).map(|(_, cause)| *cause)
}
