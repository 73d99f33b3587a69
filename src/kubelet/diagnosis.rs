//! The cause and the cure of a failed scrape, made once from the error and from what is known of
//! the node. Causes are few and the same for all nodes, so that metrics can count them and a
//! program that explains logs can find them by name.

use std::{borrow::Cow, io::ErrorKind, net::IpAddr, sync::Arc};

use http::StatusCode;
use net::{dial::DialError, dns::LookupFailure};
use tls::x509::X509Error;

use super::{
    Page, ScrapeError,
    decode::summary::SummaryError,
    error::{BodyError, RequestError},
};
use crate::cluster::Node;

/// The most characters that are kept of an error, which may quote a kubelet's response or a Node.
const MOST_TEXT: usize = 400;

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

/// Defines [`Cause`] from one table: variant, stable name, cure.
macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident, $name:literal, $cure:literal;)+) => {
        /// Why a scrape failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Cause {
            $($(#[$doc])* $cause,)+
        }

        impl Cause {
            /// Every cause.
            pub const ALL: &[Self] = &[$(Self::$cause,)+];

            /// Its stable name: the label `cause` of metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$cause => $name,)+ }
            }

            /// What cures it where nothing more is known.
            pub const fn cure(self) -> &'static str {
                match self { $(Self::$cause => $cure,)+ }
            }
        }
    };
}

