use std::{io, io::Write, time::Duration};

use super::{Verdict, collect, model::SIMULATED};
use crate::{
    events::{Event, What},
    file::ScenarioFile,
    run::{Failure, Outcome},
};

/// How many lines are shown of the time line before a failure.
const SHOWN_LINES: usize = 40;

/// Lines on a terminal or in a file.
pub struct Terminal<W> {
    out: W,
    colour: bool,
    whole_timeline: bool,
    passed: usize,
    failed: usize,
    known: usize,
    skipped: usize,
}

// === impl Terminal ===

impl<W: Write> Terminal<W> {
    /// Writes to `out`; the time lines of passed scenarios too when `whole_timeline`.
    pub fn new(out: W, colour: bool, whole_timeline: bool) -> Self {
        Self { out, colour, whole_timeline, passed: 0, failed: 0, known: 0, skipped: 0 }
    }

    /// Prints a scenario that has ended.
    pub fn ended(
        &mut self,
        file: &ScenarioFile,
        outcome: &Outcome,
        took: Duration,
    ) -> io::Result<()> {
        let (verdict, style) = match outcome.verdict() {
            Verdict::Passed => ("PASS", "\x1b[32m"),
            Verdict::Failed => ("FAIL", "\x1b[31m"),
            Verdict::Known => ("KNOWN", "\x1b[33m"),
            Verdict::Skipped => ("SKIP", "\x1b[33m"),
        };
        let count = match outcome.verdict() {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Known => &mut self.known,
            Verdict::Skipped => &mut self.skipped,
        };
        *count += 1;
        let verdict = self.paint(verdict, style);
        if let Some(reason) = outcome.skipped.as_ref().or(outcome.known_failure.as_ref()) {
            return writeln!(self.out, "{verdict} {}: {reason}", file.name());
        }
        let (name, cluster_time) = (file.name(), outcome.cluster_time.as_secs());
        writeln!(
            self.out,
            "{verdict} {name:<56} {cluster_time:>5} s in {:>7.1} ms",
            took.as_secs_f64() * 1e3
        )?;
        for failure in &outcome.failures {
            self.failure(file, failure, &outcome.events)?;
        }
        if !outcome.failures.is_empty() {
            self.last_events(&outcome.events)?;
        }
        if self.whole_timeline && outcome.passed() {
            self.timeline(&outcome.events)?;
        }
        Ok(())
    }

    /// Prints the summary of all `chosen`; those that have not ended were skipped. True if none
    /// failed.
    pub fn summary(&mut self, chosen: usize, took: Duration, world: &str) -> io::Result<bool> {
        let (passed, failed, known) = (self.passed, self.failed, self.known);
        let not_begun = match chosen.saturating_sub(passed + failed + known + self.skipped) {
            0 => String::new(),
            skipped => format!(", {skipped} skipped because --fail-fast ends a run that fails,"),
        };
        let skipped = match self.skipped {
            0 => not_begun,
            skipped => format!(", {skipped} skipped{not_begun}"),
        };
        let known = match known {
            0 => String::new(),
            known => format!(", {known} failed as is known"),
        };
        let took = took.as_secs_f64();
        writeln!(self.out, "\n{passed} passed, {failed} failed{known}{skipped} in {took:.2} s")?;
        if world != SIMULATED {
            writeln!(self.out, "world: {world}")?;
        }
        Ok(self.failed == 0)
    }

    fn failure(
        &mut self,
        file: &ScenarioFile,
        failure: &Failure,
        events: &[Event],
    ) -> io::Result<()> {
        let failure = collect::failure(file, failure, events);
        let place = failure.place(&file.path.display().to_string());
        writeln!(self.out, "     {place}: {}", failure.message)?;
        for line in failure.diff().unwrap_or_default().lines() {
            let style = match line.as_bytes().first() {
                Some(b'-') => "\x1b[31m",
                Some(b'+') => "\x1b[32m",
                _ => "",
            };
            writeln!(self.out, "     {}", self.paint(line, style))?;
        }
        Ok(())
    }

    /// How it came to what failed: all of it in the same step, the last that was run.
    fn last_events(&mut self, events: &[Event]) -> io::Result<()> {
        writeln!(self.out, "     the time line up to there:")?;
        let lines = without_repeats(events);
        for (event, times) in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
            let times = if *times > 1 { format!(" (×{times})") } else { String::new() };
            writeln!(self.out, "       {event}{times}")?;
        }
        Ok(())
    }

    fn timeline(&mut self, events: &[Event]) -> io::Result<()> {
        for event in events {
            writeln!(self.out, "       {event}")?;
        }
        Ok(())
    }

    fn paint(&self, text: &str, style: &str) -> String {
        if self.colour && !style.is_empty() {
            format!("{style}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Events, each with a count. Requests of expectations that are repeated in their step count as one
/// event, the last: where there is a time limit, expectations are tried each second.
fn without_repeats(events: &[Event]) -> Vec<(&Event, usize)> {
    let mut lines: Vec<(&Event, usize)> = Vec::new();
    let mut step = 0;
    for event in events.iter().rev() {
        let repeated = match &event.what {
            What::Api { user, .. } if !user.starts_with("system:") => {
                lines[step..].iter_mut().find(|(later, _)| later.what == event.what)
            }
            _ => None,
        };
        match repeated {
            Some((_, times)) => *times += 1,
            None => lines.push((event, 1)),
        }
        if matches!(event.what, What::Step(_)) {
            step = lines.len();
        }
    }
    lines.reverse();
    lines
}
