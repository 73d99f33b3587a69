//! Where something is in a file.

use std::{fmt, ops::Range};

/// A location in a text. It is shown as `line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The bytes to underline, all on this line.
    pub span: Range<usize>,
}

// === impl Location ===

impl Location {
    /// The character at `line` and `column` of `text`, or the end of the line where there is none.
    pub(crate) fn of_character(text: &str, line: usize, column: usize) -> Self {
        let before: usize =
            text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text[before..].split(['\n', '\r']).next().unwrap_or_default();
        let (offset, length) = rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or((rest.len(), 0), |(offset, character)| (offset, character.len_utf8()));
        let start = before + offset;
        Self { line, column, span: start..start + length }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
