use std::{collections::BTreeMap, time::Duration};

use super::model::{
    CheckedExpectation, FailureReport, Report, ScenarioReport, StepReport, Totals, Verdict,
};
use crate::{
    events::{Event, What},
    file::{Location, ScenarioFile},
    run::{Failure, Outcome},
};

/// Why a scenario did not run although it was chosen.
pub(super) const STOPPED: &str =
    "a scenario failed before its turn came, and --fail-fast ends the run then";

/// Gathers a report while scenarios end one after the other.
pub struct Collector<'a> {
    files: &'a [ScenarioFile],
    world: String,
    ended: Vec<Option<ScenarioReport>>,
}

// === impl Collector ===

impl<'a> Collector<'a> {
    /// A report of these scenarios in a world; none of them has ended.
    pub fn new(files: &'a [ScenarioFile], world: String) -> Self {
        Self { files, world, ended: files.iter().map(|_| None).collect() }
    }

    /// Takes in what became of the scenario with this index.
    pub fn ended(&mut self, index: usize, outcome: Outcome, took: Duration) {
        if let (Some(file), Some(place)) = (self.files.get(index), self.ended.get_mut(index)) {
            *place = Some(of_outcome(file, outcome, took));
        }
    }

    /// The report. What has not ended was skipped.
    pub fn finish(self, took: Duration) -> Report {
        let mut scenarios: Vec<_> = self
            .files
            .iter()
            .zip(self.ended)
            .map(|(file, ended)| ended.unwrap_or_else(|| skipped(file, STOPPED)))
            .collect();
        let mut called: BTreeMap<String, u32> = BTreeMap::new();
        for scenario in &scenarios {
            *called.entry(scenario.name.clone()).or_default() += 1;
        }
        // Names are short; where two files share one, such as `a.yaml` and `a.yml`, paths are used.
        for (file, scenario) in self.files.iter().zip(&mut scenarios) {
            if called.get(&scenario.name).is_some_and(|times| *times > 1) {
                scenario.name = file.full_name();
            }
        }
        scenarios.sort_by(|a, b| a.name.cmp(&b.name));
        let (version, totals) = (Report::VERSION, Totals::of(&scenarios));
        Report { version, world: self.world, totals, took_seconds: took.as_secs_f64(), scenarios }
    }
}

fn skipped(file: &ScenarioFile, reason: &str) -> ScenarioReport {
    let spec = &file.scenario.spec;
    ScenarioReport {
        name: file.name(),
        file: file.path.display().to_string(),
        about: spec.about.split_whitespace().collect::<Vec<_>>().join(" "),
        labels: file.scenario.metadata.labels.clone(),
        verdict: Verdict::Skipped,
        skipped_because: Some(reason.to_owned()),
        known_failure: None,
        failures: Vec::new(),
        cluster_seconds: 0.0,
        took_seconds: 0.0,
        steps: Vec::new(),
        usage: Vec::new(),
        usage_left_out: 0,
    }
}

fn of_outcome(file: &ScenarioFile, outcome: Outcome, took: Duration) -> ScenarioReport {
    let failures = outcome.failures.iter().map(|f| failure(file, f, &outcome.events)).collect();
    ScenarioReport {
        verdict: outcome.verdict(),
        skipped_because: outcome.skipped,
        known_failure: outcome.known_failure,
        failures,
        cluster_seconds: outcome.cluster_time.as_millis() as f64 / 1e3,
        took_seconds: took.as_secs_f64(),
        steps: steps(file, outcome.events),
        usage: outcome.usage.series,
        usage_left_out: outcome.usage.left_out,
        ..skipped(file, "")
    }
}

/// A failure as all reports show it.
pub(crate) fn failure(file: &ScenarioFile, failure: &Failure, events: &[Event]) -> FailureReport {
    let name = |step: usize| file.scenario.spec.steps.get(step).map(|step| step.name.clone());
    match failure {
        Failure::World(error) => {
            FailureReport::of(format!("the cluster cannot be as described: {error}"))
        }
        Failure::Panic(text) => FailureReport::of(format!("the harness panicked: {text}")),
        Failure::Passed { known } => FailureReport::of(format!(
            "it passed, and was known to fail: {known}; take it out of the known failures"
        )),
        Failure::Wait { step, waited_for } => {
            let ended = events.iter().rev().find_map(|event| match &event.what {
                What::Ended { text: reason } => Some(format!("; it is not running: {reason}")),
                _ => None,
            });
            let message =
                format!("the server did not end {waited_for}{}", ended.unwrap_or_default());
            at(file, &file.step(*step), name(*step), message, "waited in this step")
        }
        Failure::Ended { step, reason } => {
            let message = format!("the server does not run: {reason}");
            at(file, &file.step(*step), name(*step), message, "since this step")
        }
        Failure::Expectation { step, expectation, mismatch } => {
            let place = file.expectation_field(*step, *expectation, mismatch.field);
            let step = name(*step);
            let words = step.as_deref().unwrap_or_default();
            let message = format!("step \"{words}\" expected something else");
            FailureReport {
                field: Some(mismatch.field.to_owned()),
                expected: Some(mismatch.expected.clone()),
                seen: Some(mismatch.seen.clone()),
                ..at(file, &place, step, message, "does not hold")
            }
        }
    }
}

fn at(
    file: &ScenarioFile,
    place: &Location,
    step: Option<String>,
    message: String,
    label: &str,
) -> FailureReport {
    FailureReport {
        step,
        line: Some(place.line),
        column: Some(place.column),
        snippet: Some(file.snippet(place, label, false)),
        ..FailureReport::of(message)
    }
}

fn steps(file: &ScenarioFile, events: Vec<Event>) -> Vec<StepReport> {
    let mut steps: Vec<StepReport> = Vec::new();
    // What happened before the first step belongs to it: the server started for it.
    let mut before = Vec::new();
    for Event { at, what } in events {
        match what {
            What::Step(name) => {
                let line = file.step(steps.len()).line;
                let events = std::mem::take(&mut before);
                steps.push(StepReport { name, line, began: at, expectations: Vec::new(), events });
            }
            What::Checked { expectation, holds } => {
                if let Some(step) = steps.last_mut() {
                    step.expectations.push(CheckedExpectation { expectation, holds });
                }
            }
            what => {
                let events = steps.last_mut().map_or(&mut before, |step| &mut step.events);
                events.push(Event { at, what });
            }
        }
    }
    steps
}
