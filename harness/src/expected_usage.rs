//! Usage as the server under test reports it beside the expected usage: the usage of fake kubelets
//! is a known function of time, so each reported value can be compared to the nanocore.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fake_kubelet::{FakeKubelet, Node};
use jiff::Timestamp;
use net::Clock;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

/// How many nodes and containers of a scenario are compared: each has a plot.
const MOST_SUBJECTS: usize = 24;

/// Into how many pieces a run is divided to draw the expected usage.
const PIECES: i128 = 240;

/// Expected usage is drawn to the microcore: counters are whole nanoseconds.
const DRAWN_NANOCORES: u64 = 1_000;

const NANOS: u128 = 1_000_000_000;

/// A node, or a container on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The node.
    pub node: String,
    /// The container; none if it is about the node as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerName>,
}

/// A container's full name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct ContainerName {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

/// CPU in nanocores and memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Amount {
    /// Nanocores.
    pub cpu: u64,
    /// Bytes.
    pub memory: u64,
}

/// The expected usage at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Point {
    /// When. Between two points usage goes in a straight line.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub used: Amount,
}

/// What the server reported after a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedUsage {
    /// The end of the first cycle after which it reported this.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The end of the window: `timestamp` in the API.
    #[schemars(with = "String")]
    pub timestamp: Timestamp,
    /// The length of the window in seconds.
    pub window_seconds: f64,
    /// What it reported.
    pub reported: Amount,
    /// What is expected: mean CPU over that window, memory at its end.
    pub expected: Amount,
}

/// The expected usage of a node or container and what the server reported of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Series {
    /// Whose usage.
    #[serde(flatten)]
    pub subject: Subject,
    /// The expected usage over the whole run.
    pub expected: Vec<Point>,
    /// The server's reports, each one once.
    pub reports: Vec<ReportedUsage>,
}

/// Expected and reported usage of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Nodes first, each followed by its containers.
    pub series: Vec<Series>,
    /// How many nodes and containers more there were.
    pub left_out: usize,
}

/// What was reported of each subject, and when.
type ReportedBySubject = BTreeMap<Subject, Vec<(Timestamp, Reported)>>;

/// Compares what the server reports after each cycle. Clones share what was reported.
#[derive(Clone)]
pub struct Comparer {
    clock: Clock,
    /// Also those of nodes that are removed later.
    kubelets: Arc<[Arc<FakeKubelet>]>,
    subjects: Arc<[Subject]>,
    left_out: usize,
    reported: Arc<Mutex<ReportedBySubject>>,
    start: Timestamp,
}

/// One usage as the server reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The end of the window.
    pub timestamp: Timestamp,
    /// The length of the window.
    pub window: Duration,
    /// CPU over the window and memory at its end.
    pub amount: Amount,
}

/// What a subject has used since it started, and the memory it has.
struct Counters {
    cpu: u64,
    memory: u64,
}

// === impl Comparer ===

impl Comparer {
    /// Compares with the usage of these kubelets.
    pub fn new(clock: Clock, kubelets: Vec<Arc<FakeKubelet>>) -> Self {
        let mut subjects: Vec<_> = kubelets
            .iter()
            .filter_map(|kubelet| Some((kubelet.name().to_owned(), kubelet.truth()?)))
            .flat_map(|(node, model)| subjects(&node, &model))
            .collect();
        // With many nodes, all of them come before any container.
        if subjects.len() > MOST_SUBJECTS {
            subjects.sort_by_key(|subject| subject.container.is_some());
        }
        let left_out = subjects.len().saturating_sub(MOST_SUBJECTS);
        subjects.truncate(MOST_SUBJECTS);
        let start = clock.now();
        Self {
            clock,
            kubelets: kubelets.into(),
            subjects: subjects.into(),
            left_out,
            reported: Arc::default(),
            start,
        }
    }

    /// Takes down what the server reports now; `report` gives it for a node or container.
    pub fn take(&self, report: impl Fn(&Subject) -> Option<Reported>) {
        let now = self.clock.now();
        let mut reported = self.reported.lock();
        for subject in self.subjects.iter() {
            let Some(new) = report(subject) else { continue };
            let all = reported.entry(subject.clone()).or_default();
            if all.last().is_none_or(|(_, last)| *last != new) {
                all.push((now, new));
            }
        }
    }

