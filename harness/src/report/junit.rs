use std::{
    io::{self, Write},
    time::Duration,
};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{FailureReport, Report, ScenarioReport, Verdict};

/// A suite a folder, a test case a scenario.
pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut junit = quick_junit::Report::new("scenarios");
    junit.set_time(seconds(report.took_seconds));
    let mut suites: Vec<TestSuite> = Vec::new();
    for scenario in &report.scenarios {
        let folder = scenario.name.rsplit_once('/').map_or("scenarios", |(folder, _)| folder);
        if suites.last().is_none_or(|suite| suite.name.as_str() != folder) {
            suites.push(TestSuite::new(folder));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(test_case(scenario, folder));
        }
    }
    for mut suite in suites {
        let took = suite.test_cases.iter().filter_map(|case| case.time).sum();
        suite.set_time(took);
        junit.add_test_suite(suite);
    }
    junit.serialize(out).map_err(io::Error::other)
}

fn test_case(scenario: &ScenarioReport, folder: &str) -> TestCase {
    let status = match scenario.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(scenario.skipped_because.clone().unwrap_or_default());
            status
        }
        // JUnit has no word for it; pytest writes expected failures in the same way.
        Verdict::Known => {
            let mut status = TestCaseStatus::skipped();
            let reason = scenario.known_failure.as_deref().unwrap_or_default();
            status.set_type("known failure").set_message(format!("known failure: {reason}"));
            status.set_description(descriptions(scenario));
            status
        }
        Verdict::Failed => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(first) = scenario.failures.first() {
                status.set_message(format!("{}: {}", first.place(&scenario.file), first.message));
                status.set_type(first.field.clone().unwrap_or_else(|| "scenario".to_owned()));
            }
            status.set_description(descriptions(scenario));
            status
        }
    };
    let name = scenario.name.rsplit('/').next().unwrap_or(&scenario.name);
    let mut case = TestCase::new(name, status);
    case.set_classname(folder).set_time(seconds(scenario.took_seconds));
    case.extra.insert("file".into(), scenario.file.as_str().into());
    case
}

fn descriptions(scenario: &ScenarioReport) -> String {
    let all: Vec<_> = scenario.failures.iter().map(|f| describe(f, scenario)).collect();
    all.join("\n\n")
}

fn describe(failure: &FailureReport, scenario: &ScenarioReport) -> String {
    let diff = failure.diff().map(|diff| format!("\n{diff}")).unwrap_or_default();
    format!("{}: {}{diff}", failure.place(&scenario.file), failure.message)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
