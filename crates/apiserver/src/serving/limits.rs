//! What clients may cost a server before and after they are authenticated.

use std::time::Duration;

/// Limits of connections and of what goes over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time, those in their handshake included. For a further one another one is
    /// closed: clients that were never authenticated come first, and front proxies last.
    pub connections: usize,
    /// From a connection's beginning to the end of its TLS handshake.
    pub handshake: Duration,
    /// HTTP/1.1: from the moment a connection is free for a request to the end of that request's
    /// headers, so that it bounds both slow headers and idle connections.
    pub header: Duration,
    /// HTTP/2: how long a connection may be without any request.
    pub idle: Duration,
    /// How long a peer may read nothing of a response.
    pub write_timeout: Duration,
    /// Bytes of one request's headers; beyond them it gets 431.
    pub header_bytes: u32,
    /// HTTP/2: requests at a time over one connection.
    pub streams: u32,
    /// Requests at a time over a connection without an authenticated request; further ones wait.
    pub unauthenticated_requests: u32,
    /// From a request's headers until its response has been sent, whether the client reads or not;
    /// `None` where responses may take any time, as watches do.
    pub answer: Option<Duration>,
    /// How long requests in flight may take after shutdown begins.
    pub shutdown: Duration,
}

// === impl Limits ===

impl Default for Limits {
    /// Where the Go server has a limit, that one. A thousand connections are many times what API
    /// servers, probes and Prometheus keep open; with some 30 KB each they fit into the memory
    /// that a metrics server is given.
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(32),
            idle: Duration::from_secs(90),
            write_timeout: Duration::from_secs(30),
            // As Go: a mebibyte, and what it reads at once.
            header_bytes: (1 << 20) + 4096,
            streams: 250,
            unauthenticated_requests: 250,
            answer: None,
            shutdown: Duration::ZERO,
        }
    }
}
