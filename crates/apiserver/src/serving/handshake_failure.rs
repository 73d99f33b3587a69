//! Why TLS handshakes with clients fail.

use std::{error::Error, io, net::SocketAddr};

use diagnosis::Cause;
use rustls::{AlertDescription, Error as TlsError};

use crate::log_limit::LogLimit;

/// Why a TLS handshake with a client failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandshakeFailure {
    /// The client closed the connection, as TCP health checks do.
    Closed,
    /// What the client sent is not TLS.
    NotTls,
    /// There is no version, cipher suite or signature algorithm that both take.
    Incompatible,
    /// The client's certificate cannot be read, or the client does not have its key.
    ClientCertificate,
    /// The client does not accept the server's certificate.
    ServerCertificate,
    /// The client sent another alert.
    Alert,
    /// It took too long.
    Timeout,
    /// Anything else.
    Other,
}

/// Logs failed handshakes.
#[derive(Default)]
pub(super) struct HandshakeLog(LogLimit<HandshakeFailure>);

// === impl HandshakeFailure ===

impl HandshakeFailure {
    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed_by_client",
            Self::NotTls => "not_tls",
            Self::Incompatible => "incompatible",
            Self::ClientCertificate => "client_certificate",
            Self::ServerCertificate => "server_certificate",
            Self::Alert => "alert",
            Self::Timeout => "timeout",
            Self::Other => "other",
        }
    }

    pub(super) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        match inner {
            None if error.kind() == io::ErrorKind::InvalidData => Self::NotTls,
            None => Self::Closed,
            Some(TlsError::AlertReceived(alert)) => Self::of_alert(*alert),
            Some(TlsError::InvalidMessage(_)) => Self::NotTls,
            Some(TlsError::PeerIncompatible(_)) => Self::Incompatible,
            Some(TlsError::InvalidCertificate(_) | TlsError::General(_)) => Self::ClientCertificate,
            Some(_) => Self::Other,
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA => Self::ServerCertificate,
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity => Self::Incompatible,
            _ => Self::Alert,
        }
    }

    fn cure(self) -> &'static str {
        match self {
            Self::Closed => "none is needed if this is a TCP health check; use HTTPS for probes",
            Self::NotTls => "use https:// for requests to this server",
            Self::Incompatible => {
                "check --tls-min-version, --tls-cipher-suites and the client's settings"
            }
            Self::ClientCertificate => {
                "renew the client's certificate with a key that docs/migrating.md names as supported"
            }
            Self::ServerCertificate => Cause::ServingCertificate.cure(),
            Self::Alert | Self::Other => Cause::ClientHandshake.cure(),
            Self::Timeout => "check the network between the client and this server",
        }
    }
}

// === impl HandshakeLog ===

impl HandshakeLog {
    /// Logs a failure in the Go server's words, once, and while its cause continues every five
    /// minutes.
    pub(super) fn failed(&self, failure: HandshakeFailure, peer: SocketAddr, error: &dyn Error) {
        let (cause, cure) = (failure.label(), failure.cure());
        let Some(count) = self.0.due(failure) else {
            return tracing::debug!(%peer, err = %error, cause, "http: TLS handshake error");
        };
        let count = (count > 1).then_some(count);
        tracing::warn!(%peer, err = %error, cause, cure, count, "http: TLS handshake error");
    }
}
