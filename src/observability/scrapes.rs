use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::kubelet::ScrapeError;

/// How the last scrape of a node went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeState {
    /// When it ended.
    pub at: Timestamp,
    /// When one last succeeded, if ever.
    pub last_good: Option<Timestamp>,
    /// Why it failed, if it did: the cause by which failures are counted, and the whole error.
    pub failure: Option<(&'static str, String)>,
}

/// How the last scrapes of all nodes went.
#[derive(Debug, Default)]
pub(super) struct Scrapes(Mutex<BTreeMap<String, ScrapeState>>);

// === impl Scrapes ===

impl Scrapes {
    pub(super) fn note(&self, node: &str, at: Timestamp, failure: Option<&ScrapeError>) {
        let failure = failure.map(|error| (error.cause_label(), error.to_string()));
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = nodes.get_mut(node) {
            state.at = at;
            state.last_good = if failure.is_none() { Some(at) } else { state.last_good };
            state.failure = failure;
        } else {
            let last_good = failure.is_none().then_some(at);
            nodes.insert(node.to_owned(), ScrapeState { at, last_good, failure });
        }
    }

    pub(super) fn forget(&self, node: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
    }

    pub(super) fn of(&self, node: &str) -> Option<ScrapeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }

    /// Nodes by how their last scrape went: `ok`, or the cause.
    pub(super) fn by_outcome(&self) -> BTreeMap<&'static str, Vec<String>> {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcomes: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (name, state) in &*nodes {
            let outcome = state.failure.as_ref().map_or("ok", |(cause, _)| cause);
            outcomes.entry(outcome).or_default().push(name.clone());
        }
        outcomes
    }
}
