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
};

/// The least that one of several addresses is given, as in Go.
const SHORTEST_TRY: Duration = Duration::from_secs(2);

/// Connects to hosts.
#[derive(Clone)]
pub struct Dialer {
    doors: Doors,
    resolver: Resolver,
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
}

// === impl Dialer ===

impl Dialer {
    /// A dialer that uses the network, clock and randomness of `doors`.
    pub fn new(doors: Doors, resolver: Resolver) -> Self {
        Self { doors, resolver }
    }

    /// Tries the host's addresses one after another until `deadline`, which they share. When all of
    /// them fail, the error is that of the first, the address that was preferred.
    pub async fn dial(
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
