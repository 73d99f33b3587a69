//! The cause and the cure of a failed scrape, made once from the error and from what is known of
//! the node.

use std::{borrow::Cow, io::ErrorKind, net::IpAddr, sync::Arc};

use diagnosis::{Cause, cause_of_alert};
use http::StatusCode;
use k8s_text::printable;
use net::{dial::DialError, dns::LookupFailure};
use tls::x509::X509Error;

use super::{
    Page, ScrapeError,
    decode::summary::SummaryError,
    error::{BodyError, RequestError},
};
use crate::cluster::Node;

/// The most characters that are kept of an error, which may quote a kubelet's response or a Node.
pub(crate) const MOST_TEXT: usize = 400;

/// The diagnosis of a failed scrape: cause, text and cure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The kind of failure.
    pub cause: Cause,
    /// The HTTP status, if the kubelet answered with another one than 200.
    pub status: Option<u16>,
    /// The error without the URL, safe to print on a terminal.
    pub text: Box<str>,
    /// What an operator can do about it.
    pub cure: Cow<'static, str>,
}

/// What is known of a node besides the error.
#[derive(Clone, Debug)]
pub struct Known<'n> {
    /// The node, as the API server has it.
    pub node: &'n Node,
    /// Its kubelet has accepted the credentials before.
    pub was_authorized: bool,
    /// The name that DNS had an answer for, and the address it led to, where that is none of the
    /// node's: a search domain may answer every name.
    pub led_astray: Option<(Arc<str>, IpAddr)>,
}

// === impl ScrapeError ===

impl ScrapeError {
    /// Its kind.
    pub fn cause(&self) -> Cause {
        match self {
            Self::NoAddress { .. } => Cause::NoAddress,
            Self::BadAddress { .. } => Cause::BadAddress,
            Self::Request { cause, .. } => cause.cause(),
            Self::Everywhere { preferred, .. } => preferred.cause(),
            Self::Status { status, page } => match (*status, page) {
                (StatusCode::UNAUTHORIZED, _) => Cause::Unauthorized,
                (StatusCode::FORBIDDEN, Page::Resource) => Cause::Forbidden,
                (StatusCode::FORBIDDEN, Page::Summary) => Cause::ForbiddenSummary,
                (StatusCode::NOT_FOUND, Page::Resource) => Cause::NotFound,
                (StatusCode::NOT_FOUND, Page::Summary) => Cause::NotFoundSummary,
                (status, _) if status.is_redirection() || status.is_informational() => {
                    Cause::Redirect
                }
                _ => Cause::HttpStatus,
            },
            Self::Unmeasured { .. } => Cause::KubeletScrapeError,
            Self::Body(BodyError::Broken(_)) => Cause::BodyBroken,
            Self::Body(BodyError::Timeout) => Cause::BodyTimeout,
            Self::Body(BodyError::Encoded { .. }) => Cause::BodyEncoded,
            Self::Body(BodyError::TooLarge { .. }) => Cause::BodyTooLarge,
            Self::Body(BodyError::MemoryLimit { .. }) => Cause::BodyMemoryLimit,
            Self::TooManySeries { .. } => Cause::TooManySeries,
            Self::Decode(_) | Self::Summary(SummaryError::Form(_)) => Cause::NoMetrics,
            Self::Summary(SummaryError::OtherNode { .. }) => Cause::OtherNode,
            Self::Panicked => Cause::Panic,
        }
    }

    /// The diagnosis for a node of which `known` is known.
    pub fn diagnose(&self, known: &Known<'_>) -> Diagnosis {
        let cause = self.cause();
        let status = match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        };
        let text = match self {
            Self::Request { cause, .. } => match &**cause {
                RequestError::Dial(DialError::Lookup(error)) => error.to_string(),
                other => other.to_string(),
            },
            other => other.to_string(),
        };
        let cure = cure_for(cause, known).map_or(Cow::Borrowed(cause.cure()), Cow::Owned);
        Diagnosis { cause, status, text: printable(&text, MOST_TEXT).into(), cure }
    }
}

// === impl RequestError ===

