use std::io::{self, Write};

/// The progress of a run, in one line of a terminal that is overwritten.
pub struct Progress<W> {
    out: W,
    total: usize,
    ended: usize,
    failed: usize,
    /// Progress is not written to files and pipes.
    is_terminal: bool,
}

// === impl Progress ===

impl<W: Write> Progress<W> {
    /// Nothing has ended of this many scenarios.
    pub fn new(out: W, total: usize, is_terminal: bool) -> Self {
        Self { out, total, ended: 0, failed: 0, is_terminal }
    }

    /// Clears the line for other output.
    pub fn clear(&mut self) -> io::Result<()> {
        if self.is_terminal { write!(self.out, "\r\x1b[2K") } else { Ok(()) }
    }

    /// One more has ended.
    pub fn ended(&mut self, passed: bool) -> io::Result<()> {
        self.ended += 1;
        self.failed += usize::from(!passed);
        if !self.is_terminal || self.ended == self.total {
            return Ok(());
        }
        write!(self.out, "{} of {} scenarios", self.ended, self.total)?;
        if self.failed > 0 {
            write!(self.out, ", {} failed", self.failed)?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(is_terminal: bool) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, 3, is_terminal);
        for passed in [true, false, true] {
            progress.clear().unwrap();
            progress.ended(passed).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_shows_how_far_it_is_and_is_clear_at_the_end() {
        let clear = "\r\x1b[2K";
        let expected = format!("{clear}1 of 3 scenarios{clear}2 of 3 scenarios, 1 failed{clear}");
        assert_eq!(written(true), expected);
    }

    #[test]
    fn without_a_terminal_there_are_plain_lines_only() {
        assert_eq!(written(false), "");
    }
}
