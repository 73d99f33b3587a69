//! Verifies certificates in the order of Go (time, usage, name, issuer) and with its texts, because
//! these are the messages that people search for. rustls would check the issuer first and call
//! every self-signed certificate one of an unknown issuer.

mod authorities;
mod chain;
mod error;
mod names;
mod signature;

use std::{fmt, sync::Arc};

use net::DynamicFile;
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
pub(crate) use self::signature::encoded;
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
    authorities: DynamicFile<Authorities>,
    provider: Arc<CryptoProvider>,
}

/// Accepts every server certificate, as `InsecureSkipVerify` does in Go.
#[derive(Debug)]
pub struct AcceptAny;

// === impl GoVerifier ===

impl GoVerifier {
    /// Verifies with the CAs `authorities`.
    pub fn new(authorities: DynamicFile<Authorities>, provider: Arc<CryptoProvider>) -> Self {
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
        let authorities = self.authorities.get();
        let chain = Chain::new(&authorities, Usage::Server, now, &self.provider);
        chain.check_alone(&details)?;
        // A certificate of version 1, which webpki cannot read, has no names.
        let Ok(parsed) = ParsedCertificate::try_from(leaf) else {
            return Err(name_error(&details, name));
        };
        verify_server_name(&parsed, name).map_err(|_| name_error(&details, name))?;
        // A trusted certificate is itself accepted, not only what it has signed.
        if authorities.contain(leaf) {
            return Ok(());
        }
        let algorithms = self.provider.signature_verification_algorithms.all;
        let anchors = authorities.anchors();
        verify_server_cert_signed_by_trust_anchor(&parsed, anchors, intermediates, now, algorithms)
            // Go takes more: the certificate of an authority for a server's, for example.
            .or_else(|_| chain.verify(&details, intermediates))
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
