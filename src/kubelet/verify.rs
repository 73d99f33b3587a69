//! Judges a kubelet's serving certificate in the order in which Go does (time, name, issuer) and
//! in its words, because these are the messages that people know the cure for. rustls would look
//! at the issuer first and call every self-signed certificate one of an unknown issuer.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer, ParsedExtension},
};

/// Why a certificate is not believed, in the words of Go's crypto/x509.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// Its time is over, or has not come.
    #[error(
        "x509: certificate has expired or is not yet valid: current time {now} is {side} {limit}"
    )]
    OutOfTime {
        /// The clock when it was judged.
        now: Timestamp,
        /// `before` or `after`.
        side: &'static str,
        /// The limit it violates.
        limit: Timestamp,
    },
    /// Asked for by IP address, and it has none.
    #[error(
        "x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
    )]
    NoIpSans {
        /// The address asked for.
        wanted: String,
    },
    /// It has no name at all of the kind asked for.
    #[error("x509: certificate is not valid for any names, but wanted to match {wanted}")]
    NoNames {
        /// The name asked for.
        wanted: String,
    },
    /// It is somebody else's.
    #[error("x509: certificate is valid for {valid_for}, not {wanted}")]
    OtherName {
        /// The names it is valid for.
        valid_for: String,
        /// The name or address asked for.
        wanted: String,
    },
    /// It has its name where names stood long ago.
    #[error("x509: certificate relies on legacy Common Name field, use SANs instead")]
    LegacyName,
    /// Nobody we know has signed it.
    #[error("x509: certificate signed by unknown authority")]
    UnknownAuthority,
    /// It was signed with another key than that of the authority of this name that we know, such
    /// as the one before a rotation.
    #[error(
        "x509: certificate signed by unknown authority (possibly because of {why:?} while trying to verify candidate authority certificate {authority:?})"
    )]
    OtherKey {
        /// What is wrong with the signature, in the words for its kind of key.
        why: &'static str,
        /// The authority's common name.
        authority: String,
    },
    /// Anything else.
    #[error("x509: {0}")]
    Other(String),
}

/// Believes what chains up to `roots`.
#[derive(Debug)]
pub(super) struct KubeletVerifier {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

/// Believes everything: `--kubelet-insecure-tls`.
#[derive(Debug)]
pub(super) struct BelieveAnything {
    provider: Arc<CryptoProvider>,
}

// === impl KubeletVerifier ===

impl KubeletVerifier {
    pub(super) fn new(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Self {
        Self { roots, provider }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), X509Error> {
        let other = |error: &dyn fmt::Display| X509Error::Other(error.to_string());
        let (_, details) = X509Certificate::from_der(leaf).map_err(|error| other(&error))?;
        check_time(&details, now)?;
        let parsed = ParsedCertificate::try_from(leaf).map_err(|error| other(&error))?;
        verify_server_name(&parsed, name).map_err(|_| name_error(&details, name))?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )
        .or_else(|error| match error {
            // Believing a certificate means believing it, not only what it has signed.
            _ if self.is_believed(leaf) => Ok(()),
            Error::InvalidCertificate(CertificateError::BadSignature) => Err(other_key(&details)),
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                Err(X509Error::UnknownAuthority)
            }
            // webpki has an error of its own for an authority's certificate as a server's.
            Error::InvalidCertificate(CertificateError::Other(_)) if details.is_ca() => {
                Err(X509Error::UnknownAuthority)
            }
            error => Err(other(&error)),
        })
    }

    /// Whether it is among the certificates that were named.
    fn is_believed(&self, leaf: &CertificateDer<'_>) -> bool {
        let mut alone = RootCertStore::empty();
        alone.add(leaf.clone().into_owned()).is_ok()
            && alone.roots.iter().all(|root| self.roots.roots.contains(root))
    }
}

fn other_key(certificate: &X509Certificate<'_>) -> X509Error {
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    let why = match algorithm.as_str() {
        rsa if rsa.starts_with("1.2.840.113549.1.1.") => "crypto/rsa: verification error",
        ecdsa if ecdsa.starts_with("1.2.840.10045.4.") => "x509: ECDSA verification failure",
        _ => "x509: Ed25519 verification failure",
    };
    let name = certificate.issuer().iter_common_name().next();
    let authority = name.and_then(|name| name.as_str().ok()).unwrap_or_default().to_owned();
    X509Error::OtherKey { why, authority }
}

/// Whether the certificate has a name only in the field where names stood long ago, and the right
/// one.
fn has_legacy_name(certificate: &X509Certificate<'_>, wanted: &str) -> bool {
    let has_names = certificate.subject_alternative_name().is_ok_and(|names| names.is_some());
    let mut common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    !has_names && common.any(|name| name.eq_ignore_ascii_case(wanted))
}

fn check_time(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), X509Error> {
    let moment = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = certificate.validity();
    let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let out = |side, limit| {
        Err(X509Error::OutOfTime { now: moment(now_seconds), side, limit: moment(limit) })
    };
    match now_seconds {
        now if now < from => out("before", from),
        now if now > to => out("after", to),
        _ => Ok(()),
    }
}

fn name_error(certificate: &X509Certificate<'_>, wanted: &ServerName<'_>) -> X509Error {
    let wants_ip = matches!(wanted, ServerName::IpAddress(_));
    let wanted = wanted.to_str().into_owned();
    if has_legacy_name(certificate, &wanted) {
        return X509Error::LegacyName;
    }
    let names = certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(san) => Some(&san.general_names),
            _ => None,
        })
        .flatten();
    let valid_for: Vec<String> = names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if !wants_ip => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) if wants_ip => ip_text(bytes),
            _ => None,
        })
        .collect();
    match (valid_for.is_empty(), wants_ip) {
        (true, true) => X509Error::NoIpSans { wanted },
        (true, false) => X509Error::NoNames { wanted },
        (false, _) => X509Error::OtherName { valid_for: valid_for.join(", "), wanted },
    }
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
    v4.or(v6).ok().map(|ip| ip.to_string())
}

impl ServerCertVerifier for KubeletVerifier {
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

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

// === impl BelieveAnything ===

impl BelieveAnything {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider }
    }
}

impl ServerCertVerifier for BelieveAnything {
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

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
