//! Certificates of kubelets and of the cluster around them, the wrong ones included.
//!
//! Keys are P-256 where nothing else is asked for, and one key pair serves all kubelets of a fleet: a
//! thousand certificates take a thousand signatures, but no thousand keys.

mod authority;
mod keys;
mod signing;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use cluster_format::{CertificateFault, CertificateKind, X509};
use jiff::Timestamp;
use pem::{EncodeConfig, LineEnding, Pem};
use rcgen::{ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub use self::authority::Authority;
use self::{keys::Keys, signing::sign};

const HOUR: Duration = Duration::from_hours(1);
/// The name that kubeadm gives to the CA of a cluster.
const CLUSTER_CA: &str = "kubernetes";
const YEAR: Duration = Duration::from_hours(365 * 24);

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to make a certificate for {subject:?}: {source}")]
pub struct CertificateError {
    subject: String,
    source: rcgen::Error,
}

/// A certificate, those that lead to its CA, and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<KeyPair>,
}

/// Who a certificate is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Common name: of a client certificate the user's name.
    pub common_name: String,
    /// Organization: of a client certificate the user's group.
    pub organization: Option<String>,
    /// DNS names it is valid for.
    pub names: Vec<String>,
    /// IP addresses it is valid for.
    pub addresses: Vec<IpAddr>,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validity {
    /// From.
    pub not_before: Timestamp,
    /// Until.
    pub not_after: Timestamp,
}

/// All that certificates of a cluster are made with.
#[derive(Debug)]
pub struct Certificates {
    cluster: Authority,
    other: Authority,
    /// Who signs the certificates of clients.
    clients: Vec<CertificateDer<'static>>,
    unknown: Authority,
    /// The cluster's before it was replaced.
    replaced: Authority,
    /// The key of all kubelets' CAs of their own.
    own_ca: KeyPair,
    /// Of all kubelets.
    keys: Keys,
}

// === impl Certificates ===

impl Certificates {
    /// Makes the cluster's CA, valid for ten years from the hour before `now`.
    pub fn new(now: Timestamp) -> Result<Self, CertificateError> {
        let cluster = Authority::new(CLUSTER_CA, now)?;
        Ok(Self {
            clients: vec![cluster.certificate().clone()],
            cluster,
            other: Authority::new("kubelets", now)?,
            unknown: Authority::new("nobody-knows", now)?,
            replaced: Authority::new(CLUSTER_CA, now)?,
            own_ca: KeyPair::generate()
                .map_err(|source| CertificateError::new("a fleet of kubelets", source))?,
            keys: Keys::default(),
        })
    }

    /// The same for kubelets that verify client certificates with these CAs, as with the real one's
    /// `--client-ca-file`.
    #[must_use]
    pub fn with_client_authorities(mut self, clients: Vec<CertificateDer<'static>>) -> Self {
        self.clients = clients;
        self
    }

    /// Who signs the certificates of clients.
    pub(crate) fn clients(&self) -> &[CertificateDer<'static>] {
        &self.clients
    }

    /// The cluster's CA.
    pub fn cluster(&self) -> &Authority {
        &self.cluster
    }

    /// A CA beside the cluster's.
    pub fn other(&self) -> &Authority {
        &self.other
    }

    /// A CA that no client trusts.
    pub fn unknown(&self) -> &Authority {
        &self.unknown
    }

