//! Verifies certificates in the order in which Go does (time, usage, name,
//! issuer) and in its words, because these are the messages that people know the cure for. rustls
//! would look at the issuer first and call every self-signed certificate one of an unknown issuer.

mod authorities;
mod chain;
mod error;
mod names;
mod signature;

use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, Error, OtherError,
    client::{
        danger::{ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

pub(crate) use self::chain::check_length;
use self::names::name_error;
pub use self::{
    authorities::Authorities,
    chain::{Chain, Usage},
    error::X509Error,
    signature::SignatureError,
};
use crate::handshake::verify_handshake_signatures;

/// Accepts server certificates that chain up to certificate authorities, as Go clients do.
#[derive(Debug)]
pub struct GoVerifier {
    authorities: Authorities,
    provider: Arc<CryptoProvider>,
}

/// Accepts every server certificate, as `InsecureSkipVerify` does in Go.
#[derive(Debug)]
pub struct AcceptAny;

// === impl GoVerifier ===

impl GoVerifier {
    /// Trusts `authorities`.
    pub fn new(authorities: Authorities, provider: Arc<CryptoProvider>) -> Self {
        Self { authorities, provider }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), X509Error> {
        check_length(intermediates)?;
        let other = |error: &dyn fmt::Display| X509Error::Other(error.to_string());
        let (_, details) = X509Certificate::from_der(leaf).map_err(|error| other(&error))?;
        let chain = Chain::new(&self.authorities, Usage::Server, now, &self.provider);
        chain.check_alone(&details)?;
        let parsed = ParsedCertificate::try_from(leaf).map_err(|error| other(&error))?;
        verify_server_name(&parsed, name).map_err(|_| name_error(&details, name))?;
        // A trusted certificate is itself accepted, not only what it has signed.
        if self.authorities.contain(leaf) {
            return Ok(());
        }
        // Go takes the certificate of an authority for a server's too; webpki never does.
        if details.is_ca() {
            return chain.verify(&details, intermediates);
        }
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            self.authorities.anchors(),
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )
        .or_else(|error| {
            // Where Go's rules find nothing wrong, webpki's, which are stricter, still hold.
            chain.verify(&details, intermediates)?;
            Err(other(&error))
        })
    }
}

impl ServerCertVerifier for GoVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(leaf, intermediates, name, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|error| {
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
            })
    }

    verify_handshake_signatures!();
}

// === impl AcceptAny ===

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    verify_handshake_signatures!();
}

#[cfg(test)]
mod tests;
