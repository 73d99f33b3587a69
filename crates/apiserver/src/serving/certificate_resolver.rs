//! Chooses the certificate for each handshake.

use std::{net::IpAddr, sync::Arc};

use net::DynamicFile;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

/// A certificate and the names that it is shown for.
pub(super) struct NamedCertificate {
    certified: Arc<CertifiedKey>,
    names: Vec<String>,
}

/// Presents to each client the certificate for its server name (SNI), in its current version.
#[derive(Debug)]
pub(super) struct CertificateResolver {
    /// Shown where none is for the name.
    pub(super) default: DynamicFile<Arc<NamedCertificate>>,
    /// Of several for a name, the first one is shown.
    pub(super) named: Vec<DynamicFile<Arc<NamedCertificate>>>,
}

// === impl NamedCertificate ===

impl NamedCertificate {
    /// For `names`, and where none are given for those in it.
    pub(super) fn new(certified: CertifiedKey, names: Option<Vec<String>>) -> Self {
        let mut names = names.unwrap_or_else(|| names_in(&certified));
        for name in &mut names {
            name.make_ascii_lowercase();
        }
        Self { certified: Arc::new(certified), names }
    }
}

/// The common name, if it is a DNS name, and the DNS names. Clients send no IP addresses in SNI.
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
    common.chain(alternative).map(str::to_owned).collect()
}

fn is_domain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let labels = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<IpAddr>().is_err() && !labels.is_empty() && labels.chars().all(plain)
}

// === impl CertificateResolver ===

impl CertificateResolver {
    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let mut named = self.named.iter().map(DynamicFile::get);
        let found = named.find(|certificate| certificate.names.iter().any(|own| own == name))?;
        Some(found.certified.clone())
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().map(str::to_ascii_lowercase).and_then(|name| {
            // A wildcard matches one label, as in Go.
            let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
            self.find(&name).or_else(|| self.find(&wildcard?))
        });
        Some(found.unwrap_or_else(|| self.default.get().certified.clone()))
    }
}
