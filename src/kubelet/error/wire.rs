//! Errors of TLS and HTTP in Go's words.

use std::io;

use http::StatusCode;
use net::errno;
use rustls::InvalidMessage;
use tls::x509::X509Error;

use super::{BodyError, RequestError};

/// Why a connection broke over which a request was sent, in the system call `call`. In TLS 1.3 a
/// kubelet verifies the client's certificate only then.
pub(in crate::kubelet) fn broken(call: &str, error: &io::Error) -> RequestError {
    match alert(error) {
        Some(words) => RequestError::TlsAlert(words),
        None => RequestError::Http(errno::describe(call, error)),
    }
}

/// A status as servers in Go write it.
pub(super) fn status(status: StatusCode) -> String {
    let code = status.as_u16();
    match status.canonical_reason() {
        Some(reason) => format!("{code} {reason}"),
        None => format!("{code} status code {code}"),
    }
}

/// Why a body broke off.
pub(in crate::kubelet) fn cut_off(error: &io::Error) -> BodyError {
    BodyError::Broken(match alert(error) {
        Some(words) => format!("remote error: tls: {words}"),
        // Without TLS saying so first, the connection was closed.
        None if error.kind() == io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        None => errno::describe("read", error),
    })
}

/// Whether the kubelet ended the connection with an alert.
pub(in crate::kubelet) fn is_alert(error: &io::Error) -> bool {
    alert(error).is_some()
}

fn alert(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(alert_words(*alert)),
        _ => None,
    }
}

/// `InternalError` as Go writes it: `internal error`.
fn alert_words(alert: rustls::AlertDescription) -> String {
    use rustls::AlertDescription as Alert;
    let of_its_own = match alert {
        Alert::UnknownCA => "unknown certificate authority",
        Alert::CertificateUnknown => "unknown certificate",
        Alert::CertificateExpired => "expired certificate",
        Alert::CertificateRevoked => "revoked certificate",
        Alert::BadRecordMac => "bad record MAC",
        Alert::DecodeError => "error decoding message",
        Alert::DecryptError => "error decrypting message",
        Alert::ProtocolVersion => "protocol version not supported",
        Alert::InsufficientSecurity => "insufficient security level",
        _ => "",
    };
    if !of_its_own.is_empty() {
        return of_its_own.to_owned();
    }
    let mut words = String::new();
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

// === impl RequestError ===

impl RequestError {
    /// The error of a failed handshake, which tokio-rustls wraps into an `io::Error`.
    pub(in crate::kubelet) fn from_handshake(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) => {
                match other.0.downcast_ref::<X509Error>() {
                    Some(x509) => Self::Certificate(x509.clone()),
                    None => Self::Tls(other.to_string()),
                }
            }
            Some(rustls::Error::AlertReceived(alert)) => Self::TlsAlert(alert_words(*alert)),
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                Self::Tls("tls: first record does not look like a TLS handshake".to_owned())
            }
            Some(error) => Self::Tls(format!("tls: {error}")),
            None => {
                let writing = error.kind() == io::ErrorKind::BrokenPipe;
                Self::Http(errno::describe(if writing { "write" } else { "read" }, error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unregistered_status_is_its_code() {
        let words = |code| status(StatusCode::from_u16(code).unwrap());
        assert_eq!((&*words(401), &*words(599)), ("401 Unauthorized", "599 status code 599"));
    }

    #[test]
    fn alerts_have_gos_texts() {
        use rustls::AlertDescription::{
            BadCertificate, CertificateExpired, InternalError, UnknownCA,
        };
        assert_eq!(alert_words(UnknownCA), "unknown certificate authority");
        assert_eq!(alert_words(CertificateExpired), "expired certificate");
        assert_eq!(alert_words(InternalError), "internal error");
        assert_eq!(alert_words(BadCertificate), "bad certificate");
    }
}
