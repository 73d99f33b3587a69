//! The health of each node's scrapes, and what each scrape changes about it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use diagnosis::Cause;
use jiff::Timestamp;
use k8s_text::printable;
use net::Clock;
use parking_lot::RwLock;

use crate::{
    cluster::Node,
    kubelet::{Diagnosis, Dropped, LeftOut, MOST_TEXT, Sample},
};

/// The most pods that are remembered as left out, for each node.
const LEFT_OUT: usize = 500;

/// The most for all nodes together.
const LEFT_OUT_IN_ALL: usize = 20_000;

/// After this many responses without a newer sample, a kubelet may have stopped measuring. One or
/// two are usual: kubelets measure every 10 to 15 seconds, and may be scraped more often.
const STALE_AFTER: u32 = 3;

/// How far apart the samples of a kubelet may be of which only one is known: minikube sets
/// `--housekeeping-interval=5m`, and the kubelet waits for up to twice as long.
const LONGEST_INTERVAL: Duration = Duration::from_mins(10);

/// The kubelet of a node that joins reports its containers, and even the node, a few cycles later.
const JOINS_WITHIN: u64 = 3;

/// How the scrapes of a node are. Each scrape leads from one state to the next:
///
/// - an error leads to `Failing` or, of a node that is not ready, to `NotReady`;
/// - a response leads to `Healthy`, or to the state that names what is missing from it. Of a
///   kubelet that never reported all, the third response in a row is the first to do so: a node
///   that joins has no containers at once;
/// - a response with nothing newer in it leads to `Stale` when it is at least the third, and twice
///   the time has passed that was between the two samples before.
///
/// The order is the one in which a status page shows nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScrapeHealth {
    /// Scrapes fail.
    Failing(Cause),
    /// Scrapes fail, and the node is not ready.
    NotReady(Cause),
    /// Responses have no usage at all.
    NoUsage,
    /// Responses have no usage of any container, though pods run in the cluster.
    NoContainerUsage,
    /// Responses have no usage of the node.
    NoNodeUsage,
    /// Responses have nothing newer for too long.
    Stale,
    /// Scrapes succeed.
    Healthy,
}

/// The health of every node's scrapes. Nodes that leave the cluster are removed.
#[derive(Debug)]
pub struct Scrapes {
    clock: Clock,
    nodes: RwLock<BTreeMap<Arc<str>, NodeScrapes>>,
    /// How many pods are remembered as left out, for all nodes.
    left_out: AtomicUsize,
}

/// The health of one node's scrapes, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeScrapes {
    /// How they are.
    pub health: ScrapeHealth,
    /// Why they fail, if they do.
    pub diagnosis: Option<Diagnosis>,
    /// Host and port scraped last.
    pub address: String,
    /// When the last scrape ended.
    pub at: Timestamp,
    /// When they began to fail for this cause, or to succeed.
    pub since: Timestamp,
    /// How many scrapes in a row failed for this cause, or succeeded.
    pub times: u64,
    /// When one last succeeded, if ever.
    pub last_good: Option<Timestamp>,
    left_out: Box<[LeftOut]>,
    /// Which kinds of things were dropped from the last response, and in how many responses in a row
    /// that was so.
    dropped: (Option<[bool; 3]>, u64),
    /// The time of the newest sample in the last response.
    newest: Option<i64>,
    /// When a response had it first, and how many have repeated it since.
    newest_at: Timestamp,
    repeats: u32,
    /// How far apart the last two samples were.
    interval: Option<Duration>,
    /// A response had all there should be.
    was_complete: bool,
}

/// From one state to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(super) from: ScrapeHealth,
    /// How many scrapes in a row had been as in `from`.
    pub(super) from_times: u64,
    pub(super) to: ScrapeHealth,
    /// How many are as in `to`, with this one.
    pub(super) times: u64,
    /// How far apart the samples of a stale kubelet were before.
    pub(super) interval: Option<Duration>,
    /// What was dropped from the response, and in how many responses in a row.
    pub(super) dropped: Option<(Box<Dropped>, u64)>,
}

