use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use jiff::Timestamp;

use super::Oddity;
use crate::{
    cluster::Node,
    doors::Clock,
    kubelet::{LeftOut, Sample, ScrapeError},
};

/// The most that is kept of an error, in characters: it may quote what a kubelet said.
const WORDS: usize = 400;

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
    /// The time of the newest sample in the last answer.
    newest: Option<i64>,
    /// How many answers had nothing newer than the one before.
    stale: u32,
}

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The cause by which failures are counted.
    pub cause: &'static str,
    /// The status, if the kubelet answered with another than 200.
    pub status: Option<u16>,
    /// The error, without the address.
    pub words: Box<str>,
}

/// What a scrape was after the ones before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It failed.
    Failed {
        /// How many times in a row for this cause, at this address.
        times: u64,
    },
    /// It succeeded.
    Good {
        /// How many scrapes in a row had failed before it, and whether the node was ready.
        after: Option<(u64, bool)>,
        /// What has changed about how it is.
        change: Change,
    },
}

/// What has changed about answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// Something is strange that was not.
    Odd(Oddity),
    /// Nothing is strange any more.
    Mended,
}

/// Nodes that go alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// How many.
    pub count: usize,
    /// The first few, each with its state.
    pub first: Vec<(Arc<str>, ScrapeState)>,
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
        address: String,
        pods_run: bool,
        result: Result<&mut Sample, &ScrapeError>,
    ) -> Turn {
        let now = self.clock.now();
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
                Turn::Good { after, change }
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

/// How a node's scraping goes, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goes {
    /// It fails for this cause.
    Failing(&'static str),
    /// It fails, and the node is not ready.
    NotReady(&'static str),
    /// It succeeds, but something is strange about it.
    Odd(Oddity),
    /// It succeeds.
    Good,
}

// === impl Goes ===

impl Goes {
    fn of(state: &ScrapeState) -> Self {
        match (&state.failure, state.oddity) {
            (Some(failure), _) if state.ready => Self::Failing(failure.cause),
            (Some(failure), _) => Self::NotReady(failure.cause),
            (None, Some(oddity)) => Self::Odd(oddity),
            (None, None) => Self::Good,
        }
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
            newest: None,
            stale: 0,
        }
    }
}

// === impl Failure ===

impl Failure {
    fn of(error: &ScrapeError) -> Self {
        let status = match error {
            ScrapeError::Status { status } => Some(status.as_u16()),
            _ => None,
        };
        let words: String = error.words().chars().take(WORDS).collect();
        Self { cause: error.cause_label(), status, words: words.into() }
    }

    /// Whether it is the same trouble. Words may differ: they have port numbers and times in them.
    fn is_like(&self, other: &Self) -> bool {
        (self.cause, self.status) == (other.cause, other.status)
    }
}

// === impl Turn ===

impl Turn {
    const NOTHING: Self = Self::Good { after: None, change: Change::None };
}
