//! The part of a run that a reviewer needs: by step, the change, the server's log, its requests to
//! kubelets, DNS and the API server, and how many there were of each.
//!
//! Left out are the scenario's own expectations and their requests, and what changes without a
//! reason that matters: times, source lines in the log, the ports that connections come from, the
//! order within a second.
//! connections come from, the order within a second.

use std::{collections::BTreeMap, fmt::Write};

use harness::events::{Event, What};
use jiff::Timestamp;

/// The user of the scenario's expectations at the API server.
const ADMIN: &str = "admin";

/// Stands before the name of the metrics server's service account.
const ACCOUNTS: &str = "system:serviceaccount:kube-system:";

/// A step and its events: by topic, each text and how often it occurred.
#[derive(Default)]
struct Step {
    name: String,
    seen: BTreeMap<Topic, BTreeMap<String, usize>>,
}

/// The topics, in the order in which they are printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Change,
    Ended,
    /// Lines of the log are ordered by the second in which they came first, and the severity.
    Log(i64, Severity),
    /// By node.
    Kubelet(String),
    /// By name.
    Dns(String),
    /// By user.
    Api(String),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Info,
    Warning,
    Error,
}

/// The story of a run.
pub(crate) fn tell(events: &[Event]) -> String {
    let Some(start) = events.first().map(|event| event.at) else { return String::new() };
    let mut text = String::new();
    let mut step = Step { name: "before the first step".to_owned(), ..Step::default() };
    let (mut since, mut last) = (start, start);
    for Event { at, what } in events {
        if let What::Step(name) = what {
            step.end(seconds(since, last), &mut text);
            step = Step { name: name.clone(), ..Step::default() };
            since = *at;
        } else {
            step.take(what, seconds(start, *at));
        }
        last = *at;
    }
    step.end(seconds(since, last), &mut text);
    text
}

/// To the nearest second: when a node is scraped within a cycle is random.
fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    (to.duration_since(from).as_millis() as i64 + 500) / 1000
}

// === impl Step ===

impl Step {
    fn take(&mut self, what: &What, second: i64) {
        let (topic, said) = match what {
            What::Change { text } => (Topic::Change, text.clone()),
            What::Ended { text } => (Topic::Ended, text.clone()),
            What::Log { text: line } => self.log(line, second),
            What::Kubelet { node, request, status, .. } => {
                let status = status.map_or("no answer".to_owned(), |status| status.to_string());
                (Topic::Kubelet(node.clone()), format!("{request} -> {status}"))
            }
            What::Dns { name, question, answer, .. } => {
                (Topic::Dns(name.clone()), format!("{question} -> {answer}"))
            }
            What::Api { user, request, status } if user != ADMIN => {
                let (path, query) = request.split_once('?').unwrap_or((request, ""));
                let watches = query.contains("watch=true");
                let path = if watches { path.replacen("GET", "WATCH", 1) } else { path.to_owned() };
                let user = user.trim_start_matches(ACCOUNTS);
                (Topic::Api(user.to_owned()), format!("{path} -> {status}"))
            }
            What::Api { .. } | What::Checked { .. } | What::Step(_) => return,
        };
        *self.seen.entry(topic).or_default().entry(said).or_default() += 1;
    }

    /// A line that came before in this step counts there.
    fn log(&self, line: &str, second: i64) -> (Topic, String) {
        let said = without_noise(line);
        let known =
            self.seen.iter().find(|(topic, lines)| topic.is_log() && lines.contains_key(&said));
        let first = Topic::Log(second, Severity::of(line));
        (known.map_or(first, |(topic, _)| topic.clone()), said)
    }

    fn end(&self, seconds: i64, text: &mut String) {
        if self.seen.is_empty() && text.is_empty() {
            return;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} ({seconds} s)", self.name);
        for (topic, said) in &self.seen {
            let counted = said.iter().map(|(said, count)| match count {
                1 => said.clone(),
                count => format!("{said} ×{count}"),
            });
            let _ = match topic {
                Topic::Change => lines(text, "change", counted),
                Topic::Ended => lines(text, "ended", counted),
                Topic::Log(..) => lines(text, "log", counted),
                Topic::Kubelet(node) => one_line(text, "kubelet", node, counted),
                Topic::Dns(name) => one_line(text, "dns", name, counted),
                Topic::Api(user) => one_line(text, "api", user, counted),
            };
        }
    }
}

fn lines(
    text: &mut String,
    word: &str,
    mut said: impl Iterator<Item = String>,
) -> std::fmt::Result {
    said.try_for_each(|said| writeln!(text, "  {word:<8} {said}"))
}

fn one_line(
    text: &mut String,
    word: &str,
    whose: &str,
    said: impl Iterator<Item = String>,
) -> std::fmt::Result {
    writeln!(text, "  {word:<8} {whose}: {}", said.collect::<Vec<_>>().join(", "))
}

/// A log line's severity and what follows its header.
fn without_noise(line: &str) -> String {
    let severity = line.get(..1).unwrap_or_default();
    let said = line.split_once("] ").map_or(line, |(_, said)| said);
    format!("{severity} {}", hide_time(&hide_ports(said)))
}

/// Hides the port that a packet came from, as in `10.244.1.6:45007->10.96.0.10:53`.
fn hide_ports(text: &str) -> String {
    const TO: &str = "->";
    let parts: Vec<_> = text.split(TO).collect();
    let last = parts.len() - 1;
    let hidden = parts.iter().enumerate().map(|(index, part)| {
        let kept = part.trim_end_matches(|c: char| c.is_ascii_digit());
        if index < last && kept.ends_with(':') { format!("{kept}…") } else { (*part).to_owned() }
    });
    hidden.collect::<Vec<_>>().join(TO)
}

/// Removes the time from an error about a certificate.
fn hide_time(text: &str) -> String {
    const BEFORE: &str = "current time ";
    match text.split_once(BEFORE) {
        Some((before, after)) => {
            let rest = after.find(' ').map_or("", |end| &after[end..]);
            format!("{before}{BEFORE}…{rest}")
        }
        None => text.to_owned(),
    }
}

// === impl Topic ===

impl Topic {
    fn is_log(&self) -> bool {
        matches!(self, Self::Log(..))
    }
}

// === impl Severity ===

impl Severity {
    fn of(line: &str) -> Self {
        match line.as_bytes().first() {
            Some(b'E' | b'F') => Self::Error,
            Some(b'W') => Self::Warning,
            _ => Self::Info,
        }
    }
}
