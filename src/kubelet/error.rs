mod wire;

use net::dial::DialError;
use tls::x509::X509Error;

pub(super) use self::wire::{broken, cut_off, is_alert};
use super::{
    Page, Sample,
    decode::{DecodeError, summary::SummaryError},
};

/// Why a kubelet could not be scraped, in Go's words.
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
    /// The request failed before there was a response.
    #[error("Get {url:?}: {cause}")]
    Request {
        /// The page.
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
    /// The kubelet responded with another status than 200.
    #[error("request failed, status: \"{}\"{}", wire::status(*status), page.suffix())]
    Status {
        /// Code and reason phrase.
        status: http::StatusCode,
        /// The page.
        page: Page,
    },
    /// The kubelet reports that it failed to measure.
    #[error("the kubelet failed to measure: resource_scrape_error 1")]
    Unmeasured {
        /// The sample in the response: nearly always none.
        sample: Option<Box<Sample>>,
    },
    /// The response broke off or did not end.
    #[error("failed to read response body - {0}")]
    Body(BodyError),
    /// The body holds no metrics.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It has more series than the limit.
    #[error("more than {limit} series")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// The summary cannot be used.
    #[error(transparent)]
    Summary(#[from] SummaryError),
    /// A bug of the metrics server.
    #[error("internal error: panic while scraping")]
    Panicked,
}

/// Why there was no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The kubelet's certificate is not valid.
    #[error("tls: failed to verify certificate: {0}")]
    Certificate(X509Error),
    /// The kubelet ended the handshake.
    #[error("remote error: tls: {0}")]
    TlsAlert(String),
    /// The kubelet answered the handshake with HTTP.
    #[error("http: server gave HTTP response to HTTPS client")]
    NoTls,
    /// The handshake failed otherwise.
    #[error("{0}")]
    Tls(String),
    /// The kubelet there is that of another node.
    #[error("tls: the certificate is that of node {found}, not of {wanted}")]
    OtherNode {
        /// The node that the certificate names.
        found: String,
        /// The node that has the address.
        wanted: String,
    },
    /// The handshake took too long.
    #[error("context deadline exceeded (net/http: TLS handshake timeout)")]
    TlsTimeout,
    /// The connection broke, in the handshake or while waiting for the response: the text is the same.
    #[error("{0}")]
    Http(String),
    /// The response did not come in time.
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
    /// It is compressed, though the request did not accept that.
    #[error("unexpected Content-Encoding {encoding}")]
    Encoded {
        /// How.
        encoding: String,
    },
    /// Bodies of other kubelets take up all the memory for bodies.
    #[error("memory limit of scrape bodies reached: {limit} bytes")]
    MemoryLimit {
        /// The limit.
        limit: usize,
    },
    /// It is larger than the limit.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// How far a scrape came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// To the choice of an address.
    Address,
    /// To the lookup of a name.
    Dns,
    /// To the connection.
    Tcp,
    /// To the handshake.
    Tls,
    /// To the request.
    Http,
    /// To a body with status 200.
    Body,
}

// === impl ScrapeError ===

impl ScrapeError {
    /// The stage at which the scrape failed: of several addresses, that of the preferred one.
    pub fn stage(&self) -> Stage {
        match self {
            Self::NoAddress { .. } | Self::BadAddress { .. } | Self::Panicked => Stage::Address,
            Self::Request { cause, .. } => match &**cause {
                RequestError::Dial(DialError::Lookup(_)) => Stage::Dns,
                RequestError::Dial(_) => Stage::Tcp,
                RequestError::Certificate(_)
                | RequestError::TlsAlert(_)
                | RequestError::NoTls
                | RequestError::Tls(_)
                | RequestError::OtherNode { .. }
                | RequestError::TlsTimeout => Stage::Tls,
                RequestError::Http(_) | RequestError::Timeout => Stage::Http,
            },
            Self::Everywhere { preferred, .. } => preferred.stage(),
            Self::Status { .. } => Stage::Http,
            _ => Stage::Body,
        }
    }

    /// What is wrong with each of a node's addresses, at least one, in one error.
    pub(super) fn everywhere(mut failed: Vec<Self>, preferred: &str) -> Self {
        let at = failed.iter().position(|error| error.is_at(preferred)).unwrap_or_default();
        let preferred = failed.remove(at);
        if failed.is_empty() {
            return preferred;
        }
        Self::Everywhere { preferred: Box::new(preferred), others: failed }
    }

    /// Whether the kubelet does not have the page.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: http::StatusCode::NOT_FOUND, .. })
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
