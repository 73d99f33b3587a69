//! What the server has logged.

use super::{Mismatch, wildcard::has};
use crate::events::{Event, What};

/// How many of the server's last log lines are shown when one is missed.
const SHOWN_LOG_LINES: usize = 20;

fn lines(events: &[Event]) -> impl DoubleEndedIterator<Item = &String> {
    events.iter().filter_map(|event| match &event.what {
        What::Log { text: line } => Some(line),
        _ => None,
    })
}

/// Whether a line has the text; or as many as there must be.
pub(super) fn check(text: &str, times: Option<u32>, events: &[Event]) -> Result<(), Mismatch> {
    let found = lines(events).filter(|line| has(line, text)).count();
    match times {
        None if found > 0 => Ok(()),
        None => Err(Mismatch { field: "log", expected: text.to_owned(), seen: last(events) }),
        Some(times) => {
            let words = |count| format!("{count} lines with {text}");
            super::compare("times", words(times as usize), words(found))
        }
    }
}

/// Whether lines have the texts, one after the other.
pub(super) fn check_order(texts: &[String], events: &[Event]) -> Result<(), Mismatch> {
    let mut lines = lines(events);
    for (index, text) in texts.iter().enumerate() {
        if !lines.any(|line| has(line, text)) {
            let expected = match index.checked_sub(1).and_then(|before| texts.get(before)) {
                Some(before) => format!("{text}\nafter the line with {before}"),
                None => text.clone(),
            };
            return Err(Mismatch { field: "logs", expected, seen: last(events) });
        }
    }
    Ok(())
}

/// Whether no line has the text.
pub(super) fn check_absent(text: &str, events: &[Event]) -> Result<(), Mismatch> {
    match lines(events).find(|line| has(line, text)) {
        None => Ok(()),
        Some(line) => Err(Mismatch {
            field: "noLog",
            expected: format!("no line with {text}"),
            seen: line.clone(),
        }),
    }
}

fn last(events: &[Event]) -> String {
    let mut last: Vec<_> = lines(events).rev().take(SHOWN_LOG_LINES).cloned().collect();
    last.reverse();
    if last.is_empty() { "nothing was logged in this step".to_owned() } else { last.join("\n") }
}
