//! Events of connections and responses, for logs and metrics.

use std::sync::Arc;

use super::{exchange::Over, handshake_failure::HandshakeFailure};

/// Something that happened while serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection panicked, which cost that connection only.
    Panicked,
    /// The server closed a connection before its client did.
    Closed(Closed),
    /// A request ended before its answer was taken.
    CutOff(CutOff),
    /// A TLS handshake failed, which closed the connection.
    HandshakeFailed(HandshakeFailure),
}

/// Why a request ended before its answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// It took longer than it may.
    Timeout,
    /// Its client took nothing, and others needed what it held.
    GaveWay,
}

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Its handshake failed.
    HandshakeFailed,
    /// Its handshake took too long.
    HandshakeTimeout,
    /// There were too many, and its handshake had not ended.
    Handshaking,
    /// There were too many, and no client had been authenticated over it.
    Unauthenticated,
    /// There were too many, and it had no request in flight.
    Idle,
    /// There were too many, and all had requests in flight.
    Busy,
    /// The server stopped before the requests over it had been answered.
    Shutdown,
}

/// Is called with each event.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

// === impl CutOff ===

impl CutOff {
    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "request_timeout",
            Self::GaveWay => "client_takes_nothing",
        }
    }
}

impl From<Over> for Event {
    fn from(over: Over) -> Self {
        Self::CutOff(match over {
            Over::Timeout => CutOff::Timeout,
            Over::Cancelled => CutOff::GaveWay,
        })
    }
}

// === impl Closed ===

impl Closed {
    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::HandshakeFailed => "handshake_failed",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Handshaking => "evicted_handshaking",
            Self::Unauthenticated => "evicted_unauthenticated",
            Self::Idle => "evicted_idle",
            Self::Busy => "evicted_busy",
            Self::Shutdown => "shutdown",
        }
    }
}