impl RequestError {
    fn cause(&self) -> Cause {
        match self {
            Self::Dial(DialError::Lookup(error)) => match error.failure {
                LookupFailure::NoSuchHost => Cause::DnsNoSuchHost,
                LookupFailure::ServerMisbehaving | LookupFailure::LameReferral => {
                    Cause::DnsServerFailure
                }
                LookupFailure::Timeout { .. } => Cause::DnsTimeout,
                LookupFailure::TooMany { .. } => Cause::DnsTooMany,
                LookupFailure::Unreachable { .. } => Cause::DnsUnreachable,
            },
            Self::Dial(DialError::Connect { source, .. }) => match source.kind() {
                ErrorKind::ConnectionRefused => Cause::ConnectionRefused,
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Cause::NoRoute,
                ErrorKind::TimedOut => Cause::ConnectTimeout,
                _ => Cause::Connect,
            },
            Self::Dial(DialError::Timeout { .. }) => Cause::ConnectTimeout,
            Self::Dial(DialError::Proxy { .. }) => Cause::Proxy,
            Self::Certificate(error) => match error {
                X509Error::OtherName { .. } | X509Error::NoNames { .. } => Cause::CertificateName,
                X509Error::NoIpSans { .. } | X509Error::LegacyName => Cause::CertificateNoSan,
                X509Error::UnknownAuthority => Cause::CertificateAuthority,
                X509Error::OtherKey { .. } => Cause::CertificateAuthorityReplaced,
                X509Error::OutOfTime { .. } => Cause::CertificateTime,
                X509Error::Usage => Cause::CertificateUsage,
                X509Error::Other(_) => Cause::Certificate,
            },
            Self::OtherNode { .. } => Cause::OtherNode,
            Self::TlsAlert(alert) => cause_of_alert(alert),
            Self::Tls(_) | Self::NoTls => Cause::Tls,
            Self::TlsTimeout => Cause::TlsTimeout,
            Self::Http(_) => Cause::BrokenConnection,
            Self::Timeout => Cause::Timeout,
        }
    }
}

// === impl Diagnosis ===

impl Diagnosis {
    /// Whether it is the same failure. Texts may differ: they have port numbers and times in them.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.cause, self.status) == (other.cause, other.status)
    }
}

/// Whether it is what a host answers that is no kubelet of the cluster.
fn may_be_another_host(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ConnectionRefused
            | Cause::NoRoute
            | Cause::ConnectTimeout
            | Cause::Connect
            | Cause::CertificateName
            | Cause::OtherNode
            | Cause::Tls
            | Cause::TlsTimeout
            | Cause::BrokenConnection
            | Cause::Timeout
            | Cause::NotFound
            | Cause::Redirect
            | Cause::HttpStatus
            | Cause::NoMetrics
    )
}

/// The cure where what is known of the node rules out the usual one, or allows a more exact
/// one.
fn cure_for(cause: Cause, known: &Known<'_>) -> Option<String> {
    let Known { node, was_authorized, led_astray } = known;
    if let Some((name, ip)) = led_astray
        && may_be_another_host(cause)
    {
        let ips: Vec<_> = node.ips().map(|ip| ip.to_string()).collect();
        return Some(format!(
            "the name {name} led to {ip}, which is none of the node's addresses ({}): correct its DNS record, or the search domain that answers it, or use the nodes' IP addresses with --kubelet-preferred-address-types; if that address is right, {}",
            ips.join(", "),
            cause.cure()
        ));
    }
    match cause {
        Cause::NoAddress if node.addresses.is_empty() => Some(
            "the node's status has no address at all: the kubelet or the cloud controller manager sets them, look into their logs".to_owned(),
        ),
        Cause::DnsNoSuchHost
        | Cause::DnsServerFailure
        | Cause::DnsTimeout
        | Cause::DnsTooMany
        | Cause::DnsUnreachable
            if !node.addresses.iter().any(|address| address.kind == "InternalIP") =>
        {
            let is_ip = |text: &str| text.parse::<IpAddr>().is_ok();
            let ip = node.addresses.iter().find(|address| is_ip(&address.address));
            Some(match ip {
                Some(ip) => format!(
                    "use the node's IP address with --kubelet-preferred-address-types={}, or check the cluster's DNS and add the name to it, such as with CoreDNS's hosts plugin",
                    ip.kind
                ),
                None => "check the cluster's DNS, and add the name to it, such as with CoreDNS's hosts plugin: the node's status has no IP address to use instead".to_owned(),
            })
        }
        Cause::Unauthorized if *was_authorized || !node.ready => Some(
            "see that the kubelet reaches the API server, without which it cannot check a token: look into its log and at the node's Ready condition; if it does, see that the metrics server's own token or client certificate has neither expired nor been replaced".to_owned(),
        ),
        Cause::NotFound => node.resource_path.as_ref().map(|path| {
            format!("the node's annotation metrics.k8s.io/resource-metrics-path names {path:?}, which the kubelet does not have: correct or remove the annotation")
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
