//! Client certificates that are requested but not verified in the handshake.

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use crate::provider;

/// Requests a client certificate and accepts any, or none, as long as the client has its key.
/// Requests are authenticated later, with the client CAs of that moment: a connection may be older
/// than a CA.
///
/// By default no CA is named in the handshake, for the same reason: a client that remembers the
/// names would not send a certificate of a new CA.
#[derive(Debug)]
pub struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
    named: Vec<DistinguishedName>,
}

// === impl AnyClient ===

impl AnyClient {
    /// Names these CAs in the handshake, as kubelets do.
    pub fn naming(authorities: &[DistinguishedName]) -> Self {
        let algorithms = provider().signature_verification_algorithms;
        Self { algorithms, named: authorities.to_vec() }
    }
}

impl Default for AnyClient {
    fn default() -> Self {
        Self::naming(&[])
    }
}

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.named
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