causes! {
    /// The node has no address of a type that may be used.
    NoAddress, "no_address", "list a type that the node has in --kubelet-preferred-address-types";
    /// The address is not valid in a URL.
    BadAddress, "bad_address", "correct the address in the node's status, or prefer another type with --kubelet-preferred-address-types";
    /// DNS does not know the name.
    DnsNoSuchHost, "dns_no_such_host", "use the nodes' IP addresses with --kubelet-preferred-address-types=InternalIP, or add the name to the cluster's DNS, such as with CoreDNS's hosts plugin";
    /// The DNS server answered with an error.
    DnsServerFailure, "dns_server_failure", "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP";
    /// The DNS server did not answer in time.
    DnsTimeout, "dns_timeout", "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP";
    /// Too many lookups wait for an answer.
    DnsTooMany, "dns_too_many", "look at the load of the cluster's DNS, which answers slowly or not at all, or do without it with --kubelet-preferred-address-types=InternalIP";
    /// The DNS server cannot be reached.
    DnsUnreachable, "dns_unreachable", "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP";
    /// Nothing listens on that address and port.
    ConnectionRefused, "connection_refused", "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection";
    /// There is no route to the address.
    NoRoute, "no_route", "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection";
    /// The address did not answer in time.
    ConnectTimeout, "connect_timeout", "open the way from the metrics server's pod to that address and port: firewall, security group, network plugin";
    /// The connection failed otherwise.
    Connect, "connect", "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection";
    /// The proxy cannot be reached, or does not connect to the kubelet.
    Proxy, "proxy", "kubelets are reached through the proxy of the kubeconfig's proxy-url or of HTTPS_PROXY: let it connect to them, or list the nodes' addresses in NO_PROXY, in CIDR notation too";
    /// The certificate is for other names.
    CertificateName, "certificate_name", "see first where that name or address leads: another node or a proxy may answer there, as on Fargate; if it is the right kubelet, let it get a serving certificate with its names and addresses from the cluster (serverTLSBootstrap: true, then approve its CSR)";
    /// The certificate has no IP SANs, or a legacy Common Name only.
    CertificateNoSan, "certificate_no_san", "let the kubelets get serving certificates from the cluster (serverTLSBootstrap: true, then approve their CSRs), or give up verification with --kubelet-insecure-tls";
    /// The certificate is signed by an unknown authority.
    CertificateAuthority, "certificate_authority", "name the CA that signs the kubelets' serving certificates with --kubelet-certificate-authority, or give up verification with --kubelet-insecure-tls";
    /// The certificate is signed by another key of an authority of the same name.
    CertificateAuthorityReplaced, "certificate_authority_replaced", "the CA was replaced: name the one that signs now with --kubelet-certificate-authority, and let the kubelets get new serving certificates from it";
    /// The certificate has expired or is not yet valid.
    CertificateTime, "certificate_time", "renew the kubelet's serving certificate, and compare the clocks of the node and the metrics server";
    /// The certificate is not for servers.
    CertificateUsage, "certificate_usage", "replace the kubelet's serving certificate by one for servers (extended key usage serverAuth)";
    /// The certificate is unusable otherwise.
    Certificate, "certificate", "replace the kubelet's serving certificate";
    /// Another node's kubelet answers at the address.
    OtherNode, "other_node", "another node has that address now: let the node's status say where it is, or delete the Node if its machine is gone";
    /// The kubelet demands a client certificate.
    ClientCertificateRequired, "client_certificate_required", "show the kubelet a certificate that its client CA has signed with --kubelet-client-certificate and --kubelet-client-key";
    /// The kubelet refuses the client certificate.
    ClientCertificateRefused, "client_certificate_refused", "the kubelet refuses the metrics server's client certificate: renew the one in --kubelet-client-certificate, signed by the kubelet's client CA, and compare the clocks";
    /// The kubelet ended the handshake.
    TlsAlert, "tls_alert", "see that the kubelet has a serving certificate: its CSR may wait for approval (kubectl get csr)";
    /// The handshake failed otherwise.
    Tls, "tls", "check what listens on that address and port, and the kubelet's log";
    /// The handshake took too long.
    TlsTimeout, "tls_timeout", "look at the load of the node and its kubelet, or allow more time with --kubelet-request-timeout";
    /// The connection broke before the response, or it was not HTTP.
    BrokenConnection, "broken_connection", "check what listens on that address and port, and the kubelet's log";
    /// The response did not come in time.
    Timeout, "timeout", "look at the load of the node and its kubelet, or allow more time with --kubelet-request-timeout";
    /// 401.
    Unauthorized, "unauthorized", "let the kubelet accept service account tokens: authentication.webhook.enabled: true in its configuration; if it does, see that the kubelet reaches the API server, and that the metrics server's own token or client certificate has neither expired nor been replaced";
    /// 403 for `/metrics/resource`.
    Forbidden, "forbidden", "grant the metrics server's ClusterRole the verb get on nodes/metrics (kubelets before 1.18 want nodes/stats)";
    /// 403 for `/stats/summary`.
    ForbiddenSummary, "forbidden_summary", "grant the metrics server's ClusterRole the verb get on nodes/stats, which /stats/summary wants";
    /// 404 for `/metrics/resource`.
    NotFound, "not_found", "the kubelet has no /metrics/resource: if it is older than 1.18, ask for /stats/summary with --kubelet-endpoint=auto; else name another path with the node's annotation metrics.k8s.io/resource-metrics-path, or leave the node out with --node-selector";
    /// 404 for `/stats/summary`.
    NotFoundSummary, "not_found_summary", "the kubelet has no /stats/summary: ask for /metrics/resource with --kubelet-endpoint=auto";
    /// 1xx or 3xx.
    Redirect, "http_redirect", "redirects and upgrades are not followed, because they would show the token to others: check what listens there, and --kubelet-port and --kubelet-preferred-address-types";
    /// Any other status.
    HttpStatus, "http_status", "look into the kubelet's log on that node";
    /// `resource_scrape_error 1`.
    KubeletScrapeError, "kubelet_scrape_error", "look into the kubelet's log on that node: its container runtime may be down, slow or without statistics";
    /// The body broke off.
    BodyBroken, "body_broken", "check the network between the metrics server and the node, and the node's load";
    /// The body did not end in time.
    BodyTimeout, "body_timeout", "check the network between the metrics server and the node, and the node's load";
    /// The body is compressed.
    BodyEncoded, "body_encoded", "check what listens on the kubelet's port of that node";
    /// The body is too large.
    BodyTooLarge, "body_too_large", "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-body-size";
    /// Bodies of other kubelets take up all memory for bodies.
    BodyMemoryLimit, "body_memory_limit", "find the nodes whose responses are too large in the log, or allow more with --kubelet-max-bodies-size";
    /// Too many series.
    TooManySeries, "too_many_series", "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-series";
    /// The body has no metrics.
    NoMetrics, "no_metrics_in_body", "check what listens on the kubelet's port of that node";
    /// A bug of the metrics server.
    Panic, "panic", "report the line of the log that says Panicked";
}

