use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_text::{duration, quantity::Quantity};

use super::{Curve, Level};

/// Why a trace cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("failed to read the trace {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A line cannot be understood.
    #[error("{}:{line}: {reason}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

// === impl Curve ===

impl Curve {
    /// Recorded usage: lines of time, CPU and memory with commas in between, such as
    /// `15s,250m,64Mi`; a time without a unit is in seconds. Between two lines usage changes
    /// linearly; after the last it stays. A first line of headings and lines that begin with `#`
    /// are ignored.
    pub fn trace(file: &Path) -> Result<Self, TraceError> {
        let text = fs::read_to_string(file)
            .map_err(|source| TraceError::Read { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|(line, reason)| TraceError::Line {
            file: file.to_owned(),
            line,
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut points: Vec<(Duration, Level)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let heading = index == 0 && line.starts_with(|c: char| c.is_ascii_alphabetic());
            if heading || line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason: String| (index + 1, reason);
            let (at, level) = point(line).map_err(wrong)?;
            if points.last().is_some_and(|(last, _)| *last > at) {
                return Err(wrong(format!("{at:?} comes before the line above")));
            }
            points.push((at, level));
        }
        if points.is_empty() {
            return Err((1, "no line with a time, CPU and memory".to_owned()));
        }
        Ok(Self::through(points, None))
    }
}

fn point(line: &str) -> Result<(Duration, Level), String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [time, cpu, memory] = fields[..] else {
        return Err(format!("{line:?} is not a time, CPU and memory"));
    };
    let unit = if time.ends_with(|c: char| c.is_ascii_digit()) { "s" } else { "" };
    let time = duration::parse(&format!("{time}{unit}")).map_err(|error| error.to_string())?;
    let quantity = |text: &str| text.parse::<Quantity>().map_err(|error| error.to_string());
    Ok((time, Level::from_quantities(quantity(cpu)?, quantity(memory)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_evenly() {
        let curve =
            Curve::parse("time,cpu,memory\n# idle\n10,0,1000\n20s, 1, 2k\n20,2,0\n").unwrap();
        let at = |second: u128| second * 1_000_000_000;
        let core = 1_000_000_000_000_000_000;
        assert_eq!([5, 15, 20].map(|s| curve.memory_at(at(s))), [1_000, 1_500, 0]);
        assert_eq!([10, 20, 30].map(|s| curve.cpu_within(at(s)) / core), [0, 5, 25]);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, line, reason) in [
            ("", 1, "no line"),
            ("1,2\n", 1, "\"1,2\" is not a time"),
            ("time,cpu,memory\n1s,1x,1\n", 2, "\"1x\" is not a quantity"),
            ("2,1,1\n1,1,1\n", 2, "1s comes before"),
        ] {
            let (at, seen) = Curve::parse(text).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(seen.starts_with(reason), "{text}: {seen}");
        }
    }
}
