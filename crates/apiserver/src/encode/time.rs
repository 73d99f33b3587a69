//! Times to the second, and anything that can be displayed.

use std::io::Write;

use jiff::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;

/// Writes timestamps to the second, as `2019-01-04T09:53:00Z`. A list's timestamps are close
/// together, so the last date is kept.
#[derive(Debug, Default)]
pub struct Moments {
    day: Option<i64>,
    date: Vec<u8>,
}

// === impl Moments ===

impl Moments {
    /// Writes one.
    pub fn write(&mut self, out: &mut Vec<u8>, moment: Timestamp) {
        // Fractions of a second are cut off, also before 1970.
        let seconds = moment.as_nanosecond().div_euclid(1_000_000_000) as i64;
        let day = seconds.div_euclid(SECONDS_PER_DAY);
        if self.day != Some(day) {
            self.date = moment.strftime("%Y-%m-%dT").to_string().into_bytes();
            self.day = Some(day);
        }
        out.extend_from_slice(&self.date);
        let within = seconds.rem_euclid(SECONDS_PER_DAY);
        for (number, end) in [(within / 3600, b':'), (within / 60 % 60, b':'), (within % 60, b'Z')]
        {
            out.extend([b'0' + (number / 10) as u8, b'0' + (number % 10) as u8, end]);
        }
    }
}

/// Writes anything that can be displayed.
pub fn display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_second() {
        let texts = [
            "2019-01-04T09:53:00.999Z",
            "2019-01-04T23:59:59Z",
            "2019-01-05T00:00:00Z",
            "1969-12-31T23:59:58.5Z",
            "2024-02-29T12:34:56Z",
        ];
        let (mut out, mut moments) = (Vec::new(), Moments::default());
        for text in texts {
            out.clear();
            let moment: Timestamp = text.parse().unwrap();
            moments.write(&mut out, moment);
            let expected = format!("{}Z", &text[..19]);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
