//! Every scenario is a test of its own, named by its path, and the case in brackets where its file
//! has a matrix: `cargo test --test scenarios dns`.
//!
//! Each one runs twice, and both runs must be equal to the byte: the result of a scenario must not
//! depend on chance. What the server did, as others saw it, is kept in `tests/snapshots` (see
//! `story`), so that a review shows each change of behaviour, also where no expectation covers it.

#[path = "scenarios/story.rs"]
mod story;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use harness::{
    file::{self, ScenarioFile},
    report::Terminal,
    run::{Outcome, run, timed},
};
use insta::Settings;
use libtest_mimic::{Arguments, Failed, Trial};
use parking_lot::Mutex;
use similar::{ChangeTag, TextDiff};

const LIBRARY: &str = "scenarios";
const SNAPSHOTS: &str = "tests/snapshots";

/// The label of what takes more than a second in a debug build: only `--include-ignored` runs it.
const SLOW: &str = "slow";

/// How many lines around the first one that differs are shown of two runs.
const SHOWN_LINES: usize = 5;

/// Insta writes differences line by line: one test at a time, so that they can be read.
static TERMINAL: Mutex<()> = Mutex::new(());

#[allow(clippy::print_stderr, reason = "it has no harness to say it for it")]
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Reports name files as a user would from the repository's folder.
    let entered =
        env::set_current_dir(env!("CARGO_MANIFEST_DIR")).map_err(|error| error.to_string());
    let found =
        entered.and_then(|()| file::discover(&[LIBRARY.into()]).map_err(|error| error.to_string()));
    let scenarios = match found {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials: Vec<_> = scenarios.iter().flat_map(|path| trials(path)).collect();
    let names: BTreeSet<_> = trials.iter().map(|trial| trial.name().to_owned()).collect();
    trials.push(Trial::test("every snapshot belongs to a scenario", move || {
        no_snapshot_is_left_over(&names)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial for each case of a file. One with mistakes is a trial that fails.
fn trials(path: &Path) -> Vec<Trial> {
    match file::load(path) {
        Ok(files) => {
            let trial = |file: ScenarioFile| {
                let is_slow = file.scenario.metadata.labels.contains_key(SLOW);
                Trial::test(file.name(), move || check(&file)).with_ignored_flag(is_slow)
            };
            files.into_iter().map(trial).collect()
        }
        Err(errors) => {
            let name = path.display().to_string();
            vec![Trial::test(name, move || Err(errors.render(false).into()))]
        }
    }
}

fn check(file: &ScenarioFile) -> Result<(), Failed> {
    let (outcome, took) = timed(|| run(file));
    if !outcome.passed() {
        let mut report = Vec::new();
        Terminal::new(&mut report, false, false).ended(file, &outcome, took)?;
        return Err(String::from_utf8_lossy(&report).into_owned().into());
    }
    same_twice(file, &outcome)?;
    same_story(file, &outcome);
    Ok(())
}

fn same_twice(file: &ScenarioFile, first: &Outcome) -> Result<(), Failed> {
    let (first, second) = (first.transcript(), run(file).transcript());
    if first == second {
        return Ok(());
    }
    let diff = TextDiff::from_lines(&first, &second);
    let changes: Vec<_> = diff.iter_all_changes().collect();
    let at = changes.iter().position(|change| change.tag() != ChangeTag::Equal).unwrap_or_default();
    let around = &changes[at.saturating_sub(SHOWN_LINES)..changes.len().min(at + SHOWN_LINES)];
    let lines = around
        .iter()
        .fold(String::new(), |lines, change| lines + &format!("{}{change}", change.tag()));
    Err(format!(
        "two runs of the same scenario differ, first at line {}; - is the first run, + the second:\n{lines}",
        at + 1
    )
    .into())
}

fn same_story(file: &ScenarioFile, outcome: &Outcome) {
    let mut settings = Settings::clone_current();
    let name = PathBuf::from(file.name());
    let folder = name.parent().unwrap_or(Path::new(""));
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOTS).join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(&file.path);
    let stem = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let story = story::tell(&outcome.events);
    let _turn = TERMINAL.lock();
    settings.bind(|| insta::assert_snapshot!(stem, story));
}

fn no_snapshot_is_left_over(names: &BTreeSet<String>) -> Result<(), Failed> {
    let mut left_over = Vec::new();
    let mut folders = vec![PathBuf::from(SNAPSHOTS)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "snap") {
                let scenario = path.strip_prefix(SNAPSHOTS)?.with_extension("");
                // Scenarios are in folders; files beside these are other tests' snapshots.
                let of_a_scenario = scenario.components().count() > 1;
                if of_a_scenario && !names.contains(&*scenario.to_string_lossy()) {
                    left_over.push(path.display().to_string());
                }
            }
        }
    }
    if left_over.is_empty() {
        return Ok(());
    }
    left_over.sort();
    Err(format!("no scenario goes with these, delete them: {}", left_over.join(", ")).into())
}
