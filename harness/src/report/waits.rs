use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use k8s_text::duration;

use crate::run::Waiting;

/// How often, in seconds, waits are printed where the output is no terminal.
const PERIOD: u64 = 30;

/// What the scenarios of a run in real time wait for: on a terminal a line that is written over
/// each second, elsewhere all of them every half minute.
pub struct Waits<W> {
    out: W,
    total: usize,
    ended: usize,
    failed: usize,
    /// By index: the name, what it waits for, and since when, in seconds of the run.
    running: BTreeMap<usize, (String, Waiting, u64)>,
    seconds: u64,
    is_terminal: bool,
}

// === impl Waits ===

impl<W: Write> Waits<W> {
    /// Nothing has ended of this many scenarios.
    pub fn new(out: W, total: usize, is_terminal: bool) -> Self {
        let running = BTreeMap::new();
        Self { out, total, ended: 0, failed: 0, running, seconds: 0, is_terminal }
    }

    /// Clears the line for other output.
    pub fn clear(&mut self) -> io::Result<()> {
        if self.is_terminal { write!(self.out, "\r\x1b[2K") } else { Ok(()) }
    }

    /// A scenario waits.
    pub fn waits(&mut self, index: usize, name: String, waiting: Waiting) {
        self.running.insert(index, (name, waiting, self.seconds));
    }

    /// A scenario has ended.
    pub fn ended(&mut self, index: usize, passed: bool) {
        self.running.remove(&index);
        self.ended += 1;
        self.failed += usize::from(!passed);
    }

    /// A second has passed.
    pub fn second(&mut self) -> io::Result<()> {
        self.seconds += 1;
        if self.is_terminal {
            // One after the other, so that one line shows all.
            let turn = self.seconds as usize % self.running.len().max(1);
            let one = self.running.values().nth(turn).map(|it| format!("; {}", self.describe(it)));
            let line = format!("{}{}", self.count(), one.unwrap_or_default());
            self.clear()?;
            write!(self.out, "{line}")?;
            return self.out.flush();
        }
        if !self.seconds.is_multiple_of(PERIOD) {
            return Ok(());
        }
        writeln!(self.out, "{}", self.count())?;
        let lines: Vec<_> = self.running.values().map(|it| self.describe(it)).collect();
        lines.iter().try_for_each(|line| writeln!(self.out, "  {line}"))
    }

    fn count(&self) -> String {
        let failed =
            if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        format!("{} of {} scenarios{failed}, {} run", self.ended, self.total, self.running.len())
    }

    fn describe(&self, (name, waiting, since): &(String, Waiting, u64)) -> String {
        let Waiting { step, what, left } = waiting;
        let left = left.as_secs().saturating_sub(self.seconds - since);
        let left = duration::format(Duration::from_secs(left));
        format!("{name}: {step:?} waits for {what}, {left} left")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(is_terminal: bool, seconds: u64) -> String {
        let mut out = Vec::new();
        let mut waits = Waits::new(&mut out, 3, is_terminal);
        let left = Duration::from_secs(45);
        let waiting = Waiting { step: "a step".to_owned(), what: "2 cycles".to_owned(), left };
        waits.waits(0, "dns/silent".to_owned(), waiting.clone());
        waits.waits(1, "dns/slow".to_owned(), waiting);
        waits.ended(1, false);
        for _ in 0..seconds {
            waits.second().unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_shows_the_waits_each_second() {
        let line = "\r\x1b[2K1 of 3 scenarios, 1 failed, 1 run; dns/silent: \"a step\" waits for 2 cycles, 44s left";
        assert_eq!(written(true, 1), line);
    }

    #[test]
    fn without_a_terminal_all_waits_are_listed_every_half_minute() {
        let lines = "1 of 3 scenarios, 1 failed, 1 run\n  dns/silent: \"a step\" waits for 2 cycles, 15s left\n";
        assert_eq!(written(false, 59), lines);
    }
}
