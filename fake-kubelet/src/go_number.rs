//! Numbers as Go writes them.

use std::{io::Write, ops::Range};

/// Outside of these Go's shortest `g` format has an exponent, of two digits at least. (Its `%v`
/// would wait until 1e21.)
const PLAIN_VALUES: Range<f64> = 1e-4..1e6;

/// In between, floats hold every whole number exactly, and those next to it differ in more than
/// digits behind the point.
const WHOLE_VALUES: Range<f64> = 1e6..9_007_199_254_740_992.0;

/// Nanoseconds that in seconds are within [`PLAIN_VALUES`].
const PLAIN_NANOS: Range<u64> = 100_000..1_000_000_000_000_000;

/// Writes `value` as the Prometheus client for Go does in its text format: the shortest digits that
/// read back the same, as in Go's `strconv.FormatFloat(value, 'g', -1, 64)`.
pub(crate) fn write_float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if value == 0.0 {
        out.push(b'0');
    } else if WHOLE_VALUES.contains(&value) && value.fract() == 0.0 {
        write_whole(out, value as u64);
    } else {
        write_finite(out, value);
    }
}

/// A counter of nanoseconds in seconds, as [`write_float`] writes the quotient. Most counters need no
/// search for the shortest digits: up to 15 of them are a float's own, so that those of the whole
/// number are the shortest there are.
pub(crate) fn write_seconds(out: &mut Vec<u8>, nanos: u64) {
    if !PLAIN_NANOS.contains(&nanos) {
        return write_float(out, nanos as f64 / 1e9);
    }
    let (seconds, mut rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    // 6 digits, a point and 9 more.
    let mut text = [b'0'; 16];
    let mut end = 7;
    if rest > 0 {
        text[6] = b'.';
        end = 16;
        for digit in text[7..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        while text[end - 1] == b'0' {
            end -= 1;
        }
    } else {
        end -= 1;
    }
    let (mut start, mut left) = (6, seconds);
    while left > 0 || start == 6 {
        start -= 1;
        text[start] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend_from_slice(&text[start..end]);
}

/// As [`write_finite`] does, without looking for the shortest digits: a whole number's are its own.
fn write_whole(out: &mut Vec<u8>, value: u64) {
    // A digit, a point, up to 15 more of them.
    let mut text = [b'.'; 17];
    let exponent = value.max(1).ilog10() as usize;
    let mut rest = value;
    for digit in text[2..2 + exponent].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text[0] = b'0' + rest as u8;
    let mut end = 2 + exponent;
    while text[end - 1] == b'0' && end > 2 {
        end -= 1;
    }
    out.extend_from_slice(&text[..if end == 2 { 1 } else { end }]);
    let exponent = [b'e', b'+', b'0' + (exponent / 10) as u8, b'0' + (exponent % 10) as u8];
    out.extend_from_slice(&exponent);
}

fn write_finite(out: &mut Vec<u8>, value: f64) {
    let plain = PLAIN_VALUES.contains(&value.abs());
    let start = out.len();
    let written = if plain { write!(out, "{value}") } else { write!(out, "{value:e}") };
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
    if plain {
        return;
    }
    let at = out[start..].iter().position(|byte| *byte == b'e').map_or(out.len(), |at| start + at);
    let digits = out.get(at + 1..).and_then(|digits| std::str::from_utf8(digits).ok());
    let exponent: i32 = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    out.truncate(at);
    let sign = if exponent < 0 { '-' } else { '+' };
    let written = write!(out, "e{sign}{:02}", exponent.abs());
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_go_writes_it() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (0.000_000_001, "1e-09"),
            (0.196_484_833, "0.196484833"),
            (23.145_849_731, "23.145849731"),
            (2_045.935_720_883, "2045.935720883"),
            (2_051.746_684, "2051.746684"),
            (100_000.0, "100000"),
            (999_999.5, "999999.5"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (23_068_672.0, "2.3068672e+07"),
            (9_007_199_254_740_991.0, "9.007199254740991e+15"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
            (1_234_567_890_123_456_789.0, "1.2345678901234568e+18"),
            (1_046_777_856.0, "1.046777856e+09"),
            (1_795_340_409.692_846_8, "1.7953404096928468e+09"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            let mut out = Vec::new();
            write_float(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn seconds_are_written_as_the_quotient_is() {
        let mut nanos: Vec<u64> = (0..19).map(|power| 10_u64.pow(power)).collect();
        nanos.extend([0, 100_001, 999_999_999_999_999, 196_484_833, 23_145_849_731, u64::MAX]);
        // Numbers of all lengths, without any order.
        let mut number = 1_u64;
        for length in 0..5_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            nanos.push(number >> (length % 64));
        }
        for nanos in nanos {
            let (mut quick, mut searched) = (Vec::new(), Vec::new());
            write_seconds(&mut quick, nanos);
            write_float(&mut searched, nanos as f64 / 1e9);
            assert_eq!(quick, searched, "{nanos}");
        }
    }
}
