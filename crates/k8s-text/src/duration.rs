//! Durations in Go's notation (`1m30s`, `250ms`), which flags, windows and scenario files use.

use std::time::Duration;

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A text that is not a duration in Go's notation, or one that Go's 64 bits cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration: write numbers with units, such as 15s, 1m30s or 250ms")]
pub struct DurationError {
    text: String,
}

/// Reads what Go's `time.ParseDuration` reads, but for negative durations: nothing here has a use
/// for them.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    parse_nanos(text)
        .and_then(|nanos| u64::try_from(nanos).ok())
        .filter(|nanos| i64::try_from(*nanos).is_ok())
        .map(Duration::from_nanos)
        .ok_or_else(|| DurationError { text: text.to_owned() })
}

fn parse_nanos(text: &str) -> Option<u128> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0_u128;
    let mut any = false;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let nanos = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || whole.len() > 19 || fraction.len() > 18 {
            return None;
        }
        let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        total = total.checked_add(whole * nanos + fraction * nanos / scale)?;
        rest = tail;
        any = true;
    }
    any.then_some(total)
}

/// Writes as Go's `time.Duration` does: `1m30s`, `15.003s`, `250ms`, `0s`.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in [("ns", 1_u128), ("\u{b5}s", 1_000), ("ms", 1_000_000)] {
        if nanos < size * 1000 {
            return format!("{}{unit}", decimal(nanos, size));
        }
    }
    let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
    let seconds = decimal(rest, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `nanos` in units of `size` nanoseconds, without trailing zeros.
fn decimal(nanos: u128, size: u128) -> String {
    let (whole, rest) = (nanos / size, nanos % size);
    if rest == 0 {
        return whole.to_string();
    }
    let width = size.ilog10() as usize;
    format!("{whole}.{}", format!("{rest:0width$}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_and_written_as_go_does() {
        let cases = [
            ("30s", 30_000_000_000, "30s"),
            ("1m", 60_000_000_000, "1m0s"),
            ("90m", 5_400_000_000_000, "1h30m0s"),
            ("15.003s", 15_003_000_000, "15.003s"),
            ("250ms", 250_000_000, "250ms"),
            ("1.5h", 5_400_000_000_000, "1h30m0s"),
            (".5s", 500_000_000, "500ms"),
            ("1us", 1_000, "1\u{b5}s"),
            ("999ns", 999, "999ns"),
            ("0", 0, "0s"),
            ("1m0.000000001s", 60_000_000_001, "1m0.000000001s"),
        ];
        for (text, nanos, written) in cases {
            let duration = parse(text).unwrap();
            assert_eq!(
                (duration.as_nanos(), format(duration).as_str()),
                (nanos, written),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "1", "s", "1 s", "-1s", "1d", ".s", "1.2.3s", "9999999999999h"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
