//! Each scenario in `failing` must fail at the line that ends with `# fails`: one for each field of
//! an expectation and each kind of verdict. What passes here is an expectation that cannot fail.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fmt::Write, fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

#[test]
fn every_scenario_fails_at_its_line_and_shows_the_difference() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failing");
    let reports = TempDir::new().unwrap();
    let json = reports.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_scenario"))
        .args(["run", "--report", &format!("json={}", json.display()), "."])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    let mut differences = String::new();
    for scenario in report["scenarios"].as_array().unwrap() {
        let file = scenario["file"].as_str().unwrap();
        assert_eq!(scenario["verdict"], "failed", "{file}");
        let failures = scenario["failures"].as_array().unwrap();
        let [failure] = failures.as_slice() else {
            panic!("{file} has {} failures", failures.len())
        };
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let marked = text.lines().position(|line| line.ends_with("# fails"));
        assert_eq!(failure["line"].as_u64(), marked.map(|line| line as u64 + 1), "{file}");
        let place = match (&failure["line"], &failure["column"]) {
            (Value::Null, _) => file.to_owned(),
            (line, column) => format!("{file}:{line}:{column}"),
        };
        assert!(printed.contains(&format!("{place}: ")), "{place} is not in\n{printed}");
        let message = failure["message"].as_str().unwrap();
        writeln!(differences, "{place}: {message}").unwrap();
        for side in ["expected", "seen"] {
            let lines = failure[side].as_str().into_iter().flat_map(str::lines);
            // The log and the list of other requests are long and not the harness's own.
            for line in lines.take(4) {
                writeln!(differences, "  {side}: {line}").unwrap();
            }
        }
    }
    // The place in the server's source is removed from log lines: it is not what fails here.
    insta::with_settings!({filters => [(r"([a-z_]+\.rs):\d+", "$1:LINE")]}, {
        insta::assert_snapshot!(differences);
    });
}

#[test]
fn a_panic_ends_its_own_scenario_only() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/failing");
    let output = Command::new(env!("CARGO_BIN_EXE_scenario"))
        .args(["run", "panic.yaml", "ready.yaml"])
        .current_dir(folder)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("panic.yaml: the harness panicked: "), "{printed}");
    assert!(printed.contains("0 passed, 2 failed"), "{printed}");
}
