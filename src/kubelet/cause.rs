//! Failed scrapes by cause, for counting: few words, the same for all nodes.

use std::io::ErrorKind;

use http::StatusCode;
use net::{dial::DialError, dns::LookupFailure};
use tls::x509::X509Error;

use super::{
    ScrapeError,
    decode::summary::SummaryError,
    error::{BodyError, RequestError},
};

// === impl ScrapeError ===

impl ScrapeError {
    /// The cause as a metric's label.
    pub fn cause_label(&self) -> &'static str {
        match self {
            Self::NoAddress { .. } => "no_address",
            Self::BadAddress { .. } => "bad_address",
            Self::Request { cause, .. } => cause.label(),
            Self::Everywhere { preferred, .. } => preferred.cause_label(),
            Self::Status { status: StatusCode::UNAUTHORIZED }
            | Self::SummaryStatus { status: StatusCode::UNAUTHORIZED } => "unauthorized",
            Self::Status { status: StatusCode::FORBIDDEN } => "forbidden",
            Self::SummaryStatus { status: StatusCode::FORBIDDEN } => "forbidden_summary",
            Self::Status { status: StatusCode::NOT_FOUND }
            | Self::SummaryStatus { status: StatusCode::NOT_FOUND } => "not_found",
            Self::Status { .. } | Self::SummaryStatus { .. } => "http_status",
            Self::Unmeasured { .. } => "kubelet_scrape_error",
            Self::Body(BodyError::Broken(_)) => "broken_connection",
            Self::Body(BodyError::Timeout) => "timeout",
            Self::Body(BodyError::Encoded { .. }) => "body_encoded",
            Self::Body(BodyError::TooLarge { .. }) => "body_too_large",
            Self::Body(BodyError::NoRoom { .. }) => "bodies_too_large",
            Self::TooManySeries { .. } => "too_many_series",
            Self::Decode(_) | Self::Summary(SummaryError::Form(_)) => "no_metrics_in_body",
            Self::Summary(SummaryError::OtherNode { .. }) => "other_node",
            Self::Panicked => "panic",
        }
    }
}

// === impl RequestError ===

impl RequestError {
    fn label(&self) -> &'static str {
        match self {
            Self::Dial(DialError::Lookup(error)) => match error.failure {
                LookupFailure::NoSuchHost => "dns_no_such_host",
                LookupFailure::ServerMisbehaving => "dns_server_failure",
                LookupFailure::Timeout { .. } => "dns_timeout",
                LookupFailure::TooMany { .. } => "dns_too_many",
                LookupFailure::Unreachable { .. } => "dns_unreachable",
            },
            Self::Dial(DialError::Connect { source, .. }) => match source.kind() {
                ErrorKind::ConnectionRefused => "connection_refused",
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no_route",
                ErrorKind::TimedOut => "connect_timeout",
                _ => "connect",
            },
            Self::Dial(DialError::Timeout { .. }) => "connect_timeout",
            Self::Certificate(
                X509Error::NoIpSans { .. }
                | X509Error::NoNames { .. }
                | X509Error::LegacyName
                | X509Error::OtherName { .. },
            ) => "certificate_name",
            Self::Certificate(X509Error::UnknownAuthority | X509Error::OtherKey { .. }) => {
                "certificate_authority"
            }
            Self::Certificate(X509Error::OutOfTime { .. }) => "certificate_time",
            Self::Certificate(X509Error::Usage | X509Error::Other(_)) => "certificate",
            Self::OtherNode { .. } => "other_node",
            Self::TlsAlert(_) => "tls_alert",
            Self::Tls(_) | Self::NoTls => "tls",
            Self::TlsTimeout => "tls_timeout",
            Self::Http(_) => "broken_connection",
            Self::Timeout => "timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn causes_are_told_apart() {
        let request = |cause| ScrapeError::Request { url: String::new(), cause: Box::new(cause) };
        let to = "10.0.0.1:10250".parse().unwrap();
        let dial = RequestError::Dial;
        let refused =
            |kind: ErrorKind| dial(DialError::Connect { to, source: io::Error::from(kind) });
        let cases = [
            (ScrapeError::NoAddress { wanted: vec![], has: vec![] }, "no_address"),
            (request(refused(ErrorKind::ConnectionRefused)), "connection_refused"),
            (request(refused(ErrorKind::HostUnreachable)), "no_route"),
            (request(dial(DialError::Timeout { to })), "connect_timeout"),
            (
                request(RequestError::Certificate(X509Error::UnknownAuthority)),
                "certificate_authority",
            ),
            (ScrapeError::Status { status: StatusCode::UNAUTHORIZED }, "unauthorized"),
            (ScrapeError::Status { status: StatusCode::BAD_GATEWAY }, "http_status"),
        ];
        for (error, label) in cases {
            assert_eq!(error.cause_label(), label, "{error}");
        }
    }
}
