//! Which faults are active for a listener, a connection or a request, by time, address and count.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use cluster_format::{
    BodyFault, CertificateFault, Faults, SampleFault, TlsFault, TransferFault, Trickle, When,
};
use jiff::Timestamp;
use net::{Clock, Random};
use tokio::time::Instant;

/// Faults from the moment they were set, and what was counted since.
pub(crate) struct ActiveFaults {
    faults: Faults,
    since: Instant,
    since_wall: Timestamp,
    connections: AtomicU64,
    requests: AtomicU64,
    random: Random,
}

/// The faults of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionFaults {
    pub(crate) refuse: bool,
    pub(crate) silence: bool,
    pub(crate) cut_after: Option<u64>,
    pub(crate) trickle: Option<Trickle>,
    pub(crate) tls: Option<TlsFault>,
    pub(crate) certificate: BTreeSet<CertificateFault>,
}

/// The faults of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFaults {
    pub(crate) delay: Option<Duration>,
    pub(crate) status: Option<u16>,
    pub(crate) redirect: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) transfer: Option<TransferFault>,
    pub(crate) body: Option<BodyFault>,
    pub(crate) samples: Option<SampleFault>,
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
        for fault in all.iter().filter_map(|faults| faults.certificate) {
            let with = certificates.iter().cloned().map(|mut others: BTreeSet<_>| {
                others.insert(fault);
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
    pub(crate) fn for_listener(&self, ip: IpAddr) -> ConnectionFaults {
        self.connection_faults(ip, |_| true)
    }

    /// Faults of the next connection.
    pub(crate) fn for_connection(&self, ip: IpAddr) -> ConnectionFaults {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        self.connection_faults(ip, |when| when.includes(number, || self.random.u16()))
    }

    /// Faults of the next request.
    pub(crate) fn for_request(&self, ip: IpAddr) -> RequestFaults {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut active = RequestFaults {
            delay: None,
            status: None,
            redirect: None,
            content_type: None,
            transfer: None,
            body: None,
            samples: None,
            samples_since: self.since_wall,
        };
        for (faults, begun) in self.active(ip, |when| when.includes(number, || self.random.u16())) {
            active.delay = faults.delay.map(|delay| delay.0).or(active.delay);
            active.status = faults.status.or(active.status);
            active.redirect = faults.redirect.clone().or(active.redirect);
            active.content_type = faults.content_type.clone().or(active.content_type);
            active.transfer = faults.transfer.or(active.transfer);
            active.body = faults.body.or(active.body);
            if let Some(samples) = faults.samples {
                active.samples = Some(samples);
                active.samples_since =
                    self.since_wall.saturating_add(begun).unwrap_or(Timestamp::MAX);
            }
        }
        active
    }

    /// Waits until [`ActiveFaults::for_listener`] is no longer `before`.
    pub(crate) async fn listener_changed(&self, ip: IpAddr, before: &ConnectionFaults) {
        loop {
            let passed = self.since.elapsed();
            let all = self.faults.all();
            let changes = all.iter().filter_map(|faults| faults.schedule().next_change(passed));
            let Some(next) = changes.min() else { return std::future::pending().await };
            tokio::time::sleep_until(self.since + next).await;
            if self.for_listener(ip) != *before {
                return;
            }
        }
    }

    fn connection_faults(&self, ip: IpAddr, includes: impl Fn(&When) -> bool) -> ConnectionFaults {
        let mut active = ConnectionFaults::default();
        for (faults, _) in self.active(ip, includes) {
            active.refuse |= faults.refuse;
            active.silence |= faults.silence;
            active.cut_after = faults.cut_after.or(active.cut_after);
            active.trickle = faults.trickle.or(active.trickle);
            active.tls = faults.tls.or(active.tls);
            active.certificate.extend(faults.certificate);
        }
        active
    }

    /// The faults that are active at an address, in order, and since when after they were set.
    fn active(
        &self,
        ip: IpAddr,
        includes: impl Fn(&When) -> bool,
    ) -> impl Iterator<Item = (&Faults, Duration)> {
        let passed = self.since.elapsed();
        self.faults.all().into_iter().filter_map(move |faults| {
            let begun = faults.schedule().active_since(passed)?;
            let here = faults.at.as_ref().is_none_or(|at| at.iter().any(|it| it.0 == ip));
            (here && faults.when.as_ref().is_none_or(&includes)).then_some((faults, begun))
        })
    }
}
