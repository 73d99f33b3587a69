use crate::kubelet::ScrapeError;

/// The most that is kept of an error, in characters: it may quote what a kubelet or a Node object
/// says.
const WORDS: usize = 400;

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The cause by which failures are counted.
    pub cause: &'static str,
    /// The status, if the kubelet answered with another than 200.
    pub status: Option<u16>,
    /// The error, without the address.
    pub words: Box<str>,
}

/// The beginning of a text, and nothing in it that the terminal of whoever reads it would obey.
pub(super) fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len().min(WORDS));
    for c in text.chars().take(WORDS) {
        if c.is_control() {
            harmless.extend(c.escape_default());
        } else {
            harmless.push(c);
        }
    }
    harmless
}

// === impl Failure ===

impl Failure {
    pub(super) fn of(error: &ScrapeError) -> Self {
        let status = match error {
            ScrapeError::Status { status } => Some(status.as_u16()),
            _ => None,
        };
        Self { cause: error.cause_label(), status, words: harmless(&error.words()).into() }
    }

    /// Whether it is the same trouble. Words may differ: they have port numbers and times in them.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.cause, self.status) == (other.cause, other.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_would_obey_is_spelled_out() {
        assert_eq!(harmless("a\u{1b}[2J\u{9b}31m\nü\u{7f}"), "a\\u{1b}[2J\\u{9b}31m\\nü\\u{7f}");
    }
}