    /// Expected and reported usage until `now`.
    pub fn sum_up(&self, now: Timestamp) -> Comparison {
        let reported = self.reported.lock();
        let models: BTreeMap<_, _> = self
            .kubelets
            .iter()
            .filter_map(|kubelet| Some((kubelet.name(), kubelet.truth()?)))
            .collect();
        let series = self.subjects.iter().filter_map(|subject| {
            let model = models.get(subject.node.as_str())?;
            let reports = reported.get(subject).map_or(&[][..], Vec::as_slice);
            let reports = reports.iter();
            Some(Series {
                subject: subject.clone(),
                expected: expected(model, subject, self.start, now),
                reports: reports.map(|(at, it)| it.compare(*at, model, subject)).collect(),
            })
        });
        Comparison { series: series.collect(), left_out: self.left_out }
    }
}

fn subjects(node: &str, model: &Node) -> Vec<Subject> {
    let containers = model.pods().iter().flat_map(|pod| {
        pod.containers.iter().map(|container| Subject {
            node: node.to_owned(),
            container: Some(ContainerName {
                namespace: pod.namespace.to_string(),
                pod: pod.name.to_string(),
                container: container.name.to_string(),
            }),
        })
    });
    std::iter::once(Subject { node: node.to_owned(), container: None }).chain(containers).collect()
}

fn counters(model: &Node, subject: &Subject, at: Timestamp) -> Option<Counters> {
    let Some(name) = &subject.container else {
        let sample = model.sample(at).node;
        return Some(Counters { cpu: sample.cpu?.value, memory: sample.memory?.value });
    };
    let pod = model
        .pods()
        .iter()
        .find(|pod| *pod.namespace == *name.namespace && *pod.name == *name.pod)?;
    let usage = &pod.containers.iter().find(|c| *c.name == *name.container)?.usage;
    Some(Counters { cpu: usage.total_cpu(at), memory: usage.memory(at) })
}

/// Mean CPU between two moments and memory at the later one.
fn between(model: &Node, subject: &Subject, from: Timestamp, to: Timestamp) -> Option<Amount> {
    let (before, after) = (counters(model, subject, from)?, counters(model, subject, to)?);
    let nanos = u128::try_from(to.as_nanosecond() - from.as_nanosecond()).ok()?;
    let used = u128::from(after.cpu.saturating_sub(before.cpu));
    let cpu = (used * NANOS).checked_div(nanos)?;
    Some(Amount { cpu: u64::try_from(cpu).unwrap_or(u64::MAX), memory: after.memory })
}

fn expected(model: &Node, subject: &Subject, from: Timestamp, to: Timestamp) -> Vec<Point> {
    let (start, length) = (from.as_nanosecond(), to.as_nanosecond() - from.as_nanosecond());
    let moment = |piece: i128| Timestamp::from_nanosecond(start + length * piece / PIECES);
    let mut points: Vec<Point> = Vec::new();
    for piece in 0..PIECES {
        let (Ok(from), Ok(to)) = (moment(piece), moment(piece + 1)) else { continue };
        let Some(mut used) = between(model, subject, from, to) else { continue };
        used.cpu = (used.cpu + DRAWN_NANOCORES / 2) / DRAWN_NANOCORES * DRAWN_NANOCORES;
        if piece == 0 {
            points.push(Point { at: from, used });
        }
        // Of a stretch in which nothing changes, the ends are enough.
        if let [.., a, b] = points.as_mut_slice()
            && a.used == used
            && b.used == used
        {
            b.at = to;
        } else {
            points.push(Point { at: to, used });
        }
    }
    points
}

// === impl Reported ===

impl Reported {
    fn compare(&self, since: Timestamp, model: &Node, subject: &Subject) -> ReportedUsage {
        let Self { timestamp, window, amount } = *self;
        let begin = timestamp.saturating_sub(window).unwrap_or(Timestamp::MIN);
        ReportedUsage {
            since,
            timestamp,
            window_seconds: window.as_secs_f64(),
            reported: amount,
            expected: between(model, subject, begin, timestamp).unwrap_or_default(),
        }
    }
}

// === impl Subject ===

impl Subject {
    /// Its name in reports: `node-1`, or `default/web main`.
    pub fn label(&self) -> String {
        match &self.container {
            None => self.node.clone(),
            Some(name) => format!("{}/{} {}", name.namespace, name.pod, name.container),
        }
    }
}
