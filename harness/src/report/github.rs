use std::{
    env,
    io::{self, Write},
    path::Path,
};

use super::{FailureReport, Report, ScenarioReport, Verdict};

/// GitHub cuts longer messages, in the middle of a line.
const LONGEST: usize = 4000;

/// Each failure as a workflow command that annotates its place in the file:
/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let workspace =
        env::var_os("GITHUB_WORKSPACE").map_or_else(env::current_dir, |it| Ok(it.into()))?;
    for scenario in &report.scenarios {
        let command = if scenario.verdict == Verdict::Known { "warning" } else { "error" };
        for failure in &scenario.failures {
            let place = place(scenario, failure, &workspace);
            let title = property(&scenario.name);
            let message = message(scenario, failure);
            writeln!(out, "::{command} {place},title={title}::{}", data(&message))?;
        }
    }
    Ok(())
}

/// GitHub shows files by their paths in the repository.
fn place(scenario: &ScenarioReport, failure: &FailureReport, workspace: &Path) -> String {
    let file = Path::new(&scenario.file);
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let file = whole.strip_prefix(workspace).unwrap_or(file).display().to_string();
    let number = |name: &str, number: Option<usize>| {
        number.map(|number| format!(",{name}={number}")).unwrap_or_default()
    };
    let (line, column) = (number("line", failure.line), number("col", failure.column));
    format!("file={}{line}{column}", property(&file))
}

fn message(scenario: &ScenarioReport, failure: &FailureReport) -> String {
    let known = scenario.known_failure.as_ref();
    let mut text = known.map(|reason| format!("known failure: {reason}\n")).unwrap_or_default();
    text.push_str(&failure.message);
    if let Some(diff) = failure.diff() {
        text.push('\n');
        text.push_str(diff.trim_end());
    }
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A message: a line break would end it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property: a comma or a colon would end it too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
