use std::sync::Arc;

use rustls::{Error, RootCertStore, pki_types::CertificateDer};

/// Trusted certificates: whole, since what they say of
/// themselves is asked of them when they are to be found in what they have signed.
#[derive(Clone, Debug)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    anchors: Arc<RootCertStore>,
}

// === impl Authorities ===

impl Default for Authorities {
    /// None.
    fn default() -> Self {
        Self { certificates: Vec::new(), anchors: Arc::new(RootCertStore::empty()) }
    }
}

impl Authorities {
    /// Fails when one of `certificates` cannot be read.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, Error> {
        let mut anchors = RootCertStore::empty();
        for certificate in &certificates {
            anchors.add(certificate.clone())?;
        }
        Ok(Self { certificates, anchors: Arc::new(anchors) })
    }

    /// Whether this very certificate is one of them.
    pub(super) fn contain(&self, certificate: &CertificateDer<'_>) -> bool {
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
