//! A bundle of CA certificates in PEM.

use std::{sync::Arc, time::Duration};

use net::{Clock, DynamicFile, FileError, FileKind, FileSource, Files};
use rustls::{
    Error,
    pki_types::{CertificateDer, UnixTime},
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{
    pem, provider,
    x509::{Authorities, Chain, Usage, X509Error, check_length},
};

/// CA certificates that verify client certificates.
#[derive(Clone, Debug)]
pub struct Bundle {
    pem: Arc<str>,
    authorities: Authorities,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Text that is no bundle of CAs.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not PEM, or without a certificate.
    #[error("{0}")]
    Pem(String),
    /// Something in it is no CA.
    #[error("a certificate in it cannot be used: {0}")]
    Certificate(#[from] Error),
    /// They cannot be used together.
    #[error("its certificates cannot be used: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

// === impl Bundle ===

impl Bundle {
    /// Follows the file `source`.
    pub fn open(
        files: &Files,
        kind: FileKind,
        source: FileSource,
    ) -> Result<DynamicFile<Self>, FileError> {
        files.open(kind, vec![source], |content| {
            let text = String::from_utf8_lossy(&content[0]);
            Self::parse(&text).map_err(|error| error.to_string().into())
        })
    }

    /// Reads PEM certificates.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let certificates = pem::certificates(text.as_bytes()).map_err(BundleError::Pem)?;
        let authorities = Authorities::new(certificates)?;
        let anchors = authorities.anchors().clone();
        let verifier = WebPkiClientVerifier::builder_with_provider(anchors, provider()).build()?;
        Ok(Self { pem: text.into(), authorities, verifier })
    }

    /// Whether it was made of this text.
    pub fn is(&self, text: &str) -> bool {
        *self.pem == *text
    }

    /// Whether both are the same bundle, read once.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pem, &other.pem)
    }

    /// Verifies the certificates of a client, its own first, as of now.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'static>],
        clock: &Clock,
    ) -> Result<(), X509Error> {
        let [leaf, intermediates @ ..] = chain else { return Err(X509Error::UnknownAuthority) };
        check_length(intermediates)?;
        let seconds = u64::try_from(clock.now().as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.verifier.verify_client_cert(leaf, intermediates, now).map(drop).map_err(|error| {
            let error = X509Error::Other(error.to_string());
            self.in_gos_words(leaf, intermediates, now).err().unwrap_or(error)
        })
    }

    /// What Go has against a client's certificates, if anything.
    fn in_gos_words(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), X509Error> {
        let Ok((_, leaf)) = X509Certificate::from_der(leaf) else { return Ok(()) };
        let provider = provider();
        let chain = Chain::new(&self.authorities, Usage::Client, now, &provider);
        chain.check_alone(&leaf)?;
        chain.verify(&leaf, intermediates)
    }
}
