//! The users that the server must answer during attacks.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::attacker::{FIRST_HOST, Speak, Target};

/// From the beginning of a visit to that of the next one.
const EVERY: Duration = Duration::from_millis(50);

/// An API server waits for so long, and longer.
const API_TIMEOUT: Duration = Duration::from_secs(10);

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// A kubelet with a liveness probe.
    Probe,
    /// The same from an address that attackers have too.
    ProbeBesideAttackers,
    /// An API server that forwards an autoscaler's requests.
    Api,
}

/// The results of a user's requests, over a fresh connection each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Visits {
    /// How often they failed, by reason.
    pub(super) failed: BTreeMap<String, u64>,
    /// How long those took that did not fail, the shortest first.
    pub(super) took: Vec<Duration>,
}

// === impl User ===

impl User {
    /// In the order of the table.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::Probe, Self::ProbeBesideAttackers, Self::Api].into_iter()
    }

    fn address(self) -> IpAddr {
        match self {
            Self::Probe => Ipv4Addr::new(127, 0, 0, 100).into(),
            Self::ProbeBesideAttackers => FIRST_HOST,
            Self::Api => Ipv4Addr::new(127, 0, 0, 101).into(),
        }
    }

    fn request(self) -> &'static str {
        match self {
            Self::Probe | Self::ProbeBesideAttackers => {
                "GET /livez HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n"
            }
            Self::Api => {
                "GET /apis/metrics.k8s.io/v1beta1/nodes/node-00000 HTTP/1.1\r\n\
                host: api\r\nx-remote-user: admin\r\nx-remote-group: system:masters\r\n\
                connection: close\r\n\r\n"
            }
        }
    }

    /// Visits the server again and again, from `first` on for so long, or until stopped.
    pub(super) async fn visit(
        self,
        target: &Target,
        first: Duration,
        duration: Duration,
        probe_timeout: Duration,
        stopped: &watch::Receiver<bool>,
    ) -> Visits {
        let patience = if self == Self::Api { API_TIMEOUT } else { probe_timeout };
        let mut visits = Visits::default();
        let mut next = Instant::now() + first;
        let end = next + duration;
        while next < end && !*stopped.borrow() {
            sleep_until(next).await;
            let began = Instant::now();
            match timeout(patience, self.ask(target)).await {
                Ok(Ok(())) => visits.took.push(began.elapsed()),
                Ok(Err(error)) => visits.failed(error.to_string()),
                Err(_) => visits.failed(format!("no answer within {patience:?}")),
            }
            next = (next + EVERY).max(Instant::now());
        }
        visits.took.sort_unstable();
        visits
    }

    async fn ask(self, target: &Target) -> io::Result<()> {
        let speak = if self == Self::Api { Speak::AsFrontProxy } else { Speak::Http1 };
        let mut stream = target.secure_from(self.address(), speak).await?;
        stream.write_all(self.request().as_bytes()).await?;
        let mut answer = Vec::new();
        // Go programs close connections without TLS's close_notify.
        match stream.read_to_end(&mut answer).await {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
        let first = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        if first == b"HTTP/1.1 200 OK" {
            Ok(())
        } else {
            Err(io::Error::other(String::from_utf8_lossy(first).into_owned()))
        }
    }
}

// === impl Visits ===

impl Visits {
    fn failed(&mut self, why: String) {
        *self.failed.entry(why).or_default() += 1;
    }

    /// How long that part of the visits took at most.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let last = self.took.len().saturating_sub(1);
        self.took.get((self.took.len() * percent / 100).min(last)).copied().unwrap_or_default()
    }
}
