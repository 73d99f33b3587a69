use super::NameServer;

/// A name that could not be resolved, in the words of Go's `net.DNSError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupError {
    /// The name of the lookup, without search domains.
    pub name: String,
    /// The name server that was queried last.
    pub server: Option<NameServer>,
    /// What went wrong.
    pub failure: LookupFailure,
}

/// What can go wrong with a lookup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupFailure {
    /// The server answered that there is no such name, or that it has no address.
    #[error("no such host")]
    NoSuchHost,
    /// The server answered with a failure (SERVFAIL, REFUSED and others).
    #[error("server misbehaving")]
    ServerMisbehaving,
    /// The server is not authoritative for the name and offers no recursion.
    #[error("lame referral")]
    LameReferral,
    /// The server did not answer before the timeout.
    #[error("{operation} {protocol} {ends}: i/o timeout")]
    Timeout {
        /// `dial` or `read`.
        operation: &'static str,
        /// `udp` or `tcp`.
        protocol: &'static str,
        /// The server, or both ends where there are two: `10.244.1.6:45007->10.96.0.10:53`.
        ends: String,
    },
    /// The lookup did not start before the deadline, because of others.
    #[error("{limit} other names are being looked up")]
    TooMany {
        /// How many may be at the same time.
        limit: usize,
    },
    /// The server could not be reached.
    #[error("{operation} {protocol} {ends}: {cause}")]
    Unreachable {
        /// `dial`, `write` or `read`.
        operation: &'static str,
        /// `udp` or `tcp`.
        protocol: &'static str,
        /// The server, or both ends where there are two: `10.244.1.6:45007->10.96.0.10:53`.
        ends: String,
        /// The error of the operating system.
        cause: String,
    },
}

// === impl LookupError ===

impl std::fmt::Display for LookupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "lookup {}", self.name)?;
        if let Some(server) = &self.server {
            write!(f, " on {server}")?;
        }
        write!(f, ": {}", self.failure)
    }
}

impl std::error::Error for LookupError {}
