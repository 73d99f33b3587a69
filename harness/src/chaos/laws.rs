//! Whether a run kept the laws: those in its scenario's expectations, and that no reported usage is
//! further from the truth than the kubelet's samples allow.

use std::{
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{document, plan::Plan};
use crate::{
    file::{self, ScenarioFile},
    report::failure_report,
    run::{Failure, Outcome, run_comparing},
};

/// The law that every run ends. Such a run is not shrunk: each attempt would take [`LIMIT`], and
/// leave a thread behind.
pub(super) const HANG: &str = "hang";

/// How long a run may take; it takes about a second.
const LIMIT: Duration = Duration::from_mins(2);

/// How far CPU may be from the expected value: counters are whole nanoseconds, and seconds in the
/// kubelet's page have a limited number of digits.
const NEAR: u64 = 10_000;

/// A law that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Which one, for the shrinking: the smaller run must break the same.
    pub(super) law: String,
    /// In lines.
    pub(super) text: String,
}

/// What came of a run.
pub(super) struct Judged {
    pub(super) broken: Option<Broken>,
    /// How much time passed in the cluster.
    pub(super) cluster_time: Duration,
    /// The time line.
    pub(super) transcript: String,
}

/// Runs a plan and judges it. A run that does not end is left behind.
pub(super) fn judge(plan: &Plan) -> Judged {
    let (text, is_constant) = (document::write(plan), plan.has_constant_usage());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || drop(sender.send(run(text, is_constant))));
    receiver.recv_timeout(LIMIT).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => {
            Judged::not_run(HANG, format!("the run did not end within {} s", LIMIT.as_secs()))
        }
        RecvTimeoutError::Disconnected => Judged::not_run(
            "panic",
            "the harness panicked; standard error has the place".to_owned(),
        ),
    })
}

impl Judged {
    fn not_run(law: &str, text: String) -> Self {
        let broken = Some(Broken { law: law.to_owned(), text });
        Self { broken, cluster_time: Duration::ZERO, transcript: String::new() }
    }
}

/// Runs a scenario and judges it; reported usage too if that is constant: the harness does not keep
/// what the usage was before a change.
pub(super) fn run(text: String, is_constant: bool) -> Judged {
    let file = match file::parse(Path::new("chaos.yaml"), text) {
        Ok(mut files) => files.remove(0),
        Err(errors) => return Judged::not_run("file", errors.to_string()),
    };
    let outcome = run_comparing(&file);
    Judged {
        broken: failed(&file, &outcome)
            .or_else(|| is_constant.then(|| far_from_the_truth(&outcome)).flatten()),
        cluster_time: outcome.cluster_time.try_into().unwrap_or_default(),
        transcript: outcome.transcript(),
    }
}

fn failed(file: &ScenarioFile, outcome: &Outcome) -> Option<Broken> {
    let failure = outcome.failures.first()?;
    let report = failure_report(file, failure, &outcome.events);
    let law = match failure {
        Failure::Expectation { mismatch, .. } => mismatch.field.to_owned(),
        Failure::Panic(_) => "panic".to_owned(),
        Failure::Wait { .. } => "cycles".to_owned(),
        Failure::Ended { .. } => "runs".to_owned(),
        Failure::World(_) => "world".to_owned(),
        Failure::Passed { .. } => "known failures".to_owned(),
    };
    let snippet = report.snippet.clone().unwrap_or_default();
    let diff = report.diff().unwrap_or_default();
    Some(Broken { law, text: format!("{}\n{snippet}\n{diff}", report.message) })
}

fn far_from_the_truth(outcome: &Outcome) -> Option<Broken> {
    outcome.usage.series.iter().find_map(|series| {
        let report = series.reports.iter().find(|report| {
            let (seen, expected) = (report.reported, report.expected);
            let most = expected.cpu / NEAR + 2;
            seen.cpu.abs_diff(expected.cpu) > most || seen.memory != expected.memory
        })?;
        let text = format!("{}: reported {report:?}", series.subject.label());
        Some(Broken { law: "usage".to_owned(), text })
    })
}
