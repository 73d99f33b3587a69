//! The explanation for people.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{Explanation, Group, Place, lines::LONGEST};

/// How many names are shown of a cause.
const SHOWN_NAMES: usize = 12;

/// Writes the explanation. Files are named if there are `several`.
pub(super) fn write(
    out: &mut impl Write,
    explanation: &Explanation,
    several: bool,
) -> io::Result<()> {
    for group in &explanation.causes {
        group_of(out, group, several)?;
        writeln!(out)?;
    }
    let unknown = &explanation.unknown;
    if unknown.lines > 0 {
        writeln!(out, "{} not known:", counted(unknown.lines, "line is", "lines are"))?;
        for place in &unknown.first {
            writeln!(out, "    {}: {}", at(place, several), place.text)?;
        }
        let more = unknown.lines - unknown.first.len() as u64;
        if more > 0 {
            writeln!(out, "    … and {more} more")?;
        }
        writeln!(out)?;
    }
    if explanation.cut > 0 {
        let cut = counted(explanation.cut, "line is", "lines are");
        writeln!(out, "{cut} longer than {LONGEST} bytes, and explained up to there only")?;
        writeln!(out)?;
    }
    let lines = counted(explanation.lines, "line", "lines");
    match explanation.causes.len() as u64 {
        0 if explanation.lines > 0 && unknown.lines == explanation.lines => {
            writeln!(
                out,
                "{lines}, none of them known: is it a metrics server's log, or what kubectl prints?"
            )
        }
        0 if unknown.lines > 0 => {
            writeln!(out, "{lines}: nothing wrong found in those that are known")
        }
        0 => writeln!(out, "{lines}: nothing wrong found"),
        causes => writeln!(out, "{lines}: {}", counted(causes, "cause", "causes")),
    }
}

fn group_of(out: &mut impl Write, group: &Group, several: bool) -> io::Result<()> {
    let Group { cause, nodes, others, lines, first, .. } = group;
    let follows = if cause.is_consequence() { ", which follows from another cause" } else { "" };
    writeln!(out, "{} ({}{follows})", cause.about(), cause.name())?;
    names(out, nodes, ("node", "nodes"), group.is_cut)?;
    names(out, others, ("object", "objects"), group.is_cut)?;
    let lines = counted(*lines, "line", "lines");
    writeln!(out, "  {lines}, the first is {}: {}", at(first, several), first.text)?;
    for cure in group.cures() {
        writeln!(out, "  Cure: {cure}")?;
    }
    for step in group.steps() {
        writeln!(out, "    {}:", step.what)?;
        for line in step.text.lines() {
            writeln!(out, "      {line}")?;
        }
    }
    writeln!(out, "  Read: {}", cause.page())?;
    match cause.scenario() {
        Some(scenario) => writeln!(out, "  See it: scenario run --timeline {scenario}"),
        None => Ok(()),
    }
}

fn names(
    out: &mut impl Write,
    names: &BTreeMap<String, u64>,
    (one, many): (&str, &str),
    is_cut: bool,
) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = names.keys().take(SHOWN_NAMES).map(String::as_str).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let least = if is_cut { "at least " } else { "" };
    let count = counted(names.len() as u64, one, many);
    writeln!(out, "  {least}{count}: {}{more}", shown.join(", "))
}

fn at(Place { file, line, .. }: &Place, several: bool) -> String {
    if several { format!("{file}:{line}") } else { format!("line {line}") }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
