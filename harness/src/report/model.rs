use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{events::Event, expected_usage::Series};

/// [`Report::world`] of the world that is meant where nothing is said.
pub(crate) const SIMULATED: &str = "simulated";

/// What came of a run. Two runs of the same scenarios give the same report but for the fields
/// named `tookSeconds`, which are real time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of this format. It changes when a field changes its meaning or goes; new fields
    /// may come at any time.
    pub version: u32,
    /// Where the scenarios ran: `simulated`, or `sandbox`, with which program, and with which kubectl
    /// `kubectl top` was asked.
    pub world: String,
    /// How many scenarios there are of each verdict.
    pub totals: Totals,
    /// Real time that the run took.
    pub took_seconds: f64,
    /// The scenarios, ordered by name.
    pub scenarios: Vec<ScenarioReport>,
}

/// How many scenarios there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// All of them.
    pub scenarios: usize,
    /// Everything held.
    pub passed: usize,
    /// Something did not.
    pub failed: usize,
    /// Something did not, as is known of the program.
    pub known: usize,
    /// They were not run.
    pub skipped: usize,
}

/// What became of a scenario.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Something did not hold.
    Failed,
    /// Something did not hold, and the program is known for it.
    Known,
    /// It was not run.
    Skipped,
    /// Everything held.
    Passed,
}

/// A scenario and what came of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioReport {
    /// Its path from the library's folder on, without its ending: `dns/silent-server`.
    pub name: String,
    /// Its file, as it was named.
    pub file: String,
    /// Why this behaviour matters.
    pub about: String,
    /// Its labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped_because: Option<String>,
    /// Why the program is known to fail it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_failure: Option<String>,
    /// What failed.
    pub failures: Vec<FailureReport>,
    /// How much time passed in the cluster.
    pub cluster_seconds: f64,
    /// Real time that it took.
    pub took_seconds: f64,
    /// Its steps and what happened in each; those after a failure are not in it.
    pub steps: Vec<StepReport>,
    /// Expected and reported usage: nodes, and containers.
    pub usage: Vec<Series>,
    /// How many more nodes and containers are not in `usage`.
    pub usage_left_out: usize,
}

/// Something that failed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureReport {
    /// What failed, in a line.
    pub message: String,
    /// The name of the step, if it was in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The line in the scenario's file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The field of the expectation that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The lines of the file around the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

/// A step and what happened in it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// What happens, in a few words.
    pub name: String,
    /// Where it stands in the file.
    pub line: usize,
    /// When it began.
    #[schemars(with = "String")]
    pub began: Timestamp,
    /// Its expectations as they were checked last.
    pub expectations: Vec<CheckedExpectation>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// An expectation and whether it held.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckedExpectation {
    /// In words.
    pub expectation: String,
    /// Whether it held.
    pub holds: bool,
}

// === impl Report ===

impl Report {
    /// The version of the format.
    pub const VERSION: u32 = 3;

    /// The scenarios that failed.
    pub fn failed(&self) -> impl Iterator<Item = &ScenarioReport> {
        self.scenarios.iter().filter(|scenario| scenario.verdict == Verdict::Failed)
    }
}

// === impl Totals ===

impl Totals {
    /// Counts.
    pub fn of(scenarios: &[ScenarioReport]) -> Self {
        let count = |verdict| scenarios.iter().filter(|s| s.verdict == verdict).count();
        Self {
            scenarios: scenarios.len(),
            passed: count(Verdict::Passed),
            failed: count(Verdict::Failed),
            known: count(Verdict::Known),
            skipped: count(Verdict::Skipped),
        }
    }
}

// === impl Verdict ===

impl Verdict {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Known => "known",
            Self::Skipped => "skipped",
            Self::Passed => "passed",
        }
    }
}

// === impl FailureReport ===

impl FailureReport {
    /// A failure that no place in the file causes.
    pub(super) fn of(message: String) -> Self {
        Self {
            message,
            step: None,
            line: None,
            column: None,
            field: None,
            expected: None,
            seen: None,
            snippet: None,
        }
    }

    /// `file:line:column`, or the file if that is all that is known.
    pub fn place(&self, file: &str) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            _ => file.to_owned(),
        }
    }

    /// Expected and seen as a diff, where both are known.
    pub fn diff(&self) -> Option<String> {
        let (expected, seen) = (self.expected.as_ref()?, self.seen.as_ref()?);
        Some(crate::expect::diff(expected, seen))
    }
}
