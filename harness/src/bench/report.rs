//! The figures as a table.

use std::io::{self, Write};

use super::figures::{Bench, Row, Unit};

/// Writes a column a program and, where there are two, how many times the second one's figures the
/// first one's are.
pub(super) fn write(out: &mut impl Write, bench: &Bench) -> io::Result<()> {
    let rows = bench.rows();
    let names = names(bench);
    let what = rows.iter().map(|row| row.what.len()).max().unwrap_or_default();
    let width = names.iter().map(|name| name.chars().count()).chain([12]).max().unwrap_or_default();
    write!(out, "{:what$}", "")?;
    for name in &names {
        write!(out, "  {name:>width$}")?;
    }
    writeln!(out, "{}", if names.len() == 2 { "     ratio" } else { "" })?;
    for row in &rows {
        write!(out, "{:what$}", row.what)?;
        for value in &row.values {
            write!(out, "  {:>width$}", row.unit.format(*value))?;
        }
        writeln!(out, "{}", ratio(row))?;
    }
    Ok(())
}

/// What programs are called in the table: by their files' names, numbered where these are equal.
fn names(bench: &Bench) -> Vec<String> {
    let name = |index: usize| {
        let file = bench.programs[index].program.file_name();
        file.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let mut names: Vec<_> = (0..bench.programs.len()).map(name).collect();
    if names.len() == 2 && names[0] == names[1] {
        for (index, name) in names.iter_mut().enumerate() {
            *name = format!("{name} ({})", index + 1);
        }
    }
    names
}

fn ratio(row: &Row) -> String {
    match (row.values.as_slice(), row.unit) {
        ([one, other], unit) if unit != Unit::Count && *other > 0.0 => {
            format!("  {:>8.3}", one / other)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_programs_are_compared() {
        let row = |unit, values: &[f64]| Row { what: String::new(), unit, values: values.to_vec() };
        assert_eq!(ratio(&row(Unit::Cpu, &[1.0, 4.0])).trim(), "0.250");
        for row in
            [row(Unit::Cpu, &[1.0]), row(Unit::Cpu, &[1.0, 0.0]), row(Unit::Count, &[1.0, 2.0])]
        {
            assert_eq!(ratio(&row), "");
        }
        assert_eq!(Unit::Cpu.format(0.25), "0.25 CPU-s");
        assert_eq!(Unit::Time.format(0.0123), "12.3 ms");
        assert_eq!(Unit::Bytes.format(97_500_000.0), "97.5 MB");
    }
}
