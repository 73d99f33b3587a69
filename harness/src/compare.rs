//! `scenario compare`: several servers side by side, from the reports of their runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    io::{self, Write},
    path::PathBuf,
    str::FromStr,
};

use clap::Args;

use crate::report::{Earlier, EarlierError, EarlierScenario, Verdict};

/// The area of scenarios without one.
const NO_AREA: &str = "others";

/// Compares reports of runs, such as of several servers or versions: prints a table of areas, and
/// one of the scenarios that some of them fail, in Markdown.
///
/// Exit codes: 0, printed; 2, a report cannot be read.
#[derive(Debug, Args)]
pub struct Options {
    /// What `scenario run --report json=FILE` has written, with the title of its column before it.
    /// The title is the file's name if there is none.
    #[arg(value_name = "[TITLE=]FILE", required = true)]
    reports: Vec<Column>,
}

/// A report, and its title.
#[derive(Clone, Debug)]
struct Column {
    title: Option<String>,
    path: PathBuf,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A report cannot be used.
    #[error(transparent)]
    Report(#[from] EarlierError),
    /// The tables cannot be printed.
    #[error("failed to write to standard output: {0}")]
    Write(#[from] io::Error),
}

/// The scenarios of a column, by name.
type Scenarios<'r> = BTreeMap<&'r str, &'r EarlierScenario>;

/// Prints the tables.
pub fn compare(options: &Options) -> Result<(), CompareError> {
    let read = |column: &Column| Earlier::read(&column.path);
    let reports = options.reports.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let titles: Vec<_> = options.reports.iter().map(|column| cell(&column.title())).collect();
    let columns: Vec<Scenarios<'_>> = reports.iter().map(by_name).collect();
    let mut out = io::stdout().lock();
    areas(&titles, &columns, &mut out)?;
    failures(&titles, &columns, &mut out)?;
    writeln!(out)?;
    for (title, report) in titles.iter().zip(&reports) {
        writeln!(out, "- {title}: {}", cell(&report.world))?;
    }
    Ok(out.flush()?)
}

fn by_name(report: &Earlier) -> Scenarios<'_> {
    report.scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario)).collect()
}

/// How many scenarios of each area have passed, of those that were run.
fn areas(titles: &[String], columns: &[Scenarios<'_>], out: &mut impl Write) -> io::Result<()> {
    let all = || columns.iter().flat_map(BTreeMap::values);
    let areas: BTreeSet<&str> = all().map(|scenario| area(scenario)).collect();
    writeln!(out, "| Area | {} |", titles.join(" | "))?;
    writeln!(out, "|---|{}", "--:|".repeat(titles.len()))?;
    for name in areas {
        let counts = columns.iter().map(|column| count(column, |it| area(it) == name));
        writeln!(out, "| {} | {} |", cell(name), counts.collect::<Vec<_>>().join(" | "))?;
    }
    let counts = columns.iter().map(|column| count(column, |_| true));
    writeln!(out, "| all | {} |", counts.collect::<Vec<_>>().join(" | "))
}

fn area(scenario: &EarlierScenario) -> &str {
    scenario.labels.get("area").map_or(NO_AREA, String::as_str)
}

fn count(column: &Scenarios<'_>, is_meant: impl Fn(&EarlierScenario) -> bool) -> String {
    let verdicts = || column.values().filter(|it| is_meant(it)).map(|it| it.verdict);
    let run = verdicts().filter(|verdict| *verdict != Verdict::Skipped).count();
    let passed = verdicts().filter(|verdict| *verdict == Verdict::Passed).count();
    if run == 0 { "none".to_owned() } else { format!("{passed} of {run}") }
}

/// The scenarios that any of the servers has failed, and why.
fn failures(titles: &[String], columns: &[Scenarios<'_>], out: &mut impl Write) -> io::Result<()> {
    let has_failed =
        |it: &&&EarlierScenario| matches!(it.verdict, Verdict::Failed | Verdict::Known);
    let all = columns.iter().flat_map(BTreeMap::values);
    let failed: BTreeSet<&str> = all.filter(has_failed).map(|it| it.name.as_str()).collect();
    if failed.is_empty() {
        return writeln!(out, "\nNo scenario has failed.");
    }
    writeln!(out, "\n| Scenario | {} |", titles.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(titles.len()))?;
    for name in failed {
        let verdicts: Vec<_> = columns.iter().map(|it| verdict(it.get(name).copied())).collect();
        writeln!(out, "| `{}` | {} |", cell(name), verdicts.join(" | "))?;
    }
    Ok(())
}

fn verdict(scenario: Option<&EarlierScenario>) -> String {
    let Some(scenario) = scenario else { return "not run".to_owned() };
    let word = match scenario.verdict {
        Verdict::Known => "known failure",
        verdict => verdict.word(),
    };
    match scenario.reason() {
        Some(reason) => format!("{word}: {}", cell(&reason)),
        None => word.to_owned(),
    }
}

/// The text, escaped for a cell of a table.
fn cell(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// === impl Column ===

impl Column {
    fn title(&self) -> String {
        let stem = || self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.title.clone().unwrap_or_else(stem)
    }
}

impl FromStr for Column {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once('=') {
            Some((title, path)) => Self { title: Some(title.to_owned()), path: path.into() },
            None => Self { title: None, path: text.into() },
        })
    }
}
