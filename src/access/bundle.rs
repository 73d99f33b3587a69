use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    CertificateError, Error, RootCertStore,
    pki_types::{
        CertificateDer, UnixTime,
        pem::{self, PemObject},
    },
    server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::{doors::Clock, kubelet::X509Error, serving::tls::provider};

/// Certificates of CAs, ready to judge client certificates.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pem: Arc<str>,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Text that is no bundle of CAs.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    /// Not PEM.
    #[error("it is not PEM: {0}")]
    Pem(pem::Error),
    /// Nothing in it.
    #[error("it holds no PEM certificate")]
    Empty,
    /// Something in it is no CA.
    #[error("a certificate in it cannot be used: {0}")]
    Certificate(#[from] Error),
    /// They cannot be used together.
    #[error("its certificates cannot be used: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

// === impl Bundle ===

impl Bundle {
    pub(super) fn parse(text: &str) -> Result<Self, BundleError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            roots.add(certificate.map_err(BundleError::Pem)?)?;
        }
        if roots.is_empty() {
            return Err(BundleError::Empty);
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        Ok(Self { pem: text.into(), verifier })
    }

    /// Whether it was made of this text.
    pub(super) fn is(&self, text: &str) -> bool {
        *self.pem == *text
    }

    /// Judges the certificates of a client, its own first, as of now.
    pub(super) fn verify(
        &self,
        chain: &[CertificateDer<'static>],
        clock: &Clock,
    ) -> Result<(), X509Error> {
        let [leaf, intermediates @ ..] = chain else { return Err(X509Error::UnknownAuthority) };
        let seconds = clock.now().as_second();
        // Whole seconds, as certificates have them and Go shows them.
        let now = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        let seconds = u64::try_from(seconds).unwrap_or_default();
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.verifier
            .verify_client_cert(leaf, intermediates, moment)
            .map(drop)
            .map_err(|error| in_gos_words(&error, now))
    }
}

fn in_gos_words(error: &Error, now: Timestamp) -> X509Error {
    let out_of_time = |side, limit: &UnixTime| {
        let limit = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
        X509Error::OutOfTime {
            now,
            side,
            limit: Timestamp::from_second(limit).unwrap_or(Timestamp::MAX),
        }
    };
    match error {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            out_of_time("after", not_after)
        }
        Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            out_of_time("before", not_before)
        }
        // A CA of the same name, as after a rotation, is another CA all the same.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => X509Error::UnknownAuthority,
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => X509Error::Other("certificate specifies an incompatible key usage".to_owned()),
        error => X509Error::Other(error.to_string()),
    }
}
