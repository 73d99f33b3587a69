//! The diagnosis for people.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{CauseDiagnosis, Diagnosis, NodeDiagnosis, Step, Verdict};

/// How many nodes of a cause are shown.
const SHOWN: usize = 12;

/// The longest text of an error.
const LONGEST: usize = 120;

/// Writes the diagnosis.
pub(super) fn write(out: &mut impl Write, diagnosis: &Diagnosis) -> io::Result<()> {
    let Diagnosis { answers, nodes, causes, cures, advice, .. } = diagnosis;
    let all = nodes.len();
    match diagnosis.verdict {
        Verdict::Well => {
            return writeln!(out, "Nothing is wrong: {answers} of {all} nodes answer.");
        }
        Verdict::Differs => return differences(out, diagnosis),
        Verdict::Cure | Verdict::NoCure => writeln!(out, "{answers} of {all} nodes answer.\n")?,
    }
    node_table(out, nodes, causes)?;
    let rows = causes.iter().map(|it| [it.cause, it.about, &it.page].map(str::to_owned));
    table(out, ["CAUSE", "WHAT IT IS", "READ"], rows)?;
    writeln!(out)?;
    if let Some(best) = cures.first() {
        let rows = cures.iter().map(|cure| {
            let changes = match cure.changes.as_slice() {
                [] => "none: it passes by itself".to_owned(),
                changes => changes.join(", and "),
            };
            [changes, format!("{} of {all}", cure.answers), cure.gives_up.unwrap_or("-").to_owned()]
        });
        table(out, ["CURE", "NODES", "GIVES UP"], rows)?;
        if !best.steps.is_empty() {
            writeln!(out, "\nApply the first one:")?;
            steps(out, &best.steps, "  ")?;
        }
        if let Some(values) = &best.values {
            writeln!(out, "  values.yaml:")?;
            lines(out, values, "    ")?;
        }
    } else {
        let changes = if diagnosis.tries == 1 { "change was" } else { "changes were" };
        writeln!(out, "No cure was found: {} {changes} tried.", diagnosis.tries)?;
    }
    for advice in advice {
        writeln!(out, "\n{} is not cured: {}.", advice.cause, advice.cure)?;
        for open in advice.open.iter().take(SHOWN) {
            writeln!(out, "  Open {open}.")?;
        }
        steps(out, &advice.steps, "  ")?;
    }
    Ok(())
}

fn differences(out: &mut impl Write, diagnosis: &Diagnosis) -> io::Result<()> {
    writeln!(
        out,
        "The simulated cluster does not behave as the file says, so no cure is searched for:"
    )?;
    for difference in &diagnosis.differences {
        writeln!(out, "  {difference}")?;
    }
    writeln!(
        out,
        "It lacks what makes the real cluster fail. Correct the file, which scenario capture --out FOLDER writes for a cluster, until scenario run passes, and pass it with --scenario."
    )
}

/// What is wrong with the whole, and the nodes that do not answer, and why.
fn node_table(
    out: &mut impl Write,
    nodes: &[NodeDiagnosis],
    causes: &[CauseDiagnosis],
) -> io::Result<()> {
    let mut shown: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let whole = causes.iter().filter(|cause| !cause.why.is_empty());
    let mut rows: Vec<_> =
        whole.map(|it| ["(all)".to_owned(), it.cause.to_owned(), cut(&it.why)]).collect();
    for node in nodes.iter().filter(|node| !node.answers) {
        let count = shown.entry(node.cause).or_default();
        *count += 1;
        if *count <= SHOWN {
            let why = if node.why.is_empty() { "-" } else { &node.why };
            rows.push([node.name.clone(), node.cause.unwrap_or("-").to_owned(), cut(why)]);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    table(out, ["NODE", "CAUSE", "WHY"], rows.into_iter())?;
    for (cause, count) in shown.into_iter().filter(|(_, count)| *count > SHOWN) {
        writeln!(out, "… and {} more with {}", count - SHOWN, cause.unwrap_or("no known cause"))?;
    }
    writeln!(out)
}

fn steps(out: &mut impl Write, steps: &[Step], indent: &str) -> io::Result<()> {
    for step in steps {
        writeln!(out, "{indent}{}:", step.what)?;
        lines(out, &step.text, &format!("{indent}  "))?;
    }
    Ok(())
}

fn lines(out: &mut impl Write, text: &str, indent: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(out, "{indent}{line}"))
}

/// Aligned columns.
fn table(
    out: &mut impl Write,
    head: [&str; 3],
    rows: impl Iterator<Item = [String; 3]>,
) -> io::Result<()> {
    let rows: Vec<_> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths = [0, 1].map(|column| width(column).unwrap_or_default());
    for [first, second, third] in &rows {
        let line = format!("{first:0$}   {second:1$}   {third}", widths[0], widths[1]);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A text in one line, which a terminal may show.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).collect::<String>() + "…"
}
