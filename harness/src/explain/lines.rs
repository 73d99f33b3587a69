//! Lines of any length, in bounded memory.

use std::io::{self, BufRead};

/// The most of a line that is kept. A server before 0.5 logs the failures of all nodes in one line.
pub(super) const LONGEST: usize = 1 << 20;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line.
    Whole,
    /// The beginning of a longer one.
    Cut,
}

/// Reads the next line into `line`, without its end, and at most [`LONGEST`] bytes of it; `None` at
/// the end.
pub(super) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<Line>> {
    line.clear();
    let mut read = None;
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            return Ok(read);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let is_cut = part.len() > LONGEST - line.len();
        line.extend_from_slice(&part[..part.len().min(LONGEST - line.len())]);
        read = if is_cut { Some(Line::Cut) } else { read.or(Some(Line::Whole)) };
        let taken = end.map_or(bytes.len(), |end| end + 1);
        input.consume(taken);
        if end.is_some() {
            return Ok(read);
        }
    }
}
