//! What a kubelet does wrong on purpose.

use std::{net::IpAddr, time::Duration};

use fake_kubelet::Probability;
pub use fake_kubelet::{BodyFault, CertificateFault, TlsFault, TransferFault};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::values::In;

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
    /// Not for the first so many requests (connections, for faults of TCP and TLS). Default: 0.
    pub after_requests: Option<u64>,
    /// For no more than so many of them. Default: for all.
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
