//! The body of `/metrics/resource`, Prometheus' text format, into a [`Sample`].
//!
//! What counts as complete, and every conversion of a number, is as in the Go server, so that
//! equal bodies give equal usage.
//!
//! Nearly all lines are written by kubelets in one form: `fast` reads those and leaves every other
//! line to `line`, which reads whatever the format allows. Both must read a line in the same way; a
//! test compares them.

mod fast;
mod line;
mod points;
pub mod summary;
#[cfg(test)]
mod tests;

use super::{ContainerSample, LeftOut, Limits, PodSample, Point, Sample};
pub use points::Conflicts;
use points::Points;

/// A body that holds no metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed parsing metrics: line {line}: expected a metric, got {text:?}")]
pub struct DecodeError {
    /// The first line that cannot be read, counted from 1.
    pub line: usize,
    /// Its beginning.
    pub text: String,
}

/// A sample and what was dropped on the way to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// What the valid lines hold.
    pub sample: Sample,
    /// The first bad line, if there is one among sound ones.
    pub first_bad: Option<DecodeError>,
    /// How many lines are bad.
    pub bad_lines: usize,
    /// What was dropped because a series came twice with different values.
    pub conflicts: Conflicts,
    /// How many series were dropped because a label is too long.
    pub long_labels: usize,
    /// There are more series than the limit: the sample is not complete.
    pub too_many: bool,
    /// The kubelet reports that it failed to measure: the rest is not complete.
    pub scrape_error: bool,
}

/// How much of a bad line an error quotes, in characters.
const QUOTED: usize = 200;

/// What a line holds.
#[derive(Clone, Debug, PartialEq)]
enum Line<'b> {
    /// Nothing: it is empty or a comment.
    Blank,
    /// A valid series that is not used.
    Other,
    /// A series that is used.
    Series(Series<'b>),
    /// The kubelet failed to measure: `resource_scrape_error 1`, or `scrape_error 1` before 1.29.
    ScrapeError,
}

/// A series of ours.
#[derive(Clone, Debug, PartialEq)]
struct Series<'b> {
    of: Of<'b>,
    family: Family,
    value: f64,
    /// Milliseconds since the Unix epoch.
    time: Option<i64>,
}

/// Whose series it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Of<'b> {
    Node,
    Container(points::Key<'b>),
}

/// Which counter a series is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Cpu,
    Memory,
    Start,
}

/// Decodes a body within the usual limits.
pub fn decode(body: &[u8], default_time: i64) -> Result<Decoded, DecodeError> {
    decode_within(body, default_time, &Limits::default())
}

/// Decodes a body. Series without a time of their own get `default_time`, in milliseconds since
/// the Unix epoch. A line that cannot be read costs that line, unless nothing else is there.
pub fn decode_within(
    body: &[u8],
    default_time: i64,
    limits: &Limits,
) -> Result<Decoded, DecodeError> {
    decode_with(body, default_time, limits, |line| fast::read(line).or_else(|| line::read(line)))
}

/// Decodes with the reader that knows all of the format and nothing of a kubelet's usual form: what
/// [`decode`], which is faster, must agree with on every body.
pub fn decode_plainly(body: &[u8], default_time: i64) -> Result<Decoded, DecodeError> {
    decode_with(body, default_time, &Limits::default(), line::read)
}

fn decode_with<'b>(
    body: &'b [u8],
    default_time: i64,
    limits: &Limits,
    read: impl Fn(&'b [u8]) -> Option<Line<'b>>,
) -> Result<Decoded, DecodeError> {
    let mut points = Points::default();
    let (mut first_bad, mut bad_lines, mut good_lines) = (None, 0_usize, 0_usize);
    let (mut long_labels, mut series_left) = (0_usize, limits.series);
    let (mut scrape_error, mut too_many) = (false, false);
    for (index, line) in lines(body).enumerate() {
        let sound = match read(line) {
            Some(Line::Blank) => continue,
            Some(Line::Other) => true,
            Some(Line::ScrapeError) => {
                scrape_error = true;
                true
            }
            Some(Line::Series(series)) if series.longest_label() > limits.label => {
                long_labels += 1;
                true
            }
            Some(Line::Series(_)) if series_left == 0 => {
                too_many = true;
                break;
            }
            Some(Line::Series(series)) => {
                series_left -= 1;
                points.take(series, default_time)
            }
            None => false,
        };
        if sound {
            good_lines += 1;
        } else {
            bad_lines += 1;
            first_bad.get_or_insert_with(|| DecodeError { line: index + 1, text: quote(line) });
        }
    }
    match first_bad {
        Some(error) if good_lines == 0 => Err(error),
        first_bad => {
            let (sample, conflicts) = points.complete();
            Ok(Decoded {
                sample,
                first_bad,
                bad_lines,
                conflicts,
                long_labels,
                too_many,
                scrape_error,
            })
        }
    }
}

// === impl Series ===

impl Series<'_> {
    fn longest_label(&self) -> usize {
        match &self.of {
            Of::Node => 0,
            Of::Container(key) => key.longest(),
        }
    }
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

fn quote(line: &[u8]) -> String {
    // No character has more than four bytes, and a line may have millions.
    let beginning = &line[..line.len().min(4 * QUOTED)];
    String::from_utf8_lossy(beginning).chars().take(QUOTED).collect()
}
