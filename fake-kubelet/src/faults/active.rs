//! Which faults are active for a listener, a connection or a request, by time, address and count.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use net::{Clock, Random};
use tokio::time::Instant;

use super::{CertificateFault, Faults, TlsFault, When};

/// Faults from the moment they were set, and what was counted since.
pub(crate) struct ActiveFaults {
    faults: Faults,
    since: Instant,
    since_wall: Timestamp,
    connections: AtomicU64,
    requests: AtomicU64,
    random: Random,
}

/// The faults of one request or one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFaults {
    pub(crate) faults: Faults,
    /// Since when samples are wrong.
    pub(crate) samples_since: Timestamp,
}

// === impl ActiveFaults ===

impl ActiveFaults {
    pub(crate) fn new(faults: Faults, clock: &Clock, random: Random) -> Self {
        Self {
            faults,
            since: Instant::now(),
            since_wall: clock.now(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            random,
        }
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The TLS configurations that are needed: the certificate's faults, and whether a client
    /// certificate is demanded.
    pub(crate) fn tls_variants(&self) -> BTreeSet<(BTreeSet<CertificateFault>, bool)> {
        let all = self.faults.all();
        // Whichever of them come together: there are few.
        let mut certificates = BTreeSet::from([BTreeSet::new()]);
        for fault in all.iter().flat_map(|faults| &faults.certificate) {
            let with = certificates.iter().cloned().map(|mut others: BTreeSet<_>| {
                others.insert(*fault);
                others
            });
            certificates.extend(with.collect::<Vec<_>>());
        }
        let demands = all.iter().any(|faults| faults.tls == Some(TlsFault::ClientCertificate));
        certificates
            .into_iter()
            .flat_map(|certificate| [(certificate.clone(), false), (certificate, true)])
            .filter(|(_, demanded)| demands || !demanded)
            .collect()
    }

    /// Faults of connections at this address now, as far as time and address decide.
    pub(crate) fn for_listener(&self, ip: IpAddr) -> Faults {
        self.resolve(ip, |_| true).faults.connection_faults()
    }

    /// Faults of the next connection.
    pub(crate) fn for_connection(&self, ip: IpAddr) -> Faults {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        self.resolve(ip, |when| self.draw(when, number)).faults.connection_faults()
    }

    /// Faults of the next request.
    pub(crate) fn for_request(&self, ip: IpAddr) -> RequestFaults {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        self.resolve(ip, |when| self.draw(when, number))
    }

    /// Waits until [`ActiveFaults::for_listener`] is no longer `before`.
    pub(crate) async fn listener_changed(&self, ip: IpAddr, before: &Faults) {
        loop {
            let passed = self.since.elapsed();
            let all = self.faults.all();
            let Some(next) = all.iter().filter_map(|f| f.when.next_change(passed)).min() else {
                return std::future::pending().await;
            };
            tokio::time::sleep_until(self.since + next).await;
            if self.for_listener(ip) != *before {
                return;
            }
        }
    }

    fn draw(&self, when: &When, number: u64) -> bool {
        when.is_turn(number)
            && when.probability.is_none_or(|probability| probability.happens(self.random.u16()))
    }

    fn resolve(&self, ip: IpAddr, is_due: impl Fn(&When) -> bool) -> RequestFaults {
        let passed = self.since.elapsed();
        let mut active =
            RequestFaults { faults: Faults::default(), samples_since: self.since_wall };
        for faults in self.faults.all() {
            let here = faults.at.is_empty() || faults.at.contains(&ip);
            let Some(begun) = faults.when.is_time(passed) else { continue };
            if here && is_due(&faults.when) {
                active.faults.add(faults);
                if faults.samples.is_some() {
                    active.samples_since = later(self.since_wall, begun);
                }
            }
        }
        active
    }
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    moment.saturating_add(by).unwrap_or(Timestamp::MAX)
}
