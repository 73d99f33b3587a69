//! Whether one certificate has signed another, and if not, why, in Go's words.

use std::fmt;

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    UnparsedPublicKey,
};
use rustls::crypto::WebPkiSupportedAlgorithms;
use x509_parser::{
    asn1_rs::ToDer, certificate::X509Certificate, prelude::X509Version, public_key::PublicKey,
    x509::AlgorithmIdentifier,
};

/// Why a certificate is not signed by what it might be signed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Its own extensions say that it signs no certificates.
    #[error("x509: invalid signature: parent certificate cannot sign this kind of certificate")]
    NoAuthority,
    /// It was signed with another kind of key.
    #[error(
        "x509: signature algorithm specifies an {of} public key, but have public key of type {}",
        has.go_type()
    )]
    OtherKind {
        /// The kind of key that it was signed with.
        of: Kind,
        /// The kind that there is.
        has: Kind,
    },
    /// It was signed with another key.
    #[error("{}", .0.verification_error())]
    OtherKey(Kind),
    /// The signature algorithm is no longer safe.
    #[error("x509: cannot verify signature: insecure algorithm {0}")]
    Insecure(&'static str),
    /// It was signed with an RSA key of so few bits.
    #[error(
        "crypto/rsa: {0}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
    )]
    SmallKey(usize),
    /// The signature algorithm is unknown.
    #[error("x509: cannot verify signature: algorithm unimplemented")]
    Unknown,
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA.
    Rsa,
    /// ECDSA.
    Ecdsa,
    /// Ed25519.
    Ed25519,
}

/// Whether `issuer` may sign certificates and has signed `certificate`.
pub(super) fn check(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), SignatureError> {
    if !may_sign(issuer) {
        return Err(SignatureError::NoAuthority);
    }
    let (how, key) = (&certificate.signature_algorithm, issuer.public_key());
    let of = Kind::of_signature(how).ok_or(SignatureError::Unknown)?;
    let has = Kind::of_key(&key.algorithm).ok_or(SignatureError::Unknown)?;
    if of != has {
        return Err(SignatureError::OtherKind { of, has });
    }
    // The algorithm is in the certificate twice, once outside of what is signed.
    if *how != certificate.tbs_certificate.signature {
        return Err(SignatureError::Unknown);
    }
    if let Some(insecure) = insecure(how) {
        return Err(SignatureError::Insecure(insecure));
    }
    let (message, signature) =
        (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
    if let Ok(PublicKey::RSA(rsa)) = key.parsed()
        && rsa.key_size() < 2048
    {
        return check_small_rsa(
            how,
            rsa.key_size(),
            &key.subject_public_key.data,
            message,
            signature,
        );
    }
    let (how, of_key) = (encoded(how), encoded(&key.algorithm));
    let mut fitting = algorithms
        .all
        .iter()
        .filter(|algorithm| {
            Some(algorithm.signature_alg_id().as_ref()) == how.as_deref()
                && Some(algorithm.public_key_alg_id().as_ref()) == of_key.as_deref()
        })
        .peekable();
    fitting.peek().ok_or(SignatureError::Unknown)?;
    fitting
        .any(|algorithm| {
            algorithm.verify_signature(&key.subject_public_key.data, message, signature).is_ok()
        })
        .then_some(())
        .ok_or(SignatureError::OtherKey(of))
}

/// Go verifies with RSA keys of 1,024 bits and more, webpki of 2,048 and more.
fn check_small_rsa(
    how: &AlgorithmIdentifier<'_>,
    bits: usize,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let algorithm = match how.algorithm.to_id_string().as_str() {
        _ if bits < 1024 => return Err(SignatureError::SmallKey(bits)),
        "1.2.840.113549.1.1.11" => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.13" => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        _ => return Err(SignatureError::Unknown),
    };
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| SignatureError::OtherKey(Kind::Rsa))
}

/// The name that Go gives to an algorithm that it no longer verifies.
fn insecure(how: &AlgorithmIdentifier<'_>) -> Option<&'static str> {
    match how.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.4" => Some("MD5-RSA"),
        "1.2.840.113549.1.1.5" => Some("SHA1-RSA"),
        "1.2.840.10045.4.1" => Some("ECDSA-SHA1"),
        _ => None,
    }
}

/// Certificates of version 1 and 2 have no basic constraints that could forbid it.
fn may_sign(issuer: &X509Certificate<'_>) -> bool {
    let Ok(constraints) = issuer.basic_constraints() else { return false };
    let is_authority = match constraints {
        Some(constraints) => constraints.value.ca,
        None => issuer.version() != X509Version::V3,
    };
    let Ok(usage) = issuer.key_usage() else { return false };
    is_authority && usage.is_none_or(|usage| usage.value.flags == 0 || usage.value.key_cert_sign())
}

/// As webpki's algorithms have it: without the sequence around it.
pub(crate) fn encoded(algorithm: &AlgorithmIdentifier<'_>) -> Option<Vec<u8>> {
    let mut encoded = algorithm.algorithm.to_der_vec().ok()?;
    if let Some(parameters) = &algorithm.parameters {
        encoded.extend(parameters.to_der_vec().ok()?);
    }
    Some(encoded)
}

// === impl Kind ===

impl Kind {
    fn of_signature(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        match algorithm.algorithm.to_id_string() {
            rsa if rsa.starts_with("1.2.840.113549.1.1.") => Some(Self::Rsa),
            ecdsa if ecdsa.starts_with("1.2.840.10045.4.") => Some(Self::Ecdsa),
            ed25519 if ed25519 == "1.3.101.112" => Some(Self::Ed25519),
            _ => None,
        }
    }

    fn of_key(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        match algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.113549.1.1.1" => Some(Self::Rsa),
            "1.2.840.10045.2.1" => Some(Self::Ecdsa),
            "1.3.101.112" => Some(Self::Ed25519),
            _ => None,
        }
    }

    fn go_type(self) -> &'static str {
        match self {
            Self::Rsa => "*rsa.PublicKey",
            Self::Ecdsa => "*ecdsa.PublicKey",
            Self::Ed25519 => "ed25519.PublicKey",
        }
    }

    fn verification_error(self) -> &'static str {
        match self {
            Self::Rsa => "crypto/rsa: verification error",
            Self::Ecdsa => "x509: ECDSA verification failure",
            Self::Ed25519 => "x509: Ed25519 verification failure",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
            Self::Ed25519 => "Ed25519",
        })
    }
}
