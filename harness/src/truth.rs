//! What the metrics server made of usage, beside the truth: kubelets' usage is a known function of
//! time, so each of the server's answers can be judged to the nanocore.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fake_kubelet::{FakeKubelet, Node};
use jiff::Timestamp;
use metrics_server::{
    scrape::Cycles,
    store::{Span, Store, Usage},
};
use net::Clock;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;
use tracing::subscriber::{NoSubscriber, with_default};

/// How many nodes and containers of a scenario are judged: a plot of each is to be looked at.
const MOST_SUBJECTS: usize = 24;

/// In how many pieces a run is cut to draw the truth.
const PIECES: i128 = 240;

/// The truth is drawn to the microcore: counters are whole nanoseconds.
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

/// What was used at a moment, in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Point {
    /// When. Between two points usage goes in a straight line.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub used: Amount,
}

/// What the server had to say after a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// From when on it said so.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The end of the window: `timestamp` in the API.
    #[schemars(with = "String")]
    pub timestamp: Timestamp,
    /// The length of the window in seconds.
    pub window_seconds: f64,
    /// What it said.
    pub said: Amount,
    /// What was true: mean CPU over that window, memory at its end.
    #[serde(rename = "true")]
    pub in_truth: Amount,
}

/// What was used and what the server said of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Series {
    /// Whose usage.
    #[serde(flatten)]
    pub subject: Subject,
    /// The truth over the whole run.
    pub truth: Vec<Point>,
    /// The server's answers, each one told once.
    pub answers: Vec<Answer>,
}

/// All there is to say about usage in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Nodes first, each followed by its containers.
    pub series: Vec<Series>,
    /// How many nodes and containers more there were.
    pub left_out: usize,
}

/// Looks at what the server knows, from beside it: nothing is asked over the network.
#[derive(Clone)]
pub struct Judge {
    clock: Clock,
    /// Also those of nodes that leave.
    kubelets: Arc<[Arc<FakeKubelet>]>,
    subjects: Arc<[Subject]>,
    left_out: usize,
    said: Arc<Mutex<BTreeMap<Subject, Vec<Said>>>>,
    began: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Said {
    since: Timestamp,
    span: Span,
    usage: Usage,
}

/// What a subject has used since it started, and the memory it has.
struct Counters {
    cpu: u64,
    memory: u64,
}

// === impl Judge ===

impl Judge {
    /// Judges what is said of these kubelets.
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
        let began = clock.now();
        Self {
            clock,
            kubelets: kubelets.into(),
            subjects: subjects.into(),
            left_out,
            said: Arc::default(),
            began,
        }
    }

    /// Looks whenever the server ends a cycle, until it ends itself.
    pub async fn follow(self, mut cycles: watch::Receiver<Cycles>, store: Arc<Store>) {
        let mut ended = cycles.borrow().ended;
        while cycles.changed().await.is_ok() {
            let now = cycles.borrow_and_update().ended;
            if now > ended {
                ended = now;
                // The store logs what it cannot make sense of: that would be our doing.
                with_default(NoSubscriber::default(), || self.look(&store));
            }
        }
    }

    fn look(&self, store: &Store) {
        let since = self.clock.now();
        let mut said = self.said();
        for subject in self.subjects.iter() {
            let Some((span, usage)) = known(store, subject) else { continue };
            let all = said.entry(subject.clone()).or_default();
            let new = Said { since, span, usage };
            if all.last().is_none_or(|last| (last.span, last.usage) != (span, usage)) {
                all.push(new);
            }
        }
    }

    /// What was true until now and what was said of it.
    pub fn sum_up(&self, now: Timestamp) -> Judged {
        let said = self.said();
        let models: BTreeMap<_, _> = self
            .kubelets
            .iter()
            .filter_map(|kubelet| Some((kubelet.name(), kubelet.truth()?)))
            .collect();
        let series = self.subjects.iter().filter_map(|subject| {
            let model = models.get(subject.node.as_str())?;
            let answers = said.get(subject).map_or(&[][..], Vec::as_slice);
            Some(Series {
                subject: subject.clone(),
                truth: truth(model, subject, self.began, now),
                answers: answers.iter().map(|said| said.judge(model, subject)).collect(),
            })
        });
        Judged { series: series.collect(), left_out: self.left_out }
    }

    fn said(&self) -> MutexGuard<'_, BTreeMap<Subject, Vec<Said>>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
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

fn known(store: &Store, subject: &Subject) -> Option<(Span, Usage)> {
    let Some(name) = &subject.container else {
        let known = store.node(&subject.node)?;
        return Some((known.span, known.usage));
    };
    let known = store.pod(&name.namespace, &name.pod)?;
    let container = known.containers.iter().find(|known| *known.name == *name.container)?;
    Some((known.span?, container.usage))
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

fn truth(model: &Node, subject: &Subject, from: Timestamp, to: Timestamp) -> Vec<Point> {
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

// === impl Said ===

impl Said {
    fn judge(&self, model: &Node, subject: &Subject) -> Answer {
        let Span { end, window } = self.span;
        let begin = end.saturating_sub(window).unwrap_or(Timestamp::MIN);
        let whole = |nanos: i128| u64::try_from(nanos.max(0)).unwrap_or(u64::MAX);
        Answer {
            since: self.since,
            timestamp: end,
            window_seconds: window.as_secs_f64(),
            said: Amount {
                cpu: whole(self.usage.cpu.nanos()),
                memory: whole(self.usage.memory.units()),
            },
            in_truth: between(model, subject, begin, end).unwrap_or_default(),
        }
    }
}

// === impl Subject ===

impl Subject {
    /// As people would say it: `node-1`, or `default/web main`.
    pub fn words(&self) -> String {
        match &self.container {
            None => self.node.clone(),
            Some(name) => format!("{}/{} {}", name.namespace, name.pod, name.container),
        }
    }
}
