//! What a kubelet does wrong on purpose.

use std::{net::IpAddr, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    schedule::Schedule,
    values::{In, Probability},
};

/// What a kubelet does wrong on purpose. Faults compose: what is said together happens together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Faults {
    /// Nothing listens: connections are refused.
    #[serde(default)]
    pub refuse: bool,
    /// Connections are accepted and nothing is ever said.
    #[serde(default)]
    pub silence: bool,
    /// Connections break after this many bytes to the client, those of TLS included.
    pub cut_after: Option<u64>,
    /// Bytes come to the client little by little, those of TLS included.
    pub trickle: Option<Trickle>,
    /// How TLS fails.
    pub tls: Option<TlsFault>,
    /// What is wrong with the serving certificate.
    pub certificate: Option<CertificateFault>,
    /// Every answer comes this much later.
    pub delay: Option<In<Duration>>,
    /// Every answer has this status, such as 401, 403 or 500.
    pub status: Option<u16>,
    /// Every answer sends the client to this path or URL. The status is 302, unless `status` is
    /// another of 300 to 399.
    pub redirect: Option<String>,
    /// The `Content-Type` of every answer.
    pub content_type: Option<String>,
    /// What is wrong with how answers are sent.
    pub transfer: Option<TransferFault>,
    /// What is wrong with the body.
    pub body: Option<BodyFault>,
    /// What is wrong with the times and counters of samples.
    pub samples: Option<SampleFault>,
    /// When it happens. Default: always.
    pub when: Option<When>,
    /// At which of the kubelet's IP addresses it happens. Default: at all.
    pub at: Option<Vec<In<IpAddr>>>,
    /// What it does wrong besides, each with a time and place of its own. Where two say the same
    /// thing differently, the later one counts; but all that is said to be wrong with the
    /// certificate is wrong with it at once.
    #[serde(default)]
    pub also: Vec<Faults>,
}

/// When faults happen. All conditions must hold; times count from the moment the faults are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct When {
    /// Not before this long. Default: 0s.
    pub after: Option<In<Duration>>,
    /// No longer than this. Default: for good.
    #[serde(rename = "for")]
    pub for_: Option<In<Duration>>,
    /// Again, each time this long after the last time began. Default: never again.
    pub every: Option<In<Duration>>,
    /// Not for this number of requests at first (connections, for faults of TCP and TLS). Default: 0.
    pub after_requests: Option<u64>,
    /// For this number of them at most. Default: for all.
    pub for_requests: Option<u64>,
    /// For each of them with this probability, by the scenario's seed. Default: 1.
    pub probability: Option<In<Probability>>,
}

/// Few bytes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trickle {
    /// How many bytes at a time.
    pub bytes: u32,
    /// How far apart they come.
    pub every: In<Duration>,
}

/// What can be wrong with samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SampleFault {
    /// Their times lie this far ahead of the truth.
    pub ahead: Option<In<Duration>>,
    /// Their times lie this far behind the truth.
    pub behind: Option<In<Duration>>,
    /// No new ones are taken: what was measured last is served again and again.
    #[serde(default)]
    pub frozen: bool,
    /// They carry no times.
    #[serde(default)]
    pub untimed: bool,
    /// Counters begin anew at zero when the fault does, though no container has restarted.
    #[serde(default)]
    pub reset: bool,
}

/// How TLS can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum TlsFault {
    /// The kubelet has no certificate to show, as before its CSR is approved: it ends the handshake
    /// with the alert `internal error`.
    InternalError,
    /// It demands a certificate of the client, signed by the cluster's CA.
    ClientCertificate,
    /// It speaks HTTP without TLS.
    Plaintext,
}

/// What can be wrong with a serving certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for `other.example.com` and 127.0.0.1.
    OtherName,
    /// It has the names of the node, but none of its IP addresses.
    #[serde(rename = "NoIPSAN")]
    NoIpSan,
    /// Signed by a CA that no client trusts.
    #[serde(rename = "UnknownCA")]
    UnknownCa,
    /// Signed by the CA that the cluster had before: it has the same name and another key.
    #[serde(rename = "ReplacedCA")]
    ReplacedCa,
}

/// What can be wrong with how an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TransferFault {
    /// The connection is closed where an answer is due.
    NoAnswer,
    /// Compressed, although the request did not ask for it.
    Gzip,
    /// A mebibyte that unfolds to a gibibyte, although the request did not ask for it.
    GzipBomb,
    /// Closed after half of the bytes that `Content-Length` announces.
    CutShort,
    /// In chunks, and closed after half of the bytes, before the last chunk.
    CutChunks,
    /// In chunks without end: the right body over and over.
    Endless,
    /// A tebibyte, announced by `Content-Length`: the right body over and over.
    Gigantic,
}

/// What can be wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum BodyFault {
    /// Not metrics at all, but a web page.
    Garbage,
    /// Nothing at all.
    Empty,
    /// There is no `/metrics/resource`, as in kubelets before 1.14: 404.
    NotFound,
    /// Nothing but `resource_scrape_error 1` and `scrape_error 1`: the kubelet could not measure.
    OnlyScrapeError,
    /// The families of CPU are missing.
    #[serde(rename = "NoCPU")]
    NoCpu,
    /// The families of memory are missing.
    NoMemory,
    /// The family of start times is missing.
    NoStartTimes,
    /// The node's own families are missing.
    NoNode,
    /// All families of containers and pods are missing.
    NoPods,
    /// CPU and memory of everything are 0.
    Zeros,
    /// CPU and memory of everything are not numbers.
    #[serde(rename = "NaN")]
    NaN,
    /// CPU and memory of everything are infinite.
    Infinite,
    /// CPU and memory of everything are less than 0.
    Negative,
    /// Each container is there a second time under the name `q"b\s`, a line break, `n}{,=`.
    Escapes,
    /// Every series is there twice.
    Duplicates,
    /// Every series of a container is there twice, the second time with half of CPU and memory, as
    /// where the cgroup of its last run is left over.
    ConflictingDuplicates,
    /// Series of containers have no labels.
    NoLabels,
    /// Series of containers do not say of which container.
    NoContainerLabel,
    /// One line in the middle is none of the format.
    BadLine,
}

// === impl Faults ===

impl Faults {
    /// These and all further ones, in order.
    pub fn all(&self) -> Vec<&Self> {
        let further = self.also.iter().flat_map(Self::all);
        std::iter::once(self).chain(further).collect()
    }

    /// When these are active, apart from the further ones.
    pub fn schedule(&self) -> Schedule {
        let when = self.when.unwrap_or_default();
        Schedule { after: when.after, for_: when.for_, every: when.every }
    }
}

// === impl When ===

impl When {
    /// Whether faults are there for the request or connection with this number, counted from 0, by
    /// 16 random bits.
    pub fn includes(self, number: u64, random: impl FnOnce() -> u16) -> bool {
        let counted = number
            .checked_sub(self.after_requests.unwrap_or_default())
            .is_some_and(|number| self.for_requests.is_none_or(|most| number < most));
        counted && self.probability.is_none_or(|probability| probability.0.happens(random()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_from_zero() {
        let when = When { after_requests: Some(2), for_requests: Some(3), ..When::default() };
        let included: Vec<_> = (0..10).filter(|number| when.includes(*number, || 0)).collect();
        assert_eq!(included, [2, 3, 4]);
    }
}
