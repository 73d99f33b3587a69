//! The one line in which servers before 0.5 log the failures of all nodes.

use crate::{Finding, Meaning, Subject, cause_of_error};

/// What each node's part begins with; a node's name follows, up to a colon.
const STARTS: [&str; 3] = [
    "unable to fully scrape metrics from source kubelet_summary:",
    "unable to fully scrape metrics from node ",
    "unable to extract connection information for node ",
];

/// The failures in a list such as `[unable to fully scrape metrics from node a: …, unable to …]`.
pub(crate) fn meaning(list: &str) -> Meaning {
    let (mut findings, mut unknown) = (Vec::new(), None);
    for part in parts(list) {
        let (name, error) = part.split_once(": ").unwrap_or((part, ""));
        match cause_of_error(inner(error)) {
            Some(cause) => {
                let subject = Subject::node(name.trim_matches('"'));
                findings.push(Finding { cause, subject, cure: None });
            }
            // A node of which no more is said, or in other words.
            None => unknown = unknown.or(Some(part)),
        }
    }
    match (findings.is_empty(), unknown) {
        (true, Some(_)) => Meaning::Unknown,
        (true, None) => Meaning::of(cause_of_error(list), None),
        (false, Some(part)) => Meaning::Partly(findings, part.to_owned()),
        (false, None) => Meaning::Wrong(findings),
    }
}

/// The parts of a list, from their node's name on.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    let mut starts = list
        .match_indices("unable to ")
        .filter_map(|(at, _)| {
            let start = STARTS.iter().find(|start| list[at..].starts_with(**start))?;
            Some((at, at + start.len()))
        })
        .peekable();
    std::iter::from_fn(move || {
        let (_, from) = starts.next()?;
        let to = starts.peek().map_or(list.len(), |(at, _)| *at);
        Some(list[from..to].trim_end_matches([',', ' ', ']']))
    })
}

/// Without `unable to fetch metrics from Kubelet NAME (ADDRESS): `, which repeats the node.
fn inner(error: &str) -> &str {
    match error.strip_prefix("unable to fetch metrics from ") {
        Some(rest) => rest.split_once(": ").map_or(rest, |(_, inner)| inner),
        None => error,
    }
}
