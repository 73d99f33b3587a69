use super::Oddity;
use crate::kubelet::PassedOver;

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
        /// What is not used of the answer, and in how many answers in a row that is so.
        passed_over: Option<(Box<PassedOver>, u64)>,
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

// === impl Turn ===

impl Turn {
    pub(super) const NOTHING: Self =
        Self::Good { after: None, change: Change::None, passed_over: None };
}
