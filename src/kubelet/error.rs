use std::io;

use rustls::InvalidMessage;

use super::{
    Sample, X509Error,
    decode::{DecodeError, summary::SummaryError},
};
use crate::{dial::DialError, errno};

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
    /// None of the node's addresses leads to its kubelet.
    #[error("{preferred}{}", others.iter().fold(String::new(), |all, other| format!("{all}; {other}")))]
    Everywhere {
        /// What is wrong with the preferred one.
        preferred: Box<ScrapeError>,
        /// What is wrong with the others.
        others: Vec<ScrapeError>,
    },
    /// The kubelet answered something else than 200.
    #[error("request failed, status: \"{status}\"")]
    Status {
        /// Code and reason phrase.
        status: http::StatusCode,
    },
    /// The kubelet answered something else than 200 when asked for its summary.
    #[error("request failed, status: \"{status}\" at /stats/summary")]
    SummaryStatus {
        /// Code and reason phrase.
        status: http::StatusCode,
    },
    /// The kubelet says that it failed to measure.
    #[error("the kubelet failed to measure: resource_scrape_error 1")]
    Unmeasured {
        /// What it could tell nevertheless: nearly always nothing.
        sample: Option<Box<Sample>>,
    },
    /// The answer broke off or did not end.
    #[error("failed to read response body - {0}")]
    Body(BodyError),
    /// The body holds no metrics.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It tells of more than a kubelet can sensibly know.
    #[error("more than {limit} series")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// The summary cannot be used.
    #[error(transparent)]
    Summary(#[from] SummaryError),
    /// It is the metrics server's fault.
    #[error("a mistake in the metrics server ended the scrape")]
    Panicked,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The kubelet's certificate is not to be believed.
    #[error("tls: failed to verify certificate: {0}")]
    Certificate(X509Error),
    /// The kubelet ended the handshake.
    #[error("remote error: tls: {0}")]
    TlsAlert(String),
    /// The handshake failed otherwise.
    #[error("{0}")]
    Tls(String),
    /// The kubelet there is that of another node.
    #[error("tls: the certificate is that of node {found}, not of {wanted}")]
    OtherNode {
        /// The node that the certificate names.
        found: String,
        /// The node whose address it is said to be.
        wanted: String,
    },
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
    /// It is encoded, such as compressed, although that was not asked for.
    #[error("it has the Content-Encoding {encoding}, which was not asked for")]
    Encoded {
        /// How.
        encoding: String,
    },
    /// Other answers take up all the room there is.
    #[error("no room: all answers together are larger than {limit} bytes")]
    NoRoom {
        /// The limit.
        limit: usize,
    },
    /// It is larger than a kubelet's answer can sensibly be.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

// === impl ScrapeError ===

impl ScrapeError {
    /// What is wrong with each of a node's addresses, at least one, in one error.
    pub(super) fn everywhere(mut failed: Vec<Self>, preferred: &str) -> Self {
        let at = failed.iter().position(|error| error.is_at(preferred)).unwrap_or_default();
        let preferred = failed.remove(at);
        if failed.is_empty() {
            return preferred;
        }
        Self::Everywhere { preferred: Box::new(preferred), others: failed }
    }

    /// Whether the kubelet does not have what was asked for.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Status { status: http::StatusCode::NOT_FOUND }
                | Self::SummaryStatus { status: http::StatusCode::NOT_FOUND }
        )
    }

    /// What there is to serve in spite of it.
    pub fn take_sample(&mut self) -> Option<Sample> {
        match self {
            Self::Unmeasured { sample } => sample.take().map(|sample| *sample),
            _ => None,
        }
    }

    /// Whether it is about the kubelet at this host and port.
    pub(super) fn is_at(&self, authority: &str) -> bool {
        match self {
            Self::Request { url, .. } | Self::BadAddress { url } => {
                url.split_once("://").is_some_and(|(_, rest)| {
                    rest.strip_prefix(authority).is_some_and(|path| path.starts_with('/'))
                })
            }
            _ => false,
        }
    }
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

/// Why a connection broke over which a request was sent, in the system call `call`. In TLS 1.3 a
/// kubelet says only then what it thinks of the client's certificate.
pub(super) fn broken(call: &str, error: &io::Error) -> RequestError {
    match alert(error) {
        Some(words) => RequestError::TlsAlert(words),
        None => RequestError::Http(errno::describe(call, error)),
    }
}

/// Why a body broke off.
pub(super) fn cut_off(error: &io::Error) -> BodyError {
    BodyError::Broken(match alert(error) {
        Some(words) => format!("remote error: tls: {words}"),
        // Without TLS saying so first, the connection was closed.
        None if error.kind() == io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        None => errno::describe("read", error),
    })
}

/// Whether it is the kubelet that ended the connection, and said why.
pub(super) fn is_alert(error: &io::Error) -> bool {
    alert(error).is_some()
}

fn alert(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(alert_words(*alert)),
        _ => None,
    }
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
