use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use jiff::Timestamp;
use net::Clock;

use super::{
    Oddity,
    failure::{Failure, harmless},
    goes::{Alike, Goes},
    turn::{Change, Turn},
};
use crate::{
    cluster::Node,
    kubelet::{LeftOut, Sample, ScrapeError},
};

/// The most pods that are remembered as left out, for each node.
const LEFT_OUT: usize = 500;

/// The most for all nodes together.
const LEFT_OUT_IN_ALL: usize = 20_000;

/// How the scraping of each node goes. Nodes that leave the cluster are forgotten.
#[derive(Debug)]
pub struct Scrapes {
    clock: Clock,
    nodes: RwLock<BTreeMap<Arc<str>, ScrapeState>>,
    /// How many pods are remembered as left out, for all nodes.
    left_out: AtomicUsize,
}

/// How the scraping of one node goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeState {
    /// Host and port asked last.
    pub address: String,
    /// Whether the node was ready then.
    pub ready: bool,
    /// When the last scrape ended.
    pub at: Timestamp,
    /// When it began to go as it goes now.
    pub since: Timestamp,
    /// How many scrapes in a row went like this.
    pub times: u64,
    /// When one last succeeded, if ever.
    pub last_good: Option<Timestamp>,
    /// Why it fails, if it does.
    pub failure: Option<Failure>,
    /// What is strange about answers, if they come.
    pub oddity: Option<Oddity>,
    left_out: Box<[LeftOut]>,
    /// What kind of things were passed over in the last answer, and in how many before it: lines
    /// that cannot be read, series with long labels.
    passed_over: ((bool, bool), u64),
    /// The time of the newest sample in the last answer.
    newest: Option<i64>,
    /// How many answers had nothing newer than the one before.
    stale: u32,
}

// === impl Scrapes ===

impl Scrapes {
    /// No node has been scraped.
    pub fn new(clock: Clock) -> Self {
        Self { clock, nodes: RwLock::default(), left_out: AtomicUsize::new(0) }
    }

    /// Takes in how a scrape of `node` at `address` went. Where pods run in the cluster, some are
    /// expected on each node: those of networking at least.
    pub(crate) fn note(
        &self,
        node: &Node,
        address: &str,
        pods_run: bool,
        result: Result<&mut Sample, &ScrapeError>,
    ) -> Turn {
        let now = self.clock.now();
        let address = harmless(address);
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        if !nodes.contains_key(node.name.as_str()) {
            nodes.insert(node.name.as_str().into(), ScrapeState::before(now));
        }
        let Some(state) = nodes.get_mut(node.name.as_str()) else { return Turn::NOTHING };
        state.at = now;
        let left_out = std::mem::take(&mut state.left_out);
        self.left_out.fetch_sub(left_out.len(), Relaxed);
        let moved = state.address != address || state.ready != node.ready;
        match result {
            Err(error) => {
                let failure = Failure::of(error);
                let same =
                    !moved && state.failure.as_ref().is_some_and(|old| old.is_like(&failure));
                if !same {
                    (state.since, state.times) = (now, 0);
                }
                state.times += 1;
                (state.address, state.ready, state.failure) = (address, node.ready, Some(failure));
                (state.oddity, state.newest) = (None, None);
                Turn::Failed { times: state.times }
            }
            Ok(sample) => {
                let after = state.failure.take().map(|_| (state.times, state.ready));
                if after.is_some() || state.times == 0 {
                    (state.since, state.times) = (now, 0);
                }
                state.times += 1;
                (state.address, state.ready, state.last_good) = (address, node.ready, Some(now));
                let newest = sample.newest();
                state.stale =
                    if newest.is_some() && newest == state.newest { state.stale + 1 } else { 0 };
                state.newest = newest;
                let mut left_out = std::mem::take(&mut sample.left_out);
                let room = LEFT_OUT_IN_ALL.saturating_sub(self.left_out.load(Relaxed));
                left_out.truncate(LEFT_OUT.min(room));
                self.left_out.fetch_add(left_out.len(), Relaxed);
                state.left_out = left_out.into();
                let oddity = Oddity::of(sample, pods_run, state.stale);
                let change = match oddity {
                    same if same == state.oddity => Change::None,
                    Some(oddity) => Change::Odd(oddity),
                    None => Change::Mended,
                };
                state.oddity = oddity;
                let passed_over = sample.passed_over.take();
                let kind = passed_over
                    .as_ref()
                    .map_or((false, false), |what| (what.lines > 0, what.long_labels > 0));
                let times = if state.passed_over.0 == kind { state.passed_over.1 + 1 } else { 1 };
                state.passed_over = (kind, times);
                let passed_over = passed_over.map(|what| (what, times));
                Turn::Good { after, change, passed_over }
            }
        }
    }

    /// Forgets all nodes but those that `is_there` names.
    pub(super) fn retain(&self, is_there: impl Fn(&str) -> bool) {
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|name, state| {
            let stays = is_there(name);
            if !stays {
                self.left_out.fetch_sub(state.left_out.len(), Relaxed);
            }
            stays
        });
    }

    /// How a node's scraping goes; `None` before its first scrape.
    pub fn of(&self, node: &str) -> Option<ScrapeState> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }

    /// How many nodes have been scraped, or tried, and how many fail by cause.
    pub fn failing(&self) -> (usize, BTreeMap<&'static str, usize>) {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        let mut causes = BTreeMap::new();
        for failure in nodes.values().filter_map(|state| state.failure.as_ref()) {
            *causes.entry(failure.cause).or_default() += 1;
        }
        (nodes.len(), causes)
    }

    /// The container for which the pod was left out of the last scrape that mentions it.
    pub fn left_out(&self, namespace: &str, pod: &str) -> Option<LeftOut> {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = nodes.values().flat_map(|state| &state.left_out);
        all.find(|out| *out.namespace == *namespace && *out.pod == *pod).cloned()
    }

    /// Nodes by how they go, no more than `shown` of each with their state: by cause, then the odd
    /// ones, then the rest.
    pub fn alike(&self, shown: usize) -> BTreeMap<Goes, Alike> {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        let mut groups: BTreeMap<_, Alike> = BTreeMap::new();
        for (name, state) in &*nodes {
            let group = groups.entry(Goes::of(state)).or_default();
            group.count += 1;
            if group.first.len() < shown {
                group.first.push((name.clone(), state.clone()));
            }
        }
        groups
    }

    /// How long ago `moment` was.
    pub fn ago(&self, moment: Timestamp) -> std::time::Duration {
        self.clock.now().duration_since(moment).try_into().unwrap_or_default()
    }
}

// === impl ScrapeState ===

impl ScrapeState {
    /// Before the first scrape.
    fn before(now: Timestamp) -> Self {
        Self {
            address: String::new(),
            ready: true,
            at: now,
            since: now,
            times: 0,
            last_good: None,
            failure: None,
            oddity: None,
            left_out: Box::default(),
            passed_over: Default::default(),
            newest: None,
            stale: 0,
        }
    }
}
