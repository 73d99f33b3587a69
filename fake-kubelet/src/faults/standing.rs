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
pub(crate) struct Standing {
    faults: Faults,
    since: Instant,
    since_wall: Timestamp,
    connections: AtomicU64,
    requests: AtomicU64,
    random: Random,
}

/// The faults that are there for one request or one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    pub(crate) faults: Faults,
    /// Since when samples are wrong.
    pub(crate) samples_since: Timestamp,
}

// === impl Standing ===

impl Standing {
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

    /// What TLS must be prepared for.
    pub(crate) fn tls_needed(&self) -> BTreeSet<(BTreeSet<CertificateFault>, bool)> {
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

    /// What anybody finds who connects now, as far as time and place decide.
    pub(crate) fn door(&self, place: IpAddr) -> Faults {
        self.resolve(place, |_| true).faults.of_connections()
    }

    /// What one who connects finds.
    pub(crate) fn of_connection(&self, place: IpAddr) -> Faults {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        self.resolve(place, |when| self.draw(when, number)).faults.of_connections()
    }

    /// What one who asks finds.
    pub(crate) fn of_request(&self, place: IpAddr) -> Active {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        self.resolve(place, |when| self.draw(when, number))
    }

    /// Waits until those who connect find something else than `door`.
    pub(crate) async fn changed_from(&self, place: IpAddr, door: &Faults) {
        loop {
            let passed = self.since.elapsed();
            let all = self.faults.all();
            let Some(next) = all.iter().filter_map(|f| f.when.next_change(passed)).min() else {
                return std::future::pending().await;
            };
            tokio::time::sleep_until(self.since + next).await;
            if self.door(place) != *door {
                return;
            }
        }
    }

    fn draw(&self, when: &When, number: u64) -> bool {
        when.is_turn(number)
            && when.probability.is_none_or(|probability| probability.happens(self.random.u16()))
    }

    fn resolve(&self, place: IpAddr, is_due: impl Fn(&When) -> bool) -> Active {
        let passed = self.since.elapsed();
        let mut active = Active { faults: Faults::default(), samples_since: self.since_wall };
        for faults in self.faults.all() {
            let here = faults.at.is_empty() || faults.at.contains(&place);
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
