//! Tables as kubectl prints them.

use std::fmt::Write;

/// Space that columns are apart.
const COLUMN_GAP: usize = 3;

/// The rows in lines, with their columns aligned and without space at the ends.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            // A last cell may be as long as it is: nothing stands behind it.
            .filter(|row| column + 1 < row.len())
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(|column| width(column) + COLUMN_GAP).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:<width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
