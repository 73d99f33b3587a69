//! Holds an expectation of a scenario against what a user can see.

mod get;
mod logs;
pub(crate) mod metric;
pub(crate) mod request;
mod seen;
mod wildcard;

use std::time::Duration;

use kube::Client;
use similar::TextDiff;
use tokio::time::timeout;

use self::{
    request::get,
    wildcard::{fits, has},
};
use crate::{
    events::{Event, What},
    file::format::{CheckExpectation, Expectation, Top, TopExpectation},
    world::World,
};

/// How long a readiness probe waits for its answer.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

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
pub(crate) async fn check(
    world: &dyn World,
    expectation: &Expectation,
    events: &[Event],
    before: Option<f64>,
) -> Result<(), Mismatch> {
    match expectation {
        Expectation::Get(wanted) => get::check(world, wanted).await,
        Expectation::Top(wanted) => check_top(world, wanted).await,
        Expectation::Log { text, times } => logs::check(text, *times, events),
        Expectation::Logs(texts) => logs::check_order(texts, events),
        Expectation::NoLog(text) => logs::check_absent(text, events),
        Expectation::Ready(ready) => check_ready(&world.clients().probe, *ready).await,
        Expectation::Refused(text) => check_refused(text, events),
        Expectation::Check(wanted) => check_check(world, wanted).await,
        Expectation::Metric(wanted) => metric::check(world, wanted, before).await,
        Expectation::Families(families) => metric::check_families(world, families).await,
        Expectation::Kubelet(saw) => seen::check_kubelet(saw, events),
        Expectation::Dns(saw) => seen::check_dns(saw, events),
        Expectation::DnsOrder(names) => seen::check_order(names, events),
        Expectation::Api(saw) => seen::check_api(saw, events),
    }
}

/// An expectation in a few words.
pub fn describe(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Get(wanted) => format!("get {}", wanted.path),
        Expectation::Top(TopExpectation { what, name, namespace, .. }) => {
            let namespace = namespace.as_ref().map(|namespace| format!(" -n {namespace}"));
            let what = if *what == Top::Nodes { "nodes" } else { "pods" };
            let name = name.as_ref().map(|name| format!(" {name}"));
            format!("top {what}{}{}", name.unwrap_or_default(), namespace.unwrap_or_default())
        }
        Expectation::Log { text, .. } => format!("log {text:?}"),
        Expectation::Logs(texts) => format!("logs {texts:?}"),
        Expectation::NoLog(text) => format!("no log {text:?}"),
        Expectation::Ready(ready) => format!("ready: {ready}"),
        Expectation::Refused(text) => format!("refused {text:?}"),
        Expectation::Check(wanted) => format!("check: {}", wanted.exit_code),
        Expectation::Metric(wanted) => format!("metric {}", wanted.metric),
        Expectation::Families(families) => format!("{} families of metrics", families.len()),
        Expectation::Kubelet(saw) => format!("kubelet {}", saw.node),
        Expectation::Dns(saw) => format!("dns {}", saw.name),
        Expectation::DnsOrder(names) => format!("dns order {}", names.join(", ")),
        Expectation::Api(saw) => format!("api {}", saw.request),
    }
}

async fn check_top(world: &dyn World, wanted: &TopExpectation) -> Result<(), Mismatch> {
    let printed = world.top(wanted).await;
    let (field, expected) = match &wanted.printed {
        Ok(table) => ("table", table),
        Err(error) => ("error", error),
    };
    let matches_kind = printed.is_ok() == wanted.printed.is_ok();
    let seen = trim_lines(&printed.unwrap_or_else(|error| error));
    let expected = trim_lines(expected);
    if matches_kind && fits(&seen, &expected) {
        Ok(())
    } else {
        Err(Mismatch { field, expected, seen })
    }
}

/// What the server says with `--check`.
async fn check_check(world: &dyn World, wanted: &CheckExpectation) -> Result<(), Mismatch> {
    let failed = |error| Mismatch { field: "check", expected: "a result".to_owned(), seen: error };
    let (exit_code, printed) = world.check_server().await.map_err(failed)?;
    let seen = trim_lines(&printed);
    let words = |code: u8| format!("exit code {code}");
    if exit_code != wanted.exit_code {
        let expected = words(wanted.exit_code);
        return Err(Mismatch { field: "check", expected, seen: words(exit_code) + "\n" + &seen });
    }
    if let Some(table) = wanted.table.as_deref().map(trim_lines)
        && !fits(&seen, &table)
    {
        return Err(Mismatch { field: "table", expected: table, seen });
    }
    match wanted.text.iter().find(|text| !seen.lines().any(|line| has(line, text))) {
        Some(text) => Err(Mismatch { field: "text", expected: text.clone(), seen }),
        None => Ok(()),
    }
}

/// Without space at the ends of lines and empty lines at the end.
fn trim_lines(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

async fn check_ready(probe: &Client, ready: bool) -> Result<(), Mismatch> {
    let words = |ready| if ready { "ready" } else { "not ready" }.to_owned();
    let answer = match timeout(PROBE_LIMIT, get(probe, "/readyz?verbose", &[])).await {
        Ok(answer) => answer,
        // For the kubelet, too, a probe without an answer has failed: the Go server does not answer
        // before it knows the nodes.
        Err(_) if !ready => return Ok(()),
        Err(_) => Err(format!("no answer within {} s", PROBE_LIMIT.as_secs())),
    };
    let is_ready = answer.as_ref().is_ok_and(|answer| answer.status.is_success());
    // A request that fails in another way says nothing of readiness.
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
