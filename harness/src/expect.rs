//! Holds an expectation of a scenario against what a user can see.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::Value;
use similar::TextDiff;

use crate::{
    events::{Event, What},
    file::format::{Expectation, Top},
    top,
    world::Simulated,
};

/// The most of an answer that is looked at.
const ANSWER_LIMIT: usize = 64 << 20;

/// How long an answer is waited for.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// How many of the server's last log lines are shown when one is missed.
const SHOWN_LOG_LINES: usize = 20;

/// What was expected and what was seen instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The field of the expectation that does not hold, such as `table`.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
}

struct Answer {
    status: StatusCode,
    body: String,
}

/// Whether `expectation` holds now; `events` is what has happened in its step.
pub async fn check(
    world: &Simulated,
    expectation: &Expectation,
    events: &[Event],
) -> Result<(), Mismatch> {
    if let Some(path) = &expectation.get {
        return check_get(world.admin(), path, expectation).await;
    }
    if let Some(what) = expectation.top {
        return check_top(world, what, expectation).await;
    }
    if let Some(text) = &expectation.log {
        return check_log(text, events);
    }
    if let Some(text) = &expectation.no_log {
        return check_no_log(text, events);
    }
    if let Some(ready) = expectation.ready {
        return check_ready(world.probe(), ready).await;
    }
    if let Some(text) = &expectation.refused {
        return check_refused(text, events);
    }
    if let Some(saw) = &expectation.kubelet {
        return check_kubelet(saw.node.as_str(), saw.answered, saw.requests, events);
    }
    if let Some(saw) = &expectation.dns {
        let name = saw.name.trim_end_matches('.').to_ascii_lowercase();
        let asked = events
            .iter()
            .filter(|event| matches!(&event.what, What::Dns { name: n, .. } if *n == name))
            .count();
        let words = |count| format!("{count} questions about {name}");
        return compare("dns", words(saw.questions as usize), words(asked));
    }
    Ok(())
}

/// An expectation in a few words.
pub fn describe(expectation: &Expectation) -> String {
    let quoted = |what: &str, text: &str| format!("{what} {text:?}");
    if let Some(path) = &expectation.get {
        format!("get {path}")
    } else if let Some(what) = expectation.top {
        let namespace = expectation.namespace.as_ref().map(|namespace| format!(" -n {namespace}"));
        let what = if what == Top::Nodes { "nodes" } else { "pods" };
        format!("top {what}{}", namespace.unwrap_or_default())
    } else if let Some(text) = &expectation.log {
        quoted("log", text)
    } else if let Some(text) = &expectation.no_log {
        quoted("no log", text)
    } else if let Some(ready) = expectation.ready {
        format!("ready: {ready}")
    } else if let Some(text) = &expectation.refused {
        quoted("refused", text)
    } else if let Some(saw) = &expectation.kubelet {
        format!("kubelet {}", saw.node)
    } else if let Some(saw) = &expectation.dns {
        format!("dns {}", saw.name)
    } else {
        "nothing".to_owned()
    }
}

async fn check_get(client: &Client, path: &str, expectation: &Expectation) -> Result<(), Mismatch> {
    let expected = expectation.status.unwrap_or(200);
    let answer = ask(client, path).await.map_err(|error| Mismatch {
        field: "get",
        expected: format!("an answer with status {expected}"),
        seen: error,
    })?;
    if answer.status.as_u16() != expected {
        return Err(Mismatch {
            field: "status",
            expected: format!("status {expected}"),
            seen: format!("status {}\n{}", answer.status.as_u16(), answer.body.trim_end()),
        });
    }
    let Some(wanted) = &expectation.body else { return Ok(()) };
    let seen = match serde_json::from_str::<Value>(&answer.body) {
        Ok(seen) => project(wanted, &seen),
        Err(_) => Value::String(answer.body),
    };
    if seen == *wanted {
        return Ok(());
    }
    Err(Mismatch { field: "body", expected: pretty(wanted), seen: pretty(&seen) })
}

