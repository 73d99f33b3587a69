//! `scenario explain` knows every line that the metrics server writes: each scenario of the library
//! runs in the simulated world, and its log explains what the scenario is about.
//!
//! What that is was not written down for this test: the server itself counts failed scrapes by
//! cause, from errors and not from texts, and logs the counts of each cycle; the table of causes
//! names for each cause the scenario that shows it; and a log without warnings and errors is that of
//! a scenario in which nothing fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{collections::BTreeSet, fmt::Write, fs, thread};

use diagnosis::Cause;
use harness::{
    events::What,
    explain::{Explainer, Explanation},
    file::{self, ScenarioFile},
    run::run,
};
use serde_json::Value;

/// The line in which the server itself names the causes.
const SUMMARY: &str = "\"Some nodes could not be scraped\"";

/// The label of what takes long; the scenarios' own test leaves it out too.
const SLOW: &str = "slow";

/// What a scenario's server has logged and printed.
struct Logged {
    scenario: String,
    path: String,
    /// All lines but the summaries.
    lines: Vec<String>,
    /// The causes in the summaries.
    counted: BTreeSet<Cause>,
}

// === impl Logged ===

impl Logged {
    fn of(file: &ScenarioFile) -> Self {
        let outcome = run(file);
        assert!(outcome.passed(), "{}: {:?}", file.full_name(), outcome.failures);
        let (mut lines, mut counted) = (Vec::new(), BTreeSet::new());
        for event in outcome.events {
            match event.what {
                What::Log { text } if text.contains(SUMMARY) => {
                    let causes = text.split_once("causes=\"").unwrap().1.split('"').next().unwrap();
                    let names = causes.split(", ").map(|part| part.split(' ').next().unwrap());
                    counted.extend(names.map(|name| Cause::by_name(name).expect(name)));
                }
                What::Log { text } => lines.push(text),
                // As the program prints it.
                What::Ended { text } => lines.push(format!("Error: {text}")),
                _ => {}
            }
        }
        let path = file.path.display().to_string();
        Self { scenario: file.full_name(), path, lines, counted }
    }

    /// Whether the server has complained of nothing.
    fn is_calm(&self) -> bool {
        let complains = |line: &String| line.starts_with(['W', 'E', 'e']) || line.contains("err=");
        !self.lines.iter().any(complains)
    }

    /// Whether another address was used for a node, which is no failed scrape.
    fn has_fallback(&self) -> bool {
        self.lines.iter().any(|line| line.contains("using another address"))
    }
}

/// The texts in a scenario's file, among them what its users and kubectl see; not the prose.
fn texts(path: &str) -> Vec<String> {
    fn collect(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.extend(text.lines().map(str::to_owned)),
            Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
            Value::Object(values) => {
                let values = values.iter().filter(|(key, _)| *key != "about" && *key != "name");
                values.for_each(|(_, value)| collect(value, texts));
            }
            _ => {}
        }
    }
    let mut texts = Vec::new();
    let file: Value = serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    collect(&file, &mut texts);
    texts
}

fn explain(lines: &[String]) -> Explanation {
    let mut explainer = Explainer::default();
    explainer.read("log", lines.join("\n").as_bytes()).unwrap();
    explainer.finish()
}

fn causes(explanation: &Explanation) -> BTreeSet<Cause> {
    explanation.causes.iter().map(|group| group.cause).collect()
}

#[test]
fn the_library_is_explained() {
    let files = file::discover(&["scenarios".into()]).unwrap();
    let files: Vec<_> = files.iter().flat_map(|path| file::load(path).unwrap()).collect();
    let is_slow = |file: &&ScenarioFile| file.scenario.metadata.labels.contains_key(SLOW);
    let (slow, files): (Vec<_>, Vec<_>) = files.iter().partition(is_slow);
    assert!(files.len() > 150, "{}", files.len());
    let logged = thread::scope(|scope| {
        let run = |part: &[&ScenarioFile]| part.iter().map(|file| Logged::of(file)).collect();
        let (first, second) = files.split_at(files.len() / 2);
        let other = scope.spawn(move || -> Vec<Logged> { run(second) });
        let mut logged: Vec<Logged> = run(first);
        logged.extend(other.join().unwrap());
        logged
    });
    let (mut table, mut wrong) = (String::new(), Vec::new());
    for logged in &logged {
        let explanation = explain(&logged.lines);
        let (found, scenario) = (causes(&explanation), &logged.scenario);
        if let Some(first) = explanation.unknown.first.first() {
            wrong.push(format!("{scenario}: not known: {}", first.text));
        }
        let of_scrapes: BTreeSet<_> =
            found.iter().copied().filter(|cause| Cause::OF_SCRAPES.contains(cause)).collect();
        let counted = &logged.counted;
        if !counted.is_subset(&of_scrapes) || !logged.has_fallback() && of_scrapes != *counted {
            wrong.push(format!("{scenario}: found {of_scrapes:?}, the server says {counted:?}"));
        }
        if logged.is_calm() && !found.is_empty() {
            wrong.push(format!("{scenario}: nothing failed, found {found:?}"));
        }
        if found.is_empty() {
            continue;
        }
        writeln!(table, "{scenario}").unwrap();
        for group in &explanation.causes {
            let nodes = group.nodes.keys().take(9).map(String::as_str);
            let words: Vec<_> = std::iter::once(group.cause.name()).chain(nodes).collect();
            writeln!(table, "  {}", words.join(" ")).unwrap();
        }
    }
    let slow: BTreeSet<_> = slow.iter().map(|file| file.path.display().to_string()).collect();
    for cause in Cause::ALL {
        let Some(scenario) = cause.scenario().filter(|scenario| !slow.contains(*scenario)) else {
            continue;
        };
        let cases = logged.iter().filter(|logged| logged.path == scenario);
        let mut lines = texts(scenario);
        lines.extend(cases.flat_map(|logged| logged.lines.clone()));
        let is_shown = causes(&explain(&lines)).contains(cause);
        if !is_shown {
            wrong.push(format!("{cause:?}: {scenario} does not show it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!(table);
}
