//! TCP connections to a host of which a name or an address is known.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use crate::{
    Doors, Network, Stream,
    dns::{LookupError, Resolver},
    errno,
    proxy::Proxy,
};

/// The least that one of several addresses is given, as in Go.
const SHORTEST_TRY: Duration = Duration::from_secs(2);

/// Connects to hosts.
#[derive(Clone)]
pub struct Dialer {
    doors: Doors,
    resolver: Resolver,
    /// Instead of that of the environment.
    proxy: Option<Proxy>,
}

/// Why there is no connection, in the words of Go's net package.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The host name could not be resolved.
    #[error("dial tcp: {0}")]
    Lookup(#[from] LookupError),
    /// It was refused.
    #[error("dial tcp {to}: {}", errno::describe("dial", source))]
    Connect {
        /// The address tried.
        to: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Nothing answered in time.
    #[error("dial tcp {to}: i/o timeout")]
    Timeout {
        /// The address tried.
        to: SocketAddr,
    },
    /// The proxy cannot be reached, or does not connect to the host.
    #[error("{operation}: {cause}")]
    Proxy {
        /// What was tried.
        operation: String,
        /// What became of it.
        cause: String,
    },
}

// === impl Dialer ===

impl Dialer {
    /// A dialer that uses the network, clock and randomness of `doors`.
    pub fn new(doors: Doors, resolver: Resolver) -> Self {
        Self { doors, resolver, proxy: None }
    }

    /// The same through `proxy`, if there is one, instead of that of the environment.
    #[must_use]
    pub fn through(self, proxy: Option<Proxy>) -> Self {
        Self { proxy, ..self }
    }

    /// A connection for `scheme`, `http` or `https`, to `host`: directly, or through a proxy.
    pub async fn dial(
        &self,
        scheme: &str,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Stream, DialError> {
        let of_environment = || self.doors.network.proxy_for(scheme, host, port);
        let Some(proxy) = self.proxy.clone().or_else(of_environment) else {
            return self.dial_directly(host, port, deadline).await;
        };
        let failed = |cause| DialError::Proxy { operation: proxy.operation(host, port), cause };
        let reached = self.dial_directly(&proxy.host, proxy.port, deadline).await;
        let mut stream = reached.map_err(|error| failed(error.to_string()))?;
        match timeout_at(deadline, proxy.tunnel(&mut stream, host, port)).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(error)) => Err(failed(errno::describe("read", &error))),
            Err(_) => Err(failed("i/o timeout".to_owned())),
        }
    }

    /// Tries the host's addresses one after another until `deadline`, which they share. When all of
    /// them fail, the error is that of the first, the address that was preferred.
    async fn dial_directly(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Stream, DialError> {
        let addresses = self.resolver.lookup(host, deadline).await?;
        let mut first = None;
        for (at, ip) in addresses.iter().enumerate() {
            let now = Instant::now();
            if first.is_some() && now >= deadline {
                break;
            }
            let share = share(deadline.saturating_duration_since(now), addresses.len() - at);
            match self.connect(*ip, port, now + share).await {
                Ok(stream) => return Ok(stream),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        // A lookup that succeeds has found an address.
        let unknown = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port);
        Err(first.unwrap_or(DialError::Timeout { to: unknown }))
    }

    async fn connect(&self, ip: IpAddr, port: u16, until: Instant) -> Result<Stream, DialError> {
        let to = SocketAddr::new(ip, port);
        match timeout_at(until, Network::connect(&*self.doors.network, to)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(source)) => Err(DialError::Connect { to, source }),
            Err(_) => Err(DialError::Timeout { to }),
        }
    }
}

/// The share of the remaining time for the next of `addresses`.
fn share(left: Duration, addresses: usize) -> Duration {
    let equal = left / u32::try_from(addresses).unwrap_or(u32::MAX).max(1);
    equal.max(SHORTEST_TRY).min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_share_the_time_but_none_gets_too_little_of_it() {
        let seconds = Duration::from_secs;
        let cases = [
            (seconds(30), 1, seconds(30)),
            (seconds(30), 3, seconds(10)),
            (seconds(10), 8, seconds(2)),
            (seconds(1), 2, seconds(1)),
        ];
        for (left, addresses, expected) in cases {
            assert_eq!(share(left, addresses), expected, "{left:?} {addresses}");
        }
    }
}
