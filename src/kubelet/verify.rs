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
    /// Nobody we know has signed it.
    #[error("x509: certificate signed by unknown authority")]
    UnknownAuthority,
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
        .map_err(|error| match error {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                X509Error::UnknownAuthority
            }
            error => other(&error),
        })
    }
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
