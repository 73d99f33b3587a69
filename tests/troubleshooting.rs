//! `docs/troubleshooting.md` matches the scenarios: they show each symptom and each cure on the
//! page.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::{fs, path::Path};

use metrics_server::flags::Flags;

const PAGE: &str = include_str!("../docs/troubleshooting.md");

/// One failure of the page.
struct Failure {
    title: &'static str,
    body: &'static str,
}

fn failures() -> Vec<Failure> {
    let parts = PAGE.split("\n### ").skip(1);
    let failures = parts.map(|part| {
        let (title, rest) = part.split_once('\n').unwrap();
        Failure { title, body: rest.split("\n## ").next().unwrap() }
    });
    failures.collect()
}

// === impl Failure ===

impl Failure {
    /// What is marked as code in the lines of a kind.
    fn code(&self, kind: &str) -> Vec<&'static str> {
        let start = format!("- {kind}: ");
        let lines = self.body.lines().filter_map(|line| line.strip_prefix(&start));
        lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
    }

    fn has(&self, kind: &str) -> bool {
        let start = format!("- {kind}: ");
        self.body.lines().any(|line| line.len() > start.len() && line.starts_with(&start))
    }
}

/// What a scenario expects, and what the server did in it.
fn told(scenario: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{scenario}: {error}"));
    let story = scenario.replacen("scenarios/", "tests/snapshots/", 1).replace(".yaml", ".snap");
    let story = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(story));
    text + &story.unwrap_or_default().replace("\\\"", "\"")
}

/// What a test expects, where no scenario can show it.
fn tested(test: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(test);
    let told = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{test}: {error}"));
    told.replace("\\\"", "\"")
}

#[test]
fn each_failure_has_all_parts() {
    let failures = failures();
    assert!(failures.len() > 25, "only {} failures were found", failures.len());
    for failure in failures {
        for kind in ["Symptom", "Cause", "Cure", "Scenario"] {
            assert!(failure.has(kind), "{}: no {kind}", failure.title);
        }
    }
}

#[test]
fn each_symptom_is_seen_in_a_scenario() {
    for failure in failures() {
        let scenarios = failure.code("Scenario").into_iter().map(told);
        let told: String = scenarios.chain(failure.code("Test").into_iter().map(tested)).collect();
        for symptom in failure.code("Symptom") {
            assert!(told.contains(symptom), "{}: nothing says {symptom}", failure.title);
        }
    }
}

#[test]
fn each_cure_names_flags_that_exist() {
    let flags = Flags::parse_from_args([]).unwrap();
    for failure in failures() {
        for code in failure.code("Cure") {
            let name = code.trim_start_matches("--").split('=').next().unwrap();
            // Kubelets have flags too.
            if code.starts_with("--") && code != "--node-ip" {
                assert!(flags.effective().contains_key(name), "{}: {code}", failure.title);
            }
        }
    }
}

/// In the words of kubectl, autoscalers and events, which people search for.
#[test]
fn messages_of_other_programs_are_on_the_page() {
    let elsewhere: Vec<_> =
        failures().iter().flat_map(|failure| failure.code("Elsewhere")).collect();
    for searched in [
        "the server is currently unable to handle the request",
        "FailedGetResourceMetric",
        "unable to get metrics for resource cpu",
        "missing request for cpu",
        "couldn't get resource list for metrics.k8s.io",
        "Readiness probe failed",
        "network is unreachable",
        "connection reset by peer",
        "ImagePullBackOff",
        "unable to fully collect metrics",
        "no metrics known for node",
    ] {
        assert!(elsewhere.iter().any(|text| text.starts_with(searched)), "{searched}");
    }
}

/// A way around a failure is shown to work, by a scenario with the flag.
#[test]
fn each_way_around_is_shown() {
    for way in ["--kubelet-address-fallback", "--kubelet-endpoint=auto"] {
        let with: Vec<_> =
            failures().into_iter().filter(|failure| failure.code("Cure").contains(&way)).collect();
        assert!(!with.is_empty(), "nothing is said of {way}");
        for failure in with {
            let told: String = failure.code("Scenario").into_iter().map(told).collect();
            assert!(told.contains(way), "{}: nothing shows {way}", failure.title);
        }
    }
}
