use std::sync::Arc;

use super::{Oddity, ScrapeState};

/// Nodes that go alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// How many.
    pub count: usize,
    /// The first few, each with its state.
    pub first: Vec<(Arc<str>, ScrapeState)>,
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
    pub(super) fn of(state: &ScrapeState) -> Self {
        match (&state.failure, state.oddity) {
            (Some(failure), _) if state.ready => Self::Failing(failure.cause),
            (Some(failure), _) => Self::NotReady(failure.cause),
            (None, Some(oddity)) => Self::Odd(oddity),
            (None, None) => Self::Good,
        }
    }
}
