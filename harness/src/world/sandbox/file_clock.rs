//! Moments of the machine's clock as moments of the file's.

use jiff::{SignedDuration, Timestamp};

/// Moments further from the present than this are not the clock's, but stand in files.
const NEAR: SignedDuration = SignedDuration::from_hours(48);

/// The shortest moment that RFC 3339 can write, such as `2019-01-04T09:53:00Z`.
const SHORTEST: usize = "2019-01-04T09:53:00Z".len();

/// The clock of a scenario's file beside that of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileClock {
    /// When the scenario began, by the machine's clock.
    pub(crate) start: Timestamp,
    /// How far the machine's clock is ahead.
    pub(crate) ahead: SignedDuration,
}

// === impl FileClock ===

impl FileClock {
    /// The text with all moments of this run put on the file's clock.
    pub(crate) fn translate(&self, text: &str) -> String {
        let mut translated = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(length) = rest.chars().next().map(char::len_utf8) {
            if let Some((moment, whole)) = self.moment(rest) {
                translated.push_str(&moment);
                rest = &rest[whole..];
            } else {
                let (next, after) = rest.split_at(length);
                translated.push_str(next);
                rest = after;
            }
        }
        translated
    }

    /// The moment that the text begins with, and its length in the text.
    fn moment(&self, text: &str) -> Option<(String, usize)> {
        let bytes = text.as_bytes();
        if !bytes.first()?.is_ascii_digit() || bytes.get(10) != Some(&b'T') {
            return None;
        }
        let fraction = |byte: &u8| *byte == b'.' || byte.is_ascii_digit();
        let digits = bytes.get(SHORTEST - 1..)?.iter().take_while(|byte| fraction(byte)).count();
        let whole = SHORTEST + digits;
        let moment: Timestamp = text.get(..whole)?.parse().ok()?;
        if moment.duration_since(self.start).abs() > NEAR {
            return None;
        }
        Some(((moment - self.ahead).to_string(), whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_run_are_put_on_the_files_clock() {
        let start: Timestamp = "2026-11-30T14:00:00Z".parse().unwrap();
        let file: Timestamp = "2019-01-04T09:53:00Z".parse().unwrap();
        let clock = FileClock { start, ahead: start.duration_since(file) };
        for (text, expected) in [
            ("2026-11-30T14:00:15Z", "2019-01-04T09:53:15Z"),
            ("at=\"2026-11-30T14:00:15.5Z\" ü", "at=\"2019-01-04T09:53:15.5Z\" ü"),
            (
                "current time 2026-11-30T14:00:00Z is after 2026-11-30T13:00:00Z",
                "current time 2019-01-04T09:53:00Z is after 2019-01-04T08:53:00Z",
            ),
            ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
            ("2026-11-30T14:00", "2026-11-30T14:00"),
            ("2026-11-30T14:00:15", "2026-11-30T14:00:15"),
            ("", ""),
        ] {
            assert_eq!(clock.translate(text), expected);
        }
    }
}
