//! Which certificate is shown to whom.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tls::key_pair::KeyPair;
use tokio::sync::watch;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

/// The certificates of this moment.
#[derive(Debug)]
pub(super) struct NamedCertificates {
    default: Arc<CertifiedKey>,
    by_name: BTreeMap<String, Arc<CertifiedKey>>,
}

/// Shows each client the certificate for the name that it asks for. What holds is looked up for
/// each handshake, so that a renewed certificate counts at once.
#[derive(Debug)]
pub(super) struct CertificateResolver(pub(super) watch::Receiver<Arc<NamedCertificates>>);

// === impl NamedCertificates ===

impl NamedCertificates {
    /// As the Go server: names that are given outdo names in certificates, and of several
    /// certificates for a name the first one counts.
    pub(super) fn by_name(default: Arc<CertifiedKey>, named: &[KeyPair]) -> Self {
        let mut by_name = BTreeMap::new();
        let given = named.iter().flat_map(|pair| pair.names().iter().map(move |name| (name, pair)));
        for (name, pair) in given {
            by_name.entry(name.to_ascii_lowercase()).or_insert_with(|| pair.shown());
        }
        for pair in named.iter().filter(|pair| pair.names().is_empty()) {
            for name in names_in(&pair.shown()) {
                by_name.entry(name).or_insert_with(|| pair.shown());
            }
        }
        Self { default, by_name }
    }

    fn of(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let found = name.map(str::to_ascii_lowercase).and_then(|name| {
            // A wildcard stands for one label, as in Go.
            let wildcard = || name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
            self.by_name
                .get(&name)
                .or_else(|| wildcard().and_then(|wildcard| self.by_name.get(&wildcard)))
        });
        found.unwrap_or(&self.default).clone()
    }
}

/// The common name, where it is a name, and the DNS names. Clients do not ask for addresses by
/// name.
fn names_in(certified: &CertifiedKey) -> Vec<String> {
    let Some(leaf) = certified.cert.first() else { return Vec::new() };
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else { return Vec::new() };
    let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let common = common.filter(|name| is_domain(name));
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|names| &names.value.general_names);
    let alternative = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    common.chain(alternative).map(str::to_ascii_lowercase).collect()
}

fn is_domain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let labels = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<IpAddr>().is_err() && !labels.is_empty() && labels.chars().all(plain)
}

// === impl CertificateResolver ===

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.borrow().of(hello.server_name()))
    }
}