    /// The serving certificate that a kubelet has from `now` on, in this form. `names` and
    /// `addresses` are the node's; a self-signed certificate is for the node's own name alone.
    pub fn kubelet(
        &self,
        node: &str,
        kind: CertificateKind,
        x509: X509,
        (names, addresses): (&[String], &[IpAddr]),
        faults: &BTreeSet<CertificateFault>,
        now: Timestamp,
    ) -> Result<Identity, CertificateError> {
        let has = |fault| faults.contains(&fault);
        let validity = if has(CertificateFault::Expired) {
            Validity::year_until_an_hour_before(now)
        } else if has(CertificateFault::NotYetValid) {
            Validity::year_from_an_hour_after(now)
        } else {
            Validity::year_from_an_hour_before(now)
        };
        let other_name = has(CertificateFault::OtherName);
        let authority = match kind {
            _ if has(CertificateFault::UnknownCa) => &self.unknown,
            _ if has(CertificateFault::ReplacedCa) => &self.replaced,
            CertificateKind::SelfSigned if !other_name => {
                return self.self_signed(node, x509, validity, now);
            }
            CertificateKind::SelfSigned | CertificateKind::Signed => &self.cluster,
            CertificateKind::SignedByOtherCa => &self.other,
        };
        let (names, addresses) = if other_name {
            (vec!["other.example.com".to_owned()], vec![Ipv4Addr::LOCALHOST.into()])
        } else if has(CertificateFault::NoIpSan) {
            (names.to_vec(), Vec::new())
        } else {
            (names.to_vec(), addresses.to_vec())
        };
        let subject = Subject {
            common_name: format!("system:node:{node}"),
            organization: Some("system:nodes".to_owned()),
            names,
            addresses,
        };
        let key =
            self.keys.get(x509.key()).map_err(|source| CertificateError::new(node, source))?;
        authority.serving_with(key, &subject, validity, x509)
    }

    /// As client-go's `cert.GenerateSelfSignedCertKey` makes it for the kubelet: a CA of its own
    /// signs, both carry the moment they were made, and the kubelet shows both. But for the keys: the
    /// real ones are RSA of 2048 bits, which take a tenth of a second each to make.
    fn self_signed(
        &self,
        node: &str,
        x509: X509,
        validity: Validity,
        now: Timestamp,
    ) -> Result<Identity, CertificateError> {
        let made = now.as_second();
        let failed = |source| CertificateError::new(node, source);
        let ca_name = format!("{node}-ca@{made}");
        let ca = Subject { common_name: ca_name.clone(), ..Subject::default() };
        let ca = authority::ca_params(&ca, validity).map_err(failed)?;
        let ca_certificate = ca.self_signed(&self.own_ca).map_err(failed)?;
        let subject = Subject {
            common_name: format!("{node}@{made}"),
            names: vec![node.to_owned()],
            ..Subject::default()
        };
        let issuer = Issuer::from_params(&ca, &self.own_ca);
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        let params = authority::leaf_params(&subject, validity, purpose).map_err(failed)?;
        let key = self.keys.get(x509.key()).map_err(failed)?;
        let certificate = sign(&params, &key, &issuer, x509.version()).map_err(failed)?;
        let mut chain = vec![certificate, ca_certificate.der().clone()];
        chain.extend(authority::impostors(&ca_name, validity, x509.intermediates)?);
        Ok(Identity { chain, key })
    }
}

// === impl Identity ===

impl Identity {
    /// The certificates to show, leaf first.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The same in PEM.
    pub fn chain_pem(&self) -> String {
        let pem: Vec<_> =
            self.chain.iter().map(|der| Pem::new("CERTIFICATE", der.as_ref())).collect();
        pem::encode_many_config(&pem, EncodeConfig::new().set_line_ending(LineEnding::LF))
    }

    /// The key of the first certificate.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The same in PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

// === impl Validity ===

impl Validity {
    /// A year that began an hour before `now`, as kubelets and Kubernetes' signers do.
    pub fn year_from_an_hour_before(now: Timestamp) -> Self {
        let not_before = now - HOUR;
        Self { not_before, not_after: not_before + YEAR }
    }

    /// A year that begins an hour after `now`.
    pub fn year_from_an_hour_after(now: Timestamp) -> Self {
        let not_before = now + HOUR;
        Self { not_before, not_after: not_before + YEAR }
    }

    /// A year that was over an hour before `now`.
    pub fn year_until_an_hour_before(now: Timestamp) -> Self {
        let not_after = now - HOUR;
        Self { not_before: not_after - YEAR, not_after }
    }
}

// === impl CertificateError ===

impl CertificateError {
    fn new(subject: &str, source: rcgen::Error) -> Self {
        Self { subject: subject.to_owned(), source }
    }
}

#[cfg(test)]
mod tests;