// === impl Cause ===

impl Cause {
    /// The kind of `error`.
    pub fn of(error: &ScrapeError) -> Self {
        match error {
            ScrapeError::NoAddress { .. } => Self::NoAddress,
            ScrapeError::BadAddress { .. } => Self::BadAddress,
            ScrapeError::Request { cause, .. } => Self::of_request(cause),
            ScrapeError::Everywhere { preferred, .. } => Self::of(preferred),
            ScrapeError::Status { status, page } => match (*status, page) {
                (StatusCode::UNAUTHORIZED, _) => Self::Unauthorized,
                (StatusCode::FORBIDDEN, Page::Resource) => Self::Forbidden,
                (StatusCode::FORBIDDEN, Page::Summary) => Self::ForbiddenSummary,
                (StatusCode::NOT_FOUND, Page::Resource) => Self::NotFound,
                (StatusCode::NOT_FOUND, Page::Summary) => Self::NotFoundSummary,
                (status, _) if status.is_redirection() || status.is_informational() => {
                    Self::Redirect
                }
                _ => Self::HttpStatus,
            },
            ScrapeError::Unmeasured { .. } => Self::KubeletScrapeError,
            ScrapeError::Body(BodyError::Broken(_)) => Self::BodyBroken,
            ScrapeError::Body(BodyError::Timeout) => Self::BodyTimeout,
            ScrapeError::Body(BodyError::Encoded { .. }) => Self::BodyEncoded,
            ScrapeError::Body(BodyError::TooLarge { .. }) => Self::BodyTooLarge,
            ScrapeError::Body(BodyError::MemoryLimit { .. }) => Self::BodyMemoryLimit,
            ScrapeError::TooManySeries { .. } => Self::TooManySeries,
            ScrapeError::Decode(_) | ScrapeError::Summary(SummaryError::Form(_)) => Self::NoMetrics,
            ScrapeError::Summary(SummaryError::OtherNode { .. }) => Self::OtherNode,
            ScrapeError::Panicked => Self::Panic,
        }
    }

    fn of_request(error: &RequestError) -> Self {
        match error {
            RequestError::Dial(DialError::Lookup(error)) => match error.failure {
                LookupFailure::NoSuchHost => Self::DnsNoSuchHost,
                LookupFailure::ServerMisbehaving | LookupFailure::LameReferral => {
                    Self::DnsServerFailure
                }
                LookupFailure::Timeout { .. } => Self::DnsTimeout,
                LookupFailure::TooMany { .. } => Self::DnsTooMany,
                LookupFailure::Unreachable { .. } => Self::DnsUnreachable,
            },
            RequestError::Dial(DialError::Connect { source, .. }) => match source.kind() {
                ErrorKind::ConnectionRefused => Self::ConnectionRefused,
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Self::NoRoute,
                ErrorKind::TimedOut => Self::ConnectTimeout,
                _ => Self::Connect,
            },
            RequestError::Dial(DialError::Timeout { .. }) => Self::ConnectTimeout,
            RequestError::Dial(DialError::Proxy { .. }) => Self::Proxy,
            RequestError::Certificate(error) => match error {
                X509Error::OtherName { .. } | X509Error::NoNames { .. } => Self::CertificateName,
                X509Error::NoIpSans { .. } | X509Error::LegacyName => Self::CertificateNoSan,
                X509Error::UnknownAuthority => Self::CertificateAuthority,
                X509Error::OtherKey { .. } => Self::CertificateAuthorityReplaced,
                X509Error::OutOfTime { .. } => Self::CertificateTime,
                X509Error::Usage => Self::CertificateUsage,
                X509Error::Other(_) => Self::Certificate,
            },
            RequestError::OtherNode { .. } => Self::OtherNode,
            RequestError::TlsAlert(alert) => match alert.as_str() {
                "certificate required" => Self::ClientCertificateRequired,
                "bad certificate"
                | "unsupported certificate"
                | "revoked certificate"
                | "expired certificate"
                | "unknown certificate"
                | "unknown certificate authority"
                | "access denied" => Self::ClientCertificateRefused,
                _ => Self::TlsAlert,
            },
            RequestError::Tls(_) | RequestError::NoTls => Self::Tls,
            RequestError::TlsTimeout => Self::TlsTimeout,
            RequestError::Http(_) => Self::BrokenConnection,
            RequestError::Timeout => Self::Timeout,
        }
    }

