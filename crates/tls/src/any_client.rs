//! Client certificates that are requested but not verified in the handshake.

use rustls::{
    DistinguishedName, Error,
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use crate::handshake::verify_handshake_signatures;

/// Requests a client certificate and accepts any, or none, as long as the client has its key.
/// Requests are authenticated later, with the client CAs of that moment: a connection may be older
/// than a CA.
///
/// By default no CA is named in the handshake, for the same reason: a client that remembers the
/// names would not send a certificate of a new CA.
#[derive(Debug, Default)]
pub struct AnyClient {
    named: Vec<DistinguishedName>,
}

// === impl AnyClient ===

impl AnyClient {
    /// Names these CAs in the handshake, as kubelets do.
    pub fn naming(authorities: &[DistinguishedName]) -> Self {
        Self { named: authorities.to_vec() }
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

    verify_handshake_signatures!();
}
