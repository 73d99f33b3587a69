//! The files that reports are.

use std::{env, fs, path::Path, thread};

use harness::{
    file::{self, discover},
    report,
    run::{self, Options, Update},
};
use insta::assert_snapshot;
use serde_json::Value;

use crate::support;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report.schema.json");
const PAPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reports.md");
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

/// Sets how long something took to nothing, in any format.
fn without_durations(text: &str) -> String {
    let text = hide(text, "\"tookSeconds\":", |c| c.is_ascii_digit() || ".e-".contains(c));
    hide(&text, " time=\"", |c| c != '"')
}

fn hide(text: &str, before: &str, is_part: impl Fn(char) -> bool) -> String {
    let mut parts = text.split(before);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + before + part.trim_start_matches(&is_part))
}

#[test]
fn all_reports_are_written_at_once_and_are_reproducible() {
    let folder = support::library();
    let run = || {
        let formats = ["junit", "json", "markdown", "html"];
        let targets = formats.map(|format| format!("{format}=report.{format}"));
        let mut arguments = vec!["run"];
        arguments.extend(targets.iter().flat_map(|target| ["--report", target]));
        let output = support::scenario(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1));
        formats.map(|format| {
            let path = folder.path().join(format!("report.{format}"));
            without_durations(&fs::read_to_string(path).unwrap())
        })
    };
    let (first, second) = (run(), run());
    assert!(first.iter().all(|text| !text.is_empty()));
    assert!(first == second, "two runs differ in more than durations");
}

#[test]
fn json_follows_the_schema_and_the_schema_is_the_programs() {
    let written = format!("{:#}\n", report::schema());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(SCHEMA, &written).unwrap();
    }
    let stored = fs::read_to_string(SCHEMA).unwrap();
    assert!(stored == written, "the schema is out of date: run this test with UPDATE_DOCS=1");
    let validator = jsonschema::validator_for(&report::schema()).unwrap();
    let folder = support::library();
    let report: Value = serde_json::from_str(&support::report(folder.path(), "json")).unwrap();
    let mistakes: Vec<_> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert_eq!(mistakes, [""; 0]);

    assert_eq!(report["totals"]["failed"], 1);
    let failure = &report["scenarios"][2]["failures"][0];
    assert_eq!((&failure["line"], &failure["field"]), (&16.into(), &"table".into()));
    assert!(failure["seen"].as_str().unwrap().contains("node-1   100m"));
    let usage = report["scenarios"][0]["usage"].as_array().unwrap();
    assert_eq!(usage.len(), 2, "the node and its container");
    for series in usage {
        let reports = series["reports"].as_array().unwrap();
        assert!(!reports.is_empty());
        for report in reports {
            assert_eq!(report["reported"], report["expected"]);
            assert_eq!(report["reported"]["cpu"], 100_000_000);
        }
    }
}

#[test]
fn the_document_names_every_field_and_exit_code() {
    let paper = fs::read_to_string(PAPER).unwrap();
    let mut missing = Vec::new();
    let schema = report::schema();
    let definitions = schema["$defs"].as_object().unwrap().values();
    for definition in definitions.chain([&schema]) {
        let variants = definition["oneOf"].as_array().into_iter().flatten();
        for shape in variants.chain([definition]) {
            for name in shape["properties"].as_object().into_iter().flatten().map(|(name, _)| name)
            {
                if !paper.contains(&format!("`{name}`")) {
                    missing.push(name.clone());
                }
            }
        }
    }
    assert_eq!(missing, [""; 0]);
    for code in 0..=4 {
        assert!(paper.contains(&format!("| {code} |")), "exit code {code}");
    }
}

#[test]
fn markdown_is_a_table_to_paste() {
    let folder = support::library();
    assert_snapshot!("markdown", support::report(folder.path(), "markdown"));
}

#[test]
fn junit_has_a_suite_a_folder_and_the_failure_in_full() {
    let folder = support::library();
    let text = without_durations(&support::report(folder.path(), "junit"));
    assert_snapshot!("junit", text);
}

#[test]
fn skipped_scenarios_have_a_reason() {
    let folder = tempfile::TempDir::new().unwrap();
    let count = 4 * thread::available_parallelism().map_or(1, usize::from) + 1;
    for number in 0..count {
        // The first one fails.
        let cpu = if number == 0 { "200m" } else { "100m" };
        let name = format!("s-{number:03}");
        let text = support::one_node(&name, "One of many.", cpu);
        fs::write(folder.path().join(name).with_extension("yaml"), text).unwrap();
    }
    let arguments =
        ["run", "--fail-fast", "--report", "json=r.json", "--report", "junit=r.xml", "."];
    let output = support::scenario(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    let skipped = report["totals"]["skipped"].as_u64().unwrap();
    assert!(skipped > 0, "{}", report["totals"]);
    let last = &report["scenarios"][count - 1];
    assert_eq!(last["verdict"], "skipped");
    let reason = last["skippedBecause"].as_str().unwrap();
    assert!(reason.contains("--fail-fast"), "{reason}");
    let junit = fs::read_to_string(folder.path().join("r.xml")).unwrap();
    assert!(junit.contains(&format!("<skipped message=\"{reason}\"")), "{junit}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{skipped} skipped because --fail-fast")), "{text}");
}

#[test]
fn invalid_reports_are_refused_before_anything_runs() {
    let folder = support::library();
    for (target, code, says) in [
        (&["html"][..], 2, "write FORMAT=FILE, such as html=report.html"),
        (&["pdf=a.pdf"], 2, "no format is called \"pdf\"; formats are junit, json, markdown, html"),
        (&["html="], 2, "formats are junit, json, markdown, html"),
        (&["html=a", "json=a"], 2, "two reports go to a; give each a file of its own"),
        (&["html=./a", "json=a"], 2, "give each a file of its own"),
        (
            &["html=no/such/folder/a.html"],
            3,
            "failed to write the report no/such/folder/a.html: No such file",
        ),
    ] {
        let mut arguments = vec!["run"];
        arguments.extend(target.iter().flat_map(|target| ["--report", target]));
        let output = support::scenario(folder.path(), &arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.contains(says)), (Some(code), true), "{text}");
        assert!(output.stdout.is_empty(), "{target:?}");
    }
}

#[test]
fn colours_are_used_on_terminals_and_on_request() {
    let folder = support::library();
    for (colour, expected) in [("auto", false), ("never", false), ("always", true)] {
        let output = support::scenario(folder.path(), &["run", "--color", colour]);
        assert_eq!(output.stdout.contains(&0x1b), expected, "{colour}");
    }
}

/// In one of these the store has something to complain of whenever it is looked at.
#[test]
fn the_server_does_not_notice_that_its_usage_is_compared() {
    let files = ["kubelet/impossible-values", "kubelet/counters-begin-anew", "usage/restarts"];
    let paths = files.map(|file| Path::new(LIBRARY).join(file).with_extension("yaml"));
    let files: Vec<_> =
        discover(&paths).unwrap().iter().flat_map(|path| file::load(path).unwrap()).collect();
    let options = Options { compare_usage: true, ..Options::default() };
    run::run_all(&files, options, |update| {
        let Update::Ended(index, outcome, _) = update else { return };
        assert!(!outcome.usage.series.is_empty());
        assert_eq!(outcome.transcript(), run::run(&files[index]).transcript());
    });
}
