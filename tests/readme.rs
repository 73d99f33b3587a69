//! The README's scenario passes, its links lead to files, and its log lines are real.

use std::path::Path;

use harness::{file, run};

const README: &str = include_str!("../README.md");

/// The README's code blocks in YAML.
fn yaml_blocks() -> Vec<&'static str> {
    README.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn its_scenario_passes() {
    let scenario = yaml_blocks()[0];
    let file = file::parse(Path::new("README.yaml"), scenario.to_owned()).unwrap().remove(0);
    let outcome = run::run(&file);
    assert!(outcome.passed(), "{:#?}\n{}", outcome.failures, outcome.transcript());
}

#[test]
fn the_files_it_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let scenarios = README.split_whitespace().filter(|word| word.starts_with("scenarios/"));
    for name in links.filter(|link| !link.starts_with("https:")).chain(scenarios) {
        let name = name.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
        assert!(root.join(name).exists(), "{name}");
    }
}

/// Without the line number, which every change of the code moves.
#[test]
fn its_log_lines_are_those_of_the_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seen =
        std::fs::read_to_string(root.join("tests/snapshots/field-report/cure-internal-ip.snap"))
            .unwrap();
    let lines: Vec<_> = README.lines().filter_map(|line| line.split_once("…] ")).collect();
    assert!(!lines.is_empty());
    for (_, message) in lines {
        assert!(seen.contains(message), "the scenario does not log {message}");
    }
}
