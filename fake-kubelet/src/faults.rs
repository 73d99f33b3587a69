//! What a kubelet does wrong on purpose.

use std::time::Duration;

use serde::Deserialize;

/// Faults of a kubelet; they compose. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Nothing listens: connections are refused.
    pub refuse: bool,
    /// Connections are accepted and nothing is ever said, not even of TLS.
    pub silence: bool,
    /// Every answer comes this much later.
    #[serde(deserialize_with = "crate::config::some_go_duration")]
    pub delay: Option<Duration>,
    /// Every answer has this status, whoever asks.
    pub status: Option<u16>,
    /// What is wrong with the body.
    pub body: Option<BodyFault>,
    /// What is wrong with the serving certificate.
    pub certificate: Option<CertificateFault>,
}

/// What can be wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum BodyFault {
    /// Not metrics at all.
    Garbage,
}

/// What can be wrong with a serving certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// It has the names of the node, but none of its IP addresses.
    #[serde(rename = "NoIPSAN")]
    NoIpSan,
    /// Signed by a CA that nobody knows.
    #[serde(rename = "UnknownCA")]
    UnknownCa,
}

// === impl BodyFault ===

impl BodyFault {
    /// The body that is sent instead of the right one.
    pub fn body(self) -> &'static str {
        match self {
            Self::Garbage => "<html><head><title>It works!</title></head></html>\n",
        }
    }
}
