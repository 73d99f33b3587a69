use std::{fmt::Write as _, io, io::Write, path::Path, time::Duration};

use crate::{
    events::{Event, What},
    file::{Location, ScenarioFile},
    run::{Failure, Outcome},
};

/// How many events before a failure are shown of its time line.
const SHOWN_EVENTS: usize = 40;

/// Lines on a terminal or in a file.
pub struct Terminal<W> {
    out: W,
    colour: bool,
    whole_timeline: bool,
    passed: usize,
    failed: usize,
}

// === impl Terminal ===

impl<W: Write> Terminal<W> {
    /// Writes to `out`; the time lines of passed scenarios too when `whole_timeline`.
    pub fn new(out: W, colour: bool, whole_timeline: bool) -> Self {
        Self { out, colour, whole_timeline, passed: 0, failed: 0 }
    }

    /// Tells of a scenario that has ended.
    pub fn ended(
        &mut self,
        file: &ScenarioFile,
        outcome: &Outcome,
        took: Duration,
    ) -> io::Result<()> {
        let (verdict, style) =
            if outcome.passed() { ("PASS", "\x1b[32m") } else { ("FAIL", "\x1b[31m") };
        if outcome.passed() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        let verdict = self.paint(verdict, style);
        let (name, cluster_time) = (display_name(&file.path), outcome.cluster_time.as_secs());
        writeln!(
            self.out,
            "{verdict} {name:<56} {cluster_time:>5} s in {:>7.1} ms",
            took.as_secs_f64() * 1e3
        )?;
        for failure in &outcome.failures {
            self.failure(file, failure, &outcome.events)?;
        }
        if self.whole_timeline && outcome.passed() {
            self.timeline(&outcome.events)?;
        }
        Ok(())
    }

    /// Tells of all of them. True if none failed.
    pub fn summary(&mut self, took: Duration) -> io::Result<bool> {
        writeln!(
            self.out,
            "\n{} passed, {} failed in {:.2} s",
            self.passed,
            self.failed,
            took.as_secs_f64()
        )?;
        Ok(self.failed == 0)
    }

    fn failure(
        &mut self,
        file: &ScenarioFile,
        failure: &Failure,
        events: &[Event],
    ) -> io::Result<()> {
        let path = file.path.display();
        let place = |location: &Location| format!("{path}:{location}");
        let mut text = String::new();
        // Writing to a String cannot fail.
        match failure {
            Failure::World(error) => {
                let _ = writeln!(text, "{path}: the cluster cannot be as described: {error}");
            }
            Failure::Wait { step, waited_for } => {
                let _ = writeln!(
                    text,
                    "{}: the server did not end {waited_for}",
                    place(&file.step(*step))
                );
                if let Some(Event { what: What::Ended(reason), .. }) =
                    events.iter().rev().find(|e| matches!(e.what, What::Ended(_)))
                {
                    let _ = writeln!(text, "it is not running: {reason}");
                }
            }
            Failure::Ended { step, reason } => {
                let place = place(&file.step(*step));
                let _ = writeln!(text, "{place}: the server does not run: {reason}");
            }
            Failure::Expectation { step, expectation, mismatch } => {
                let location = file.expectation_field(*step, *expectation, mismatch.field);
                let name =
                    file.scenario.spec.steps.get(*step).map_or("", |step| step.name.as_str());
                let _ =
                    writeln!(text, "{}: step \"{name}\" expected something else", place(&location));
                for line in mismatch.diff().lines() {
                    let style = match line.as_bytes().first() {
                        Some(b'-') => "\x1b[31m",
                        Some(b'+') => "\x1b[32m",
                        _ => "",
                    };
                    let _ = writeln!(text, "{}", self.paint(line, style));
                }
            }
        }
        for line in text.lines() {
            writeln!(self.out, "     {line}")?;
        }
        writeln!(self.out, "     the time line up to there:")?;
        self.timeline(&events[events.len().saturating_sub(SHOWN_EVENTS)..])
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

/// The file's path from the library's folder on, without its ending.
fn display_name(path: &Path) -> String {
    path.with_extension("").display().to_string().trim_start_matches("scenarios/").to_owned()
}
