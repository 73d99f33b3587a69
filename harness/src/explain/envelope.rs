//! What programs that collect logs put around a line: kubectl, Docker, CRI, journald.

use jiff::Timestamp;
use serde_json::Value;

/// How many of them may be around each other.
const DEEPEST: usize = 4;

/// A line without its envelope.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// The line.
    pub(super) text: String,
    /// The next one belongs to it: a container's runtime splits long lines.
    pub(super) goes_on: bool,
}

/// Takes a line out of its envelopes.
pub(super) fn open(line: String) -> Opened {
    let mut opened = Opened { text: line, goes_on: false };
    for _ in 0..DEEPEST {
        let next = docker(&opened.text)
            .or_else(|| after_prefix(&opened.text))
            .or_else(|| after_time(&opened.text))
            .or_else(|| after_journal(&opened.text));
        let Some((text, goes_on)) = next else { break };
        opened = Opened { text, goes_on: opened.goes_on || goes_on };
    }
    opened
}

/// `{"log":"…\n","stream":"stderr","time":"…"}`, of Docker's json-file.
fn docker(line: &str) -> Option<(String, bool)> {
    if !line.starts_with('{') || !line.contains("\"log\":") {
        return None;
    }
    let Value::Object(object) = serde_json::from_str(line).ok()? else { return None };
    let log = object.get("log")?.as_str()?;
    object.get("stream").or(object.get("time"))?;
    Some(match log.strip_suffix('\n') {
        Some(log) => (log.trim_end_matches('\r').to_owned(), false),
        None => (log.to_owned(), true),
    })
}

/// `[pod/metrics-server-5f/metrics-server] …`, of `kubectl logs --prefix`.
fn after_prefix(line: &str) -> Option<(String, bool)> {
    let (_, text) = line.strip_prefix("[pod/")?.split_once("] ")?;
    Some((text.to_owned(), false))
}

/// `2026-11-30T17:13:11.123456789Z …`, of `kubectl logs --timestamps`; CRI's files have
/// `stderr F` after it, or `stderr P` where the line goes on.
fn after_time(line: &str) -> Option<(String, bool)> {
    let (time, text) = line.split_once(' ')?;
    if !time.starts_with(|c: char| c.is_ascii_digit()) || time.parse::<Timestamp>().is_err() {
        return None;
    }
    let cri = text.strip_prefix("stdout ").or_else(|| text.strip_prefix("stderr "));
    Some(match cri.and_then(|rest| rest.split_once(' ')) {
        Some((tags, text)) if tags.starts_with(['F', 'P']) => {
            (text.to_owned(), tags.starts_with('P'))
        }
        _ => (text.to_owned(), false),
    })
}

/// `Nov 30 17:13:11 node-1 kubelet[123]: …`, of journald.
fn after_journal(line: &str) -> Option<(String, bool)> {
    const MONTHS: [&str; 12] = [
        "Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ",
        "Dec ",
    ];
    MONTHS.iter().find(|month| line.starts_with(**month))?;
    let (before, text) = line.split_once("]: ")?;
    (before.len() < 200 && before.contains('[')).then(|| (text.to_owned(), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of: a line, what is in it, whether it goes on.
    #[test]
    fn envelopes_are_opened() {
        let rows = [
            ("a b", "a b", false),
            ("[pod/metrics-server-5f/metrics-server] a", "a", false),
            ("2026-11-30T17:13:11.123456789Z a", "a", false),
            ("[pod/m/m] 2026-11-30T17:13:11.123456789Z a", "a", false),
            ("2026-11-30T17:13:11.1+01:00 stderr F a b", "a b", false),
            ("2026-11-30T17:13:11.1Z stdout P a", "a", true),
            (
                r#"{"log":"E0104 \"x\"\r\n","stream":"stderr","time":"2026-11-30T17:13:11Z"}"#,
                "E0104 \"x\"",
                false,
            ),
            (r#"{"log":"half","stream":"stderr"}"#, "half", true),
            (r#"{"log":"no envelope"}"#, r#"{"log":"no envelope"}"#, false),
            ("Nov 30 17:13:11 node-1 kubelet[123]: E0104 a", "E0104 a", false),
            ("Nov 30", "Nov 30", false),
        ];
        for (line, text, goes_on) in rows {
            assert_eq!(open(line.to_owned()), Opened { text: text.to_owned(), goes_on }, "{line}");
        }
    }
}