/// How many nodes, and the first of them with their state.
pub(crate) type SomeNodes = (usize, Vec<(Arc<str>, NodeScrapes)>);

// === impl ScrapeHealth ===

impl ScrapeHealth {
    /// The state after a response with `sample`. Containers are expected in it if `pods_run`.
    pub(crate) fn of(sample: &Sample, pods_run: bool, is_stale: bool) -> Self {
        match (&sample.node, sample.pods.is_empty()) {
            (None, true) => Self::NoUsage,
            (None, false) => Self::NoNodeUsage,
            (Some(_), true) if pods_run => Self::NoContainerUsage,
            (Some(_), _) if is_stale => Self::Stale,
            (Some(_), _) => Self::Healthy,
        }
    }

    /// Why scrapes fail, if they do.
    pub fn failure(self) -> Option<Cause> {
        match self {
            Self::Failing(cause) | Self::NotReady(cause) => Some(cause),
            _ => None,
        }
    }

    /// What responses lack; `None` where there are none or nothing is wrong.
    pub fn problem(self) -> Option<Cause> {
        match self {
            Self::Failing(_) | Self::NotReady(_) | Self::Healthy => None,
            Self::NoUsage => Some(Cause::NoUsage),
            Self::NoNodeUsage => Some(Cause::NoNodeUsage),
            Self::NoContainerUsage => Some(Cause::NoContainerUsage),
            Self::Stale => Some(Cause::StaleSamples),
        }
    }
}

// === impl Scrapes ===

impl Scrapes {
    /// No node has been scraped.
    pub fn new(clock: Clock) -> Self {
        Self { clock, nodes: RwLock::default(), left_out: AtomicUsize::new(0) }
    }

    /// Takes in a scrape of `node` at `address`. Where pods run in the cluster, some are expected
    /// on each node: those of networking at least.
    pub(crate) fn note(
        &self,
        node: &Node,
        address: &str,
        pods_run: bool,
        result: Result<&mut Sample, Diagnosis>,
    ) -> Transition {
        let now = self.clock.now();
        let address = printable(address, MOST_TEXT);
        let mut nodes = self.nodes.write();
        let state = match nodes.get_mut(node.name.as_str()) {
            Some(state) => state,
            None => nodes
                .entry(node.name.as_str().into())
                .or_insert_with(|| NodeScrapes::before_the_first(now)),
        };
        let (from, from_times) = (state.health, state.times);
        let moved = state.address != address;
        (state.at, state.address) = (now, address);
        let left_out = std::mem::take(&mut state.left_out);
        self.left_out.fetch_sub(left_out.len(), Relaxed);
        let mut dropped = None;
        let goes_on = match result {
            Err(diagnosis) => {
                state.health = match diagnosis.cause {
                    cause if node.ready => ScrapeHealth::Failing(cause),
                    cause => ScrapeHealth::NotReady(cause),
                };
                (state.newest, state.repeats) = (None, 0);
                let before = state.diagnosis.replace(diagnosis);
                let same = state.diagnosis.as_ref().zip(before).is_some_and(|(d, b)| d.is_like(&b));
                same && !moved && state.health == from
            }
            Ok(sample) => {
                state.last_good = Some(now);
                let is_stale = state.is_stale(sample.newest(), now);
                state.health = ScrapeHealth::of(sample, pods_run, is_stale);
                state.was_complete |= state.health == ScrapeHealth::Healthy;
                let successes = if state.diagnosis.is_some() { 1 } else { state.times + 1 };
                if !state.was_complete && successes < JOINS_WITHIN {
                    state.health = ScrapeHealth::Healthy;
                }
                let mut left_out = std::mem::take(&mut sample.left_out);
                let limit = LEFT_OUT_IN_ALL.saturating_sub(self.left_out.load(Relaxed));
                left_out.truncate(LEFT_OUT.min(limit));
                self.left_out.fetch_add(left_out.len(), Relaxed);
                state.left_out = left_out.into();
                let what = sample.dropped.take();
                let kind = what.as_ref().map(|what| {
                    [what.lines, what.long_labels, what.conflicts.count].map(|count| count > 0)
                });
                let times = if state.dropped.0 == kind { state.dropped.1 + 1 } else { 1 };
                state.dropped = (kind, times);
                dropped = what.map(|what| (what, times));
                state.diagnosis.take().is_none()
            }
        };
        if !goes_on {
            (state.since, state.times) = (now, 0);
        }
        state.times += 1;
        let interval = state.interval.filter(|_| state.health == ScrapeHealth::Stale);
        Transition { from, from_times, to: state.health, times: state.times, interval, dropped }
    }

