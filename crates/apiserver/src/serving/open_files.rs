//! The limit of open files, which bounds connections of all kinds.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Limits;

/// Files that are neither connections of clients nor of kubelets: the log, certificates, the API
/// server, DNS queries.
const OTHERS: usize = 128;

/// Connections to kubelets that a cluster of some size needs at a time.
const FEW: usize = 512;

/// How many files this process may have open, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    limit: usize,
}

// === impl OpenFiles ===

impl OpenFiles {
    /// Raises the soft limit to the hard one, as the Go runtime does, and reads what came of it.
    pub fn raise() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current != maximum {
            // It fails where a sandbox forbids it: then the soft limit stays.
            let raised = Rlimit { current: maximum, maximum };
            if let Err(error) = setrlimit(Resource::Nofile, raised) {
                tracing::warn!(err = %io::Error::from(error), "Failed to raise the limit of open files");
            }
        }
        let limit = getrlimit(Resource::Nofile).current;
        Self::of(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
    }

    /// A limit of this number.
    pub fn of(limit: usize) -> Self {
        Self { limit }
    }

    /// The limits of serving that leave the larger part to kubelets.
    #[must_use]
    pub fn bound(self, limits: Limits) -> Limits {
        Limits { connections: limits.connections.min((self.limit / 4).max(1)), ..limits }
    }

    /// Logs a warning where the limit is less than a small cluster needs.
    pub fn warn_if_low(self, limits: Limits) {
        let (clients, kubelets) = (limits.connections, self.for_kubelets(limits));
        if kubelets < FEW {
            let cure = "raise the hard limit (ulimit -Hn, LimitNOFILE=)";
            let limit = self.limit;
            tracing::warn!(
                limit,
                clients,
                kubelets,
                cure,
                "The limit of open files is low, connections are closed early"
            );
        }
    }

    /// How many connections to kubelets there may be beside `limits`.
    pub fn for_kubelets(self, limits: Limits) -> usize {
        self.limit.saturating_sub(self.bound(limits).connections + OTHERS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_have_a_share_and_kubelets_the_rest() {
        let limits = Limits::default();
        for (limit, clients, kubelets) in
            [(1 << 20, 1024, (1 << 20) - 1152), (4096, 1024, 2944), (1024, 256, 640), (100, 25, 1)]
        {
            let files = OpenFiles::of(limit);
            assert_eq!(files.bound(limits).connections, clients, "{limit}");
            assert_eq!(files.for_kubelets(limits), kubelets, "{limit}");
        }
    }
}