    /// Whether it is what a host answers that is no kubelet of the cluster.
    fn may_be_another_host(self) -> bool {
        matches!(
            self,
            Self::ConnectionRefused
                | Self::NoRoute
                | Self::ConnectTimeout
                | Self::Connect
                | Self::CertificateName
                | Self::OtherNode
                | Self::Tls
                | Self::TlsTimeout
                | Self::BrokenConnection
                | Self::Timeout
                | Self::NotFound
                | Self::Redirect
                | Self::HttpStatus
                | Self::NoMetrics
        )
    }

    /// The cure where what is known of the node rules out the usual one, or allows a more exact
    /// one.
    fn cure_for(self, known: &Known<'_>) -> Option<String> {
        let Known { node, was_authorized, led_astray } = known;
        if let Some((name, ip)) = led_astray
            && self.may_be_another_host()
        {
            let ips: Vec<_> = node.ips().map(|ip| ip.to_string()).collect();
            return Some(format!(
                "the name {name} led to {ip}, which is none of the node's addresses ({}): correct its DNS record, or the search domain that answers it, or use the nodes' IP addresses with --kubelet-preferred-address-types; if that address is right, {}",
                ips.join(", "),
                self.cure()
            ));
        }
        match self {
            Self::NoAddress if node.addresses.is_empty() => Some(
                "the node's status has no address at all: the kubelet or the cloud controller manager sets them, look into their logs".to_owned(),
            ),
            Self::DnsNoSuchHost
            | Self::DnsServerFailure
            | Self::DnsTimeout
            | Self::DnsTooMany
            | Self::DnsUnreachable
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
            Self::Unauthorized if *was_authorized || !node.ready => Some(
                "see that the kubelet reaches the API server, without which it cannot check a token: look into its log and at the node's Ready condition; if it does, see that the metrics server's own token or client certificate has neither expired nor been replaced".to_owned(),
            ),
            Self::NotFound => node.resource_path.as_ref().map(|path| {
                format!("the node's annotation metrics.k8s.io/resource-metrics-path names {path:?}, which the kubelet does not have: correct or remove the annotation")
            }),
            _ => None,
        }
    }
}

// === impl ScrapeError ===

impl ScrapeError {
    /// The diagnosis for a node of which `known` is known.
    pub fn diagnose(&self, known: &Known<'_>) -> Diagnosis {
        let cause = Cause::of(self);
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
        let cure = cause.cure_for(known).map_or(Cow::Borrowed(cause.cure()), Cow::Owned);
        Diagnosis { cause, status, text: printable(&text).into(), cure }
    }
}

// === impl Diagnosis ===

impl Diagnosis {
    /// Whether it is the same failure. Texts may differ: they have port numbers and times in them.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.cause, self.status) == (other.cause, other.status)
    }
}

/// The beginning of a text, with control characters escaped, which a terminal would act on.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len().min(MOST_TEXT));
    for c in text.chars().take(MOST_TEXT) {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

#[cfg(test)]
mod tests;