    /// Removes all nodes for which `is_there` is false.
    pub(super) fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.nodes.write().retain(|name, state| {
            let stays = is_there(name);
            if !stays {
                self.left_out.fetch_sub(state.left_out.len(), Relaxed);
            }
            stays
        });
    }

    /// The health of a node's scrapes; `None` before the first one.
    pub fn of(&self, node: &str) -> Option<NodeScrapes> {
        self.nodes.read().get(node).cloned()
    }

    /// How many nodes have been scraped, or tried, and how many fail by cause.
    pub fn failing(&self) -> (usize, BTreeMap<&'static str, usize>) {
        let nodes = self.nodes.read();
        let mut causes = BTreeMap::new();
        for cause in nodes.values().filter_map(|state| state.health.failure()) {
            *causes.entry(cause.name()).or_default() += 1;
        }
        (nodes.len(), causes)
    }

    /// The container for which the pod was left out of the last scrape that mentions it.
    pub fn left_out(&self, namespace: &str, pod: &str) -> Option<LeftOut> {
        let nodes = self.nodes.read();
        let mut all = nodes.values().flat_map(|state| &state.left_out);
        all.find(|out| *out.namespace == *namespace && *out.pod == *pod).cloned()
    }

    /// By health: how many nodes, and the first `shown` of them with their state.
    pub fn by_health(&self, shown: usize) -> BTreeMap<ScrapeHealth, SomeNodes> {
        let mut groups: BTreeMap<_, (usize, Vec<_>)> = BTreeMap::new();
        for (name, state) in &*self.nodes.read() {
            let (count, first) = groups.entry(state.health).or_default();
            *count += 1;
            if first.len() < shown {
                first.push((name.clone(), state.clone()));
            }
        }
        groups
    }

    /// How long ago `moment` was.
    pub fn ago(&self, moment: Timestamp) -> Duration {
        self.clock.now().duration_since(moment).try_into().unwrap_or_default()
    }
}

// === impl NodeScrapes ===

impl NodeScrapes {
    fn before_the_first(now: Timestamp) -> Self {
        Self {
            health: ScrapeHealth::Healthy,
            diagnosis: None,
            address: String::new(),
            at: now,
            since: now,
            times: 0,
            last_good: None,
            left_out: Box::default(),
            dropped: Default::default(),
            newest: None,
            newest_at: now,
            repeats: 0,
            interval: None,
            was_complete: false,
        }
    }

    /// Records the time of the newest sample of a response. True where the kubelet seems to have
    /// stopped measuring.
    fn is_stale(&mut self, newest: Option<i64>, now: Timestamp) -> bool {
        if newest.is_none() || newest != self.newest {
            let apart = newest.zip(self.newest).and_then(|(new, old)| new.checked_sub(old));
            let apart = apart.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos);
            self.interval = apart.or(self.interval);
            (self.newest, self.newest_at, self.repeats) = (newest, now, 0);
            return false;
        }
        self.repeats += 1;
        let waited = Duration::try_from(now.duration_since(self.newest_at)).unwrap_or_default();
        let usual = self.interval.map_or(LONGEST_INTERVAL, |interval| interval * 2);
        self.repeats >= STALE_AFTER && waited > usual
    }
}