/// What of `seen` an expectation speaks of: the fields it names, and lists whole where their
/// lengths differ.
fn project(wanted: &Value, seen: &Value) -> Value {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => wanted
            .iter()
            .filter_map(|(name, wanted)| Some((name.clone(), project(wanted, seen.get(name)?))))
            .collect(),
        (Value::Array(wanted), Value::Array(seen)) if wanted.len() == seen.len() => {
            wanted.iter().zip(seen).map(|(wanted, seen)| project(wanted, seen)).collect()
        }
        (_, seen) => seen.clone(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

async fn check_top(
    world: &Simulated,
    what: Top,
    expectation: &Expectation,
) -> Result<(), Mismatch> {
    let client = world.admin();
    let printed = match what {
        Top::Nodes => top::nodes(client).await,
        Top::Pods => {
            let options = top::PodOptions {
                namespace: expectation.namespace.as_deref(),
                containers: expectation.containers,
            };
            top::pods(client, options, world.clock().now()).await
        }
    };
    let (field, expected) = match (&expectation.table, &expectation.error) {
        (Some(table), _) => ("table", table),
        (None, Some(error)) => ("error", error),
        (None, None) => return Ok(()),
    };
    let matches_kind = printed.is_ok() == (field == "table");
    let seen = trim_lines(&printed.unwrap_or_else(|error| error));
    let expected = trim_lines(expected);
    if matches_kind && expected == seen { Ok(()) } else { Err(Mismatch { field, expected, seen }) }
}

/// Without space at the ends of lines and empty lines at the end.
fn trim_lines(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn log_lines(events: &[Event]) -> impl DoubleEndedIterator<Item = &String> {
    events.iter().filter_map(|event| match &event.what {
        What::Log(line) => Some(line),
        _ => None,
    })
}

/// Whether a log line has the text, as it was before klog quoted it. `…` stands for anything.
fn has(line: &str, text: &str) -> bool {
    let line = line.replace("\\\"", "\"");
    let mut rest = line.as_str();
    text.split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn check_log(text: &str, events: &[Event]) -> Result<(), Mismatch> {
    if log_lines(events).any(|line| has(line, text)) {
        return Ok(());
    }
    let mut last: Vec<_> = log_lines(events).rev().take(SHOWN_LOG_LINES).cloned().collect();
    last.reverse();
    let seen = if last.is_empty() {
        "nothing was logged in this step".to_owned()
    } else {
        last.join("\n")
    };
    Err(Mismatch { field: "log", expected: text.to_owned(), seen })
}

fn check_no_log(text: &str, events: &[Event]) -> Result<(), Mismatch> {
    match log_lines(events).find(|line| has(line, text)) {
        None => Ok(()),
        Some(line) => Err(Mismatch {
            field: "noLog",
            expected: format!("no line with {text}"),
            seen: line.clone(),
        }),
    }
}

async fn check_ready(probe: &Client, ready: bool) -> Result<(), Mismatch> {
    let words = |ready| if ready { "ready" } else { "not ready" }.to_owned();
    let answer = ask(probe, "/readyz?verbose").await;
    let is_ready = answer.as_ref().is_ok_and(|answer| answer.status.is_success());
    // No answer is no word on readiness.
    if is_ready == ready && answer.is_ok() {
        return Ok(());
    }
    let details = answer.map_or_else(|error| error, |answer| answer.body);
    Err(Mismatch {
        field: "ready",
        expected: words(ready),
        seen: format!("{}\n{}", words(is_ready), details.trim_end()),
    })
}

fn check_refused(text: &str, events: &[Event]) -> Result<(), Mismatch> {
    let mut reasons = events.iter().filter_map(|event| match &event.what {
        What::Ended(reason) => Some(reason),
        _ => None,
    });
    let seen = match reasons.next() {
        Some(reason) if reason.contains(text) => return Ok(()),
        Some(reason) => reason.clone(),
        None => "the server started".to_owned(),
    };
    Err(Mismatch { field: "refused", expected: text.to_owned(), seen })
}

fn check_kubelet(
    node: &str,
    answered: Option<u16>,
    requests: Option<u32>,
    events: &[Event],
) -> Result<(), Mismatch> {
    let statuses: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Kubelet { node: n, status, .. } if n == node => Some(*status),
            _ => None,
        })
        .collect();
    if let Some(code) = answered
        && !statuses.contains(&Some(code))
    {
        let seen =
            statuses.iter().map(|status| status.map_or("none".to_owned(), |s| s.to_string()));
        let seen = format!(
            "{} requests, answered with [{}]",
            statuses.len(),
            seen.collect::<Vec<_>>().join(", ")
        );
        return Err(Mismatch {
            field: "kubelet",
            expected: format!("a request answered with {code}"),
            seen,
        });
    }
    let words = |count: usize| format!("{count} requests");
    match requests {
        Some(requests) => compare("kubelet", words(requests as usize), words(statuses.len())),
        None => Ok(()),
    }
}

fn compare(field: &'static str, expected: String, seen: String) -> Result<(), Mismatch> {
    if expected == seen { Ok(()) } else { Err(Mismatch { field, expected, seen }) }
}

/// Asks, for as long as a person would wait.
async fn ask(client: &Client, path: &str) -> Result<Answer, String> {
    let answer = tokio::time::timeout(ANSWER_TIME, ask_patiently(client, path)).await;
    answer.unwrap_or_else(|_| Err("no answer within a minute".to_owned()))
}

async fn ask_patiently(client: &Client, path: &str) -> Result<Answer, String> {
    let request = Request::get(path).body(Body::empty()).map_err(|error| error.to_string())?;
    let response = client.send(request).await.map_err(|error| bottom(&error))?;
    let status = response.status();
    let body = http_body_util::Limited::new(response.into_body(), ANSWER_LIMIT)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
}

fn bottom(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), bottom)
}

/// Expected and seen as a diff.
pub(crate) fn diff(expected: &str, seen: &str) -> String {
    TextDiff::from_lines(&format!("{expected}\n"), &format!("{seen}\n"))
        .unified_diff()
        .context_radius(3)
        .header("expected", "seen")
        .to_string()
}

// === impl Mismatch ===

impl Mismatch {
    /// Expected and seen as a diff.
    pub fn diff(&self) -> String {
        diff(&self.expected, &self.seen)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_compared_where_the_expectation_speaks() {
        let seen = json!({"kind": "List", "items": [{"name": "a", "more": 1}, {"name": "b"}]});
        for (wanted, holds) in [
            (json!({}), true),
            (json!({"kind": "List"}), true),
            (json!({"items": [{"name": "a"}, {}]}), true),
            (json!({"items": [{"name": "a"}]}), false),
            (json!({"items": []}), false),
            (json!({"items": [{"name": "b"}, {"name": "a"}]}), false),
            (json!({"kind": null}), false),
            (json!({"missing": null}), false),
        ] {
            assert_eq!(project(&wanted, &seen) == wanted, holds, "{wanted}");
        }
    }
}
