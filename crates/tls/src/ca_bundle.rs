//! A bundle of CA certificates in PEM.

use std::{fmt, sync::Arc, time::Duration};

use net::{Clock, DynamicFile, FileError, FileKind, FileSource, Files};
use rustls::{
    pki_types::{CertificateDer, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{
    pem::Certificates,
    provider,
    x509::{Authorities, Chain, Usage, X509Error, check_length},
};

/// CA certificates that verify client certificates.
#[derive(Clone, Debug)]
pub struct Bundle {
    pem: Arc<str>,
    authorities: Authorities,
    /// webpki's, for those that it can read.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

// === impl Bundle ===

impl Bundle {
    /// Follows the file `source`.
    pub fn open(
        files: &Files,
        kind: FileKind,
        source: FileSource,
    ) -> Result<DynamicFile<Self>, FileError> {
        let place = source.path.display().to_string();
        files.open(kind, vec![source], move |content| {
            let text = String::from_utf8_lossy(&content[0]);
            Ok(Self::parse(&text, &place)?)
        })
    }

    /// Reads PEM certificates in `place`, a file for example. Those that cannot be read are logged,
    /// and the others count.
    pub fn parse(text: &str, place: &dyn fmt::Display) -> Result<Self, String> {
        let certificates = Certificates::parse(text.as_bytes())?.logged(place);
        let authorities = Authorities::new(certificates);
        let anchors = authorities.anchors().clone();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(anchors, provider()).build().ok();
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
        let verified = self
            .verifier
            .as_ref()
            .is_some_and(|verifier| verifier.verify_client_cert(leaf, intermediates, now).is_ok());
        if verified { Ok(()) } else { self.verify_as_go(leaf, intermediates, now) }
    }

    /// Decides where webpki does not accept a certificate. That may be because it cannot read one.
    fn verify_as_go(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), X509Error> {
        let provider = provider();
        let chain = Chain::new(&self.authorities, Usage::Client, now, &provider);
        let (_, parsed) = X509Certificate::from_der(leaf)
            .map_err(|error| X509Error::Other(format!("malformed certificate: {error}")))?;
        chain.check_alone(&parsed)?;
        if self.authorities.contain(leaf) {
            return Ok(());
        }
        chain.verify(&parsed, intermediates)
    }
}
