use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{Report, ScenarioReport, Verdict, model::SIMULATED};

/// A table, failures first, and each failure in full below it.
pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let totals = report.totals;
    write!(out, "**{} passed, {} failed", totals.passed, totals.failed)?;
    if totals.known > 0 {
        write!(out, ", {} known failures", totals.known)?;
    }
    if totals.skipped > 0 {
        write!(out, ", {} skipped", totals.skipped)?;
    }
    write!(out, "**")?;
    if report.world != SIMULATED {
        write!(out, " ({})", escape(&report.world))?;
        areas(report, out)?;
    }
    writeln!(out, "\n\n| | Scenario | Time in the cluster | |\n|---|---|--:|---|")?;
    let mut rows: Vec<_> = report.scenarios.iter().collect();
    rows.sort_by_key(|scenario| scenario.verdict);
    for scenario in rows {
        let sign = match scenario.verdict {
            Verdict::Passed => "✅",
            Verdict::Failed => "❌",
            Verdict::Known => "🟡",
            Verdict::Skipped => "⏭️",
        };
        let name = cell(&scenario.name);
        let time = scenario.cluster_seconds.round();
        writeln!(out, "| {sign} | `{name}` | {time} s | {} |", cell(&remark(scenario)))?;
    }
    let failed = |scenario: &&ScenarioReport| !scenario.failures.is_empty();
    for scenario in report.scenarios.iter().filter(failed) {
        for failure in &scenario.failures {
            let place = failure.place(&scenario.file);
            let summary = escape(&format!("{place}: {}", failure.message));
            writeln!(out, "\n<details>\n<summary>{summary}</summary>\n")?;
            if let Some(diff) = failure.diff() {
                let fence = fence(&diff);
                writeln!(out, "{fence}diff\n{}\n{fence}\n", diff.trim_end())?;
            }
            writeln!(out, "</details>")?;
        }
    }
    Ok(())
}

/// What a program can and cannot do, in few lines: the scenarios of each area by verdict.
fn areas(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut areas: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for scenario in &report.scenarios {
        let area = scenario.labels.get("area").map_or("others", String::as_str);
        let counts = areas.entry(area).or_default();
        counts[match scenario.verdict {
            Verdict::Passed => 0,
            Verdict::Failed => 1,
            Verdict::Known => 2,
            Verdict::Skipped => 3,
        }] += 1;
    }
    writeln!(
        out,
        "\n\n| Area | Passed | Failed | Known failures | Skipped |\n|---|--:|--:|--:|--:|"
    )?;
    for (area, [passed, failed, known, skipped]) in areas {
        writeln!(out, "| {} | {passed} | {failed} | {known} | {skipped} |", cell(area))?;
    }
    Ok(())
}

fn remark(scenario: &ScenarioReport) -> String {
    let reason = scenario.skipped_because.as_ref().or(scenario.known_failure.as_ref());
    match (reason, scenario.failures.first()) {
        (Some(reason), _) => escape(reason),
        (None, Some(failure)) => escape(&failure.message),
        (None, None) => String::new(),
    }
}

/// The text, escaped for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(['\n', '\r'], " ")
}

/// Longer than any row of backticks in what it encloses.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(3.max(longest + 1))
}
