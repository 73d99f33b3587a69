//! The figures as a table in Markdown, for the terminal and for documents.

use std::io::{self, Write};

use super::figures::{Attacked, Figures, UserFigures};

const HEAD: &str = "\
| attack | connections | requests | probes failed | p99 | most | beside attackers failed | p99 | API requests failed | p99 | memory, MB | CPU-s | |
|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Writes a row an attack.
pub(super) fn write(out: &mut impl Write, attacked: &Attacked) -> io::Result<()> {
    writeln!(out, "{HEAD}")?;
    for figures in &attacked.attacks {
        let held = if figures.held(attacked.bounds) { "held" } else { "NOT HELD" };
        writeln!(out, "{} {held} |", row(figures))?;
    }
    for figures in &attacked.attacks {
        let names = ["probes", "probes beside attackers", "API requests"];
        for (name, user) in names.into_iter().zip(&figures.users) {
            for (why, times) in &user.failures {
                writeln!(out, "{}: {times} {name} failed: {why}", figures.attack)?;
            }
        }
    }
    Ok(())
}

fn row(figures: &Figures) -> String {
    let [probe, beside, api] = &figures.users;
    let failed = |user: &UserFigures| format!("{} of {}", user.failed, user.asked);
    let ms = |seconds: f64| format!("{:.0} ms", seconds * 1e3);
    let mb = |bytes: u64| bytes as f64 / 1e6;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} to {:.0} | {:.1} |",
        figures.attack,
        figures.connections,
        figures.requests,
        failed(probe),
        ms(probe.p99_seconds),
        ms(probe.most_seconds),
        failed(beside),
        ms(beside.p99_seconds),
        failed(api),
        ms(api.p99_seconds),
        mb(figures.memory_before),
        mb(figures.memory_peak),
        figures.cpu_seconds,
    )
}
