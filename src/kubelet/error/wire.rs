//! What TLS and HTTP say of a connection that fails, in Go's words.

use std::{error::Error as _, io};

use rustls::InvalidMessage;

use super::{BodyError, RequestError};
use crate::{errno, kubelet::X509Error};

/// Why a connection broke over which a request was sent. In TLS 1.3 a kubelet says only then what
/// it thinks of the client's certificate.
pub(in crate::kubelet) fn broken(error: &hyper::Error) -> RequestError {
    match bottom(error) {
        Bottom::Alert(words) => RequestError::TlsAlert(words),
        // A connection that closes where an answer is due is an `EOF` to Go.
        Bottom::Eof => RequestError::Http("EOF".to_owned()),
        Bottom::Other if error.is_incomplete_message() => RequestError::Http("EOF".to_owned()),
        Bottom::Other => RequestError::Http(chain(error)),
    }
}

/// Why a body broke off.
pub(in crate::kubelet) fn cut_off(error: &hyper::Error) -> BodyError {
    BodyError::Broken(match bottom(error) {
        Bottom::Alert(words) => format!("remote error: tls: {words}"),
        Bottom::Eof => "unexpected EOF".to_owned(),
        Bottom::Other if error.is_incomplete_message() => "unexpected EOF".to_owned(),
        Bottom::Other => chain(error),
    })
}

/// What lies at the bottom of an error of hyper's, where it has words of its own.
enum Bottom {
    Alert(String),
    /// The connection was closed, with or without TLS saying so first.
    Eof,
    Other,
}

fn bottom(error: &hyper::Error) -> Bottom {
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof) {
            return Bottom::Eof;
        }
        let inner = io
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn std::error::Error + 'static));
        if let Some(rustls::Error::AlertReceived(alert)) = inner.unwrap_or(error).downcast_ref() {
            return Bottom::Alert(alert_words(*alert));
        }
        next = error.source();
    }
    Bottom::Other
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// `InternalError` as Go says it: `internal error`.
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
    /// What rustls, wrapped into an `io::Error` by tokio-rustls, says of a failed handshake.
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
                Self::Tls(errno::describe(if writing { "write" } else { "read" }, error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_said_as_go_says_them() {
        use rustls::AlertDescription::{
            BadCertificate, CertificateExpired, InternalError, UnknownCA,
        };
        assert_eq!(alert_words(UnknownCA), "unknown certificate authority");
        assert_eq!(alert_words(CertificateExpired), "expired certificate");
        assert_eq!(alert_words(InternalError), "internal error");
        assert_eq!(alert_words(BadCertificate), "bad certificate");
    }
}
