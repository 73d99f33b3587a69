//! What a kubelet does wrong on purpose.

mod active;
mod body;
mod when;

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

pub(crate) use self::active::{ActiveFaults, RequestFaults};
pub use self::{
    body::BodyFault,
    when::{Probability, ProbabilityError, When},
};

/// Faults of a kubelet; they compose. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Nothing listens: connections are refused.
    pub refuse: bool,
    /// Connections are accepted and nothing is ever said, not even of TLS.
    pub silence: bool,
    /// Connections break after so many bytes to the client, TLS included.
    pub cut_after: Option<u64>,
    /// Bytes to the client come little by little, TLS included.
    pub trickle: Option<Trickle>,
    /// How TLS fails.
    pub tls: Option<TlsFault>,
    /// What is wrong with the serving certificate: of faults that come together, all of it.
    #[serde(deserialize_with = "one")]
    #[schemars(with = "Option<CertificateFault>")]
    pub certificate: BTreeSet<CertificateFault>,
    /// Every answer comes this much later.
    #[serde(deserialize_with = "crate::config::some_go_duration")]
    #[schemars(with = "Option<String>")]
    pub delay: Option<Duration>,
    /// Every answer has this status, whoever asks.
    pub status: Option<u16>,
    /// Every answer sends the client to this URL or path, with status 302 unless `status` says
    /// otherwise.
    pub redirect: Option<String>,
    /// What answers call themselves.
    pub content_type: Option<String>,
    /// What is wrong with how answers are sent.
    pub transfer: Option<TransferFault>,
    /// What is wrong with the body.
    pub body: Option<BodyFault>,
    /// What is wrong with the samples' times and counters.
    pub samples: Option<SampleFault>,
    /// When these faults are there. Default: always.
    pub when: When,
    /// At which of the kubelet's addresses they are there. Default: at all.
    pub at: Vec<IpAddr>,
    /// Further faults, each with a time and place of its own. Where two say the same thing
    /// differently, the later one counts.
    pub also: Vec<Faults>,
}

/// Few bytes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trickle {
    /// How many bytes at a time.
    pub bytes: u32,
    /// How far apart they come.
    #[serde(deserialize_with = "crate::config::go_duration")]
    #[schemars(with = "String")]
    pub every: Duration,
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
    /// Signed by a CA that nobody knows.
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
    /// Compressed, although nobody asked for it.
    Gzip,
    /// A mebibyte that unfolds to a gibibyte, although nobody asked for it.
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

/// What can be wrong with samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SampleFault {
    /// Their times lie this far ahead of the truth.
    #[serde(deserialize_with = "crate::config::go_duration")]
    #[schemars(with = "String")]
    pub ahead: Duration,
    /// Their times lie this far behind the truth.
    #[serde(deserialize_with = "crate::config::go_duration")]
    #[schemars(with = "String")]
    pub behind: Duration,
    /// No new ones are taken: what was measured last is served again and again.
    pub frozen: bool,
    /// They carry no times.
    pub untimed: bool,
    /// Counters began anew at zero when the fault did, though nothing has restarted.
    pub reset: bool,
}

fn one<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<CertificateFault>, D::Error> {
    Ok(Option::<CertificateFault>::deserialize(from)?.into_iter().collect())
}

// === impl Faults ===

impl Faults {
    /// Whether anything of it is ever there.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// These and all further ones.
    pub(crate) fn all(&self) -> Vec<&Self> {
        let further = self.also.iter().flat_map(Self::all);
        std::iter::once(self).chain(further).collect()
    }

    /// Takes over what `other` does wrong, time and place apart.
    fn add(&mut self, other: &Self) {
        fn over<T: Clone>(mine: &mut Option<T>, other: Option<&T>) {
            if let Some(other) = other {
                *mine = Some(other.clone());
            }
        }
        self.refuse |= other.refuse;
        self.silence |= other.silence;
        over(&mut self.cut_after, other.cut_after.as_ref());
        over(&mut self.trickle, other.trickle.as_ref());
        over(&mut self.tls, other.tls.as_ref());
        self.certificate.extend(&other.certificate);
        over(&mut self.delay, other.delay.as_ref());
        over(&mut self.status, other.status.as_ref());
        over(&mut self.redirect, other.redirect.as_ref());
        over(&mut self.content_type, other.content_type.as_ref());
        over(&mut self.transfer, other.transfer.as_ref());
        over(&mut self.body, other.body.as_ref());
        over(&mut self.samples, other.samples.as_ref());
    }

    /// What of it concerns connections rather than requests.
    fn connection_faults(&self) -> Self {
        Self {
            refuse: self.refuse,
            silence: self.silence,
            cut_after: self.cut_after,
            trickle: self.trickle,
            tls: self.tls,
            certificate: self.certificate.clone(),
            ..Self::default()
        }
    }
}
