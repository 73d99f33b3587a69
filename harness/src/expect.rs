//! Holds an expectation of a scenario against what a user can see.

mod get;
mod logs;
pub(crate) mod metric;
mod request;
mod seen;
mod wildcard;

use kube::Client;
use similar::TextDiff;

use self::{request::get, wildcard::fits};
use crate::{
    events::{Event, What},
    file::format::{Expectation, Top},
    top,
    world::Simulated,
};

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

/// Whether `expectation` holds now; `events` is what has happened in its step, and `before` the
/// value that its metric had when the step began.
pub async fn check(
    world: &Simulated,
    expectation: &Expectation,
    events: &[Event],
    before: Option<f64>,
) -> Result<(), Mismatch> {
    if let Some(path) = &expectation.get {
        return get::check(world, path, expectation).await;
    }
    if let Some(what) = expectation.top {
        return check_top(world, what, expectation).await;
    }
    if let Some(text) = &expectation.log {
        return logs::check(text, expectation.times, events);
    }
    if let Some(texts) = &expectation.logs {
        return logs::check_order(texts, events);
    }
    if let Some(text) = &expectation.no_log {
        return logs::check_absent(text, events);
    }
    if let Some(ready) = expectation.ready {
        return check_ready(world.probe(), ready).await;
    }
    if let Some(text) = &expectation.refused {
        return check_refused(text, events);
    }
    if let Some(metric) = &expectation.metric {
        return metric::check(world, metric, expectation, before).await;
    }
    if let Some(families) = &expectation.families {
        return metric::check_families(world, families).await;
    }
    if let Some(saw) = &expectation.kubelet {
        return seen::check_kubelet(saw, events);
    }
    if let Some(saw) = &expectation.dns {
        return seen::check_dns(saw, events);
    }
    if let Some(names) = &expectation.dns_order {
        return seen::check_order(names, events);
    }
    if let Some(saw) = &expectation.api {
        return seen::check_api(saw, events);
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
        let name = expectation.name.as_ref().map(|name| format!(" {name}"));
        format!("top {what}{}{}", name.unwrap_or_default(), namespace.unwrap_or_default())
    } else if let Some(text) = &expectation.log {
        quoted("log", text)
    } else if let Some(texts) = &expectation.logs {
        format!("logs {texts:?}")
    } else if let Some(text) = &expectation.no_log {
        quoted("no log", text)
    } else if let Some(ready) = expectation.ready {
        format!("ready: {ready}")
    } else if let Some(text) = &expectation.refused {
        quoted("refused", text)
    } else if let Some(metric) = &expectation.metric {
        format!("metric {metric}")
    } else if let Some(families) = &expectation.families {
        format!("{} families of metrics", families.len())
    } else if let Some(saw) = &expectation.kubelet {
        format!("kubelet {}", saw.node)
    } else if let Some(saw) = &expectation.dns {
        format!("dns {}", saw.name)
    } else if let Some(names) = &expectation.dns_order {
        format!("dns order {}", names.join(", "))
    } else if let Some(saw) = &expectation.api {
        format!("api {}", saw.request)
    } else {
        "nothing".to_owned()
    }
}

async fn check_top(
    world: &Simulated,
    what: Top,
    expectation: &Expectation,
) -> Result<(), Mismatch> {
    let client = world.admin();
    let printed = match what {
        Top::Nodes => top::nodes(client, expectation.name.as_deref()).await,
        Top::Pods => {
            let options = top::PodOptions {
                namespace: expectation.namespace.as_deref(),
                name: expectation.name.as_deref(),
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
    if matches_kind && fits(&seen, &expected) {
        Ok(())
    } else {
        Err(Mismatch { field, expected, seen })
    }
}

/// Without space at the ends of lines and empty lines at the end.
fn trim_lines(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

async fn check_ready(probe: &Client, ready: bool) -> Result<(), Mismatch> {
    let words = |ready| if ready { "ready" } else { "not ready" }.to_owned();
    let answer = get(probe, "/readyz?verbose", &[]).await;
    let is_ready = answer.as_ref().is_ok_and(|answer| answer.status.is_success());
    // No answer is no word on readiness.
    if is_ready == ready && answer.is_ok() {
        return Ok(());
    }
    let details = answer.map_or_else(|error| error, |answer| answer.text());
    Err(Mismatch {
        field: "ready",
        expected: words(ready),
        seen: format!("{}\n{}", words(is_ready), details.trim_end()),
    })
}

fn check_refused(text: &str, events: &[Event]) -> Result<(), Mismatch> {
    let mut reasons = events.iter().filter_map(|event| match &event.what {
        What::Ended { text: reason } => Some(reason),
        _ => None,
    });
    let seen = match reasons.next() {
        Some(reason) if reason.contains(text) => return Ok(()),
        Some(reason) => reason.clone(),
        None => "the server started".to_owned(),
    };
    Err(Mismatch { field: "refused", expected: text.to_owned(), seen })
}

fn compare(field: &'static str, expected: String, seen: String) -> Result<(), Mismatch> {
    if expected == seen { Ok(()) } else { Err(Mismatch { field, expected, seen }) }
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
