use std::net::IpAddr;

use super::{LookupError, LookupFailure, NameServer};
use parking_lot::Mutex;

/// The state of a lookup: the error for a caller whose deadline comes before its end.
#[derive(Debug)]
pub(super) struct Progress {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Addresses of one family, while those of the other are still being looked up.
    found: Vec<IpAddr>,
    /// The last error that counts for the name.
    failed: Option<Failed>,
    /// The question that waits for its answer.
    open: Option<Open>,
}

/// The server that was queried last, and its failure.
pub(super) type Failed = (Option<NameServer>, LookupFailure);

/// A query that is in flight, or has been sent.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// The error where its response does not come in time.
    pub(super) late: LookupFailure,
    pub(super) server: NameServer,
}

// === impl Progress ===

impl Progress {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), state: Mutex::default() }
    }

    /// The name itself is queried, after candidates from the search list: their errors do not count
    /// from here on.
    pub(super) fn begin_name_itself(&self) {
        self.state.lock().failed = None;
    }

    pub(super) fn open(&self, open: Open) {
        self.state.lock().open = Some(open);
    }

    pub(super) fn found(&self, addresses: &[IpAddr]) {
        self.state.lock().found = addresses.to_vec();
    }

    pub(super) fn failed(&self, failed: Failed) {
        self.state.lock().failed.get_or_insert(failed);
    }

    /// The end of the lookup for someone whose time is over.
    #[allow(clippy::result_large_err, reason = "it is made once for each caller that gives up")]
    pub(super) fn so_far(&self, limit: usize) -> Result<Vec<IpAddr>, LookupError> {
        let State { found, failed, open } = &*self.state.lock();
        if !found.is_empty() {
            return Ok(found.clone());
        }
        let (server, failure) = match (failed, open) {
            (Some((server, failure)), _) => (server.clone(), failure.clone()),
            (None, Some(Open { late, server })) => (Some(server.clone()), late.clone()),
            (None, None) => (None, LookupFailure::TooMany { limit }),
        };
        Err(LookupError { name: self.name.clone(), server, failure })
    }
}
