use std::{io, net::SocketAddr};

use super::{X509Error, decode::DecodeError};
use crate::{dns::LookupError, errno};

/// Why a kubelet could not be scraped, in the words that Go programs use for it.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// The node has no address of a type that may be used.
    #[error("no address matched types [{}], the node has [{}]", wanted.join(" "), has.join(" "))]
    NoAddress {
        /// The types that may be used.
        wanted: Vec<String>,
        /// The types that the node has.
        has: Vec<String>,
    },
    /// The node's address is not fit for a URL.
    #[error("parse {url:?}: invalid address")]
    BadAddress {
        /// What was made of it.
        url: String,
    },
    /// The request failed before there was an answer.
    #[error("Get {url:?}: {cause}")]
    Request {
        /// What was asked for.
        url: String,
        /// What went wrong.
        #[source]
        cause: Box<RequestError>,
    },
    /// The kubelet answered something else than 200.
    #[error("request failed, status: \"{status}\"")]
    Status {
        /// Code and reason phrase.
        status: http::StatusCode,
    },
    /// The answer broke off or did not end.
    #[error("failed to read response body - {0}")]
    Body(BodyError),
    /// The body holds no metrics.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The host name could not be resolved.
    #[error("dial tcp: {0}")]
    Lookup(#[from] LookupError),
    /// No connection.
    #[error("dial tcp {to}: {}", errno::describe("dial", source))]
    Dial {
        /// The address tried last.
        to: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No connection in time.
    #[error("dial tcp {to}: i/o timeout")]
    DialTimeout {
        /// The address tried last.
        to: SocketAddr,
    },
    /// The kubelet's certificate is not to be believed.
    #[error("tls: failed to verify certificate: {0}")]
    Certificate(X509Error),
    /// The kubelet ended the handshake.
    #[error("remote error: tls: {0}")]
    TlsAlert(String),
    /// The handshake failed otherwise.
    #[error("{0}")]
    Tls(String),
    /// The handshake took too long.
    #[error("net/http: TLS handshake timeout")]
    TlsTimeout,
    /// The connection broke while waiting for the answer.
    #[error("{0}")]
    Http(String),
    /// The answer did not come in time.
    #[error("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")]
    Timeout,
}

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
    /// It did not end in time.
    #[error(
        "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
    )]
    Timeout,
    /// It is larger than a kubelet's answer can sensibly be.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

// === impl RequestError ===

impl RequestError {
    /// What rustls, wrapped into an `io::Error` by tokio-rustls, says of a failed handshake.
    pub(super) fn from_handshake(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) => {
                match other.0.downcast_ref::<X509Error>() {
                    Some(x509) => Self::Certificate(x509.clone()),
                    None => Self::Tls(other.to_string()),
                }
            }
            Some(rustls::Error::AlertReceived(alert)) => Self::TlsAlert(alert_words(*alert)),
            Some(error) => Self::Tls(format!("tls: {error}")),
            None => Self::Tls(errno::describe("read", error)),
        }
    }
}

/// `InternalError` as Go says it: `internal error`.
fn alert_words(alert: rustls::AlertDescription) -> String {
    let mut words = String::new();
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_said_as_go_says_them() {
        use rustls::AlertDescription::{BadCertificate, InternalError};
        assert_eq!(alert_words(InternalError), "internal error");
        assert_eq!(alert_words(BadCertificate), "bad certificate");
    }
}
