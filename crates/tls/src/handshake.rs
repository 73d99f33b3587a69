//! Whether the peer of a handshake has the private key of its certificate. Go checks that for every
//! peer, also where the certificate itself is not verified.
//!
//! rustls reads the key from the certificate with webpki, which takes no certificate of version 1.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerIncompatible, PeerMisbehaved,
    client::danger::HandshakeSignatureValid,
    crypto::verify_tls13_signature_with_raw_key,
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer},
};
use x509_parser::{
    prelude::{FromDer, X509Certificate},
    public_key::PublicKey,
    x509::SubjectPublicKeyInfo,
};

use crate::{provider, x509::encoded};

/// The smallest RSA key that the crypto provider signs and verifies handshakes with.
pub(crate) const SMALLEST_RSA: usize = 2048;

/// Checks a signature of TLS 1.2.
pub(crate) fn verify_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    with_key(certificate, |key| {
        let of_key = encoded(&key.algorithm);
        let algorithms = provider().signature_verification_algorithms;
        let mut mapping = algorithms.mapping.iter();
        let Some((_, algorithms)) = mapping.find(|(scheme, _)| *scheme == signed.scheme) else {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        };
        let fitting = algorithms
            .iter()
            .find(|algorithm| Some(algorithm.public_key_alg_id().as_ref()) == of_key.as_deref());
        let algorithm = fitting.ok_or(PeerIncompatible::NoSignatureSchemesInCommon)?;
        algorithm
            .verify_signature(&key.subject_public_key.data, message, signed.signature())
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadSignature))?;
        Ok(HandshakeSignatureValid::assertion())
    })
}

/// Checks a signature of TLS 1.3.
pub(crate) fn verify_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    with_key(certificate, |key| {
        let key = SubjectPublicKeyInfoDer::from(key.raw);
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signed, &algorithms)
    })
}

fn with_key<T>(
    certificate: &CertificateDer<'_>,
    verify: impl FnOnce(&SubjectPublicKeyInfo<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (_, certificate) = X509Certificate::from_der(certificate)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let key = certificate.public_key();
    if let Some(bits) = small_rsa(key) {
        return Err(Error::General(format!(
            "tls: handshake with an RSA key of {bits} bits, which must have {SMALLEST_RSA} or more"
        )));
    }
    verify(key)
}

/// The bits of an RSA key that is too small.
pub(crate) fn small_rsa(key: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    let Ok(PublicKey::RSA(rsa)) = key.parsed() else { return None };
    let zeros: usize = rsa.modulus.iter().take_while(|byte| **byte == 0).count();
    let (first, others) = rsa.modulus.get(zeros..)?.split_first()?;
    let bits = others.len() * 8 + first.ilog2() as usize + 1;
    (bits < SMALLEST_RSA).then_some(bits)
}

/// The part of a certificate verifier that is the same for all: one for clients and one for servers
/// are two traits with these methods.
macro_rules! verify_handshake_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            $crate::handshake::verify_tls12(message, certificate, signed)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            $crate::handshake::verify_tls13(message, certificate, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            $crate::provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

pub(crate) use verify_handshake_signatures;
