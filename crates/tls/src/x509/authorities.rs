use std::sync::Arc;

use rustls::{RootCertStore, pki_types::CertificateDer};

/// Trusted certificates: kept whole, because their own fields are checked again when they are found
/// as an issuer.
#[derive(Clone, Debug)]
pub struct Authorities {
    certificates: Arc<[CertificateDer<'static>]>,
    anchors: Arc<RootCertStore>,
}

// === impl Authorities ===

impl Default for Authorities {
    /// None.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Authorities {
    /// Trusts `certificates`, also those that webpki cannot read.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        let mut anchors = RootCertStore::empty();
        anchors.add_parsable_certificates(certificates.iter().cloned());
        Self { certificates: certificates.into(), anchors: Arc::new(anchors) }
    }

    /// Whether this very certificate is one of them.
    pub(crate) fn contain(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|known| known == certificate)
    }

    /// What webpki needs of them.
    pub fn anchors(&self) -> &Arc<RootCertStore> {
        &self.anchors
    }

    pub(super) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}
