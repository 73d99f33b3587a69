//! What an operator can do about a failed scrape: the flag, the certificate, the rule or the DNS
//! entry that cures it.

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
    /// The cure, in a sentence.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::NoAddress { .. } => {
                "list a type that the node has in --kubelet-preferred-address-types"
            }
            Self::BadAddress { .. } => {
                "correct the address in the node's status, or prefer another type with --kubelet-preferred-address-types"
            }
            Self::Request { cause, .. } => cause.cure(),
            Self::Everywhere { preferred, .. } => preferred.cure(),
            Self::Status { status: StatusCode::UNAUTHORIZED }
            | Self::SummaryStatus { status: StatusCode::UNAUTHORIZED } => {
                "let the kubelet accept service account tokens: authentication.webhook.enabled: true in its configuration; if it does, see that the metrics server's own token or client certificate is neither over nor replaced"
            }
            Self::Status { status: StatusCode::FORBIDDEN } => {
                "grant the metrics server's ClusterRole the verb get on nodes/metrics (kubelets before 1.18 want nodes/stats)"
            }
            Self::SummaryStatus { status: StatusCode::FORBIDDEN } => {
                "grant the metrics server's ClusterRole the verb get on nodes/stats, which /stats/summary wants"
            }
            Self::Status { status: StatusCode::NOT_FOUND } => {
                "the kubelet has no /metrics/resource: if it is older than 1.18, ask for /stats/summary with --kubelet-endpoint=auto; else name another path with the node's annotation metrics.k8s.io/resource-metrics-path, or leave the node out with --node-selector"
            }
            Self::SummaryStatus { status: StatusCode::NOT_FOUND } => {
                "the kubelet has no /stats/summary: ask for /metrics/resource with --kubelet-endpoint=auto"
            }
            Self::Status { status } | Self::SummaryStatus { status }
                if status.is_redirection() || status.is_informational() =>
            {
                "redirects and upgrades are not followed, for they would show the token to others: check what listens there, and --kubelet-port and --kubelet-preferred-address-types"
            }
            Self::Status { .. } | Self::SummaryStatus { .. } => {
                "look into the kubelet's log on that node"
            }
            Self::Panicked => "report the line of the log that says Panicked",
            Self::Unmeasured { .. } => {
                "look into the kubelet's log on that node: its container runtime may be down, slow or without statistics"
            }
            Self::Summary(SummaryError::OtherNode { .. }) => {
                "another node has that address now: let the node's status say where it is, or delete the Node if its machine is gone"
            }
            Self::Body(BodyError::TooLarge { .. }) => {
                "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-body-size"
            }
            Self::Body(BodyError::NoRoom { .. }) => {
                "find the nodes that answer too much in the log, or allow more with --kubelet-max-bodies-size"
            }
            Self::TooManySeries { .. } => {
                "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-series"
            }
            Self::Body(BodyError::Encoded { .. })
            | Self::Decode(_)
            | Self::Summary(SummaryError::Form(_)) => {
                "check what listens on the kubelet's port of that node"
            }
            Self::Body(_) => {
                "check the network between the metrics server and the node, and the node's load"
            }
        }
    }
}

// === impl RequestError ===

impl RequestError {
    fn cure(&self) -> &'static str {
        match self {
            Self::Dial(DialError::Lookup(error)) => match error.failure {
                LookupFailure::NoSuchHost => {
                    "use the nodes' IP addresses with --kubelet-preferred-address-types=InternalIP, or add the name to the cluster's DNS, such as with CoreDNS's hosts plugin"
                }
                LookupFailure::TooMany { .. } => {
                    "look at the load of the cluster's DNS, which answers slowly or not at all, or do without it with --kubelet-preferred-address-types=InternalIP"
                }
                LookupFailure::ServerMisbehaving
                | LookupFailure::Timeout { .. }
                | LookupFailure::Unreachable { .. } => {
                    "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP"
                }
            },
            Self::Dial(DialError::Connect { .. }) => {
                "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection"
            }
            Self::Dial(DialError::Timeout { .. }) => {
                "open the way from the metrics server's pod to that address and port: firewall, security group, network plugin"
            }
            Self::Certificate(X509Error::OtherName { .. } | X509Error::NoNames { .. }) => {
                "see first where that name or address leads: another node or a proxy may answer there, as on Fargate; if it is the right kubelet, let it get a serving certificate with its names and addresses from the cluster (serverTLSBootstrap: true, then approve its CSR)"
            }
            Self::Certificate(X509Error::NoIpSans { .. } | X509Error::LegacyName) => {
                "let the kubelets get serving certificates from the cluster (serverTLSBootstrap: true, then approve their CSRs), or give up verification with --kubelet-insecure-tls"
            }
            Self::Certificate(X509Error::UnknownAuthority) => {
                "name the CA that signs the kubelets' serving certificates with --kubelet-certificate-authority, or give up verification with --kubelet-insecure-tls"
            }
            Self::Certificate(X509Error::OtherKey { .. }) => {
                "the CA was replaced: name the one that signs now with --kubelet-certificate-authority, and let the kubelets get new serving certificates from it"
            }
            Self::Certificate(X509Error::OutOfTime { .. }) => {
                "renew the kubelet's serving certificate, and compare the clocks of the node and the metrics server"
            }
            Self::Certificate(X509Error::Usage) => {
                "replace the kubelet's serving certificate by one for servers (extended key usage serverAuth)"
            }
            Self::Certificate(X509Error::Other(_)) => "replace the kubelet's serving certificate",
            Self::OtherNode { .. } => {
                "another node has that address now: let the node's status say where it is, or delete the Node if its machine is gone"
            }
            Self::TlsAlert(alert) if alert == "certificate required" => {
                "show the kubelet a certificate that its client CA has signed with --kubelet-client-certificate and --kubelet-client-key"
            }
            Self::TlsAlert(alert) if is_about_client(alert) => {
                "the kubelet refuses the metrics server's client certificate: renew the one in --kubelet-client-certificate, signed by the kubelet's client CA, and compare the clocks"
            }
            Self::TlsAlert(_) => {
                "see that the kubelet has a serving certificate: its CSR may wait for approval (kubectl get csr)"
            }
            Self::Tls(_) | Self::NoTls | Self::Http(_) => {
                "check what listens on that address and port, and the kubelet's log"
            }
            Self::TlsTimeout | Self::Timeout => {
                "look at the load of the node and its kubelet, or allow more time with --kubelet-request-timeout"
            }
        }
    }
}

/// Whether a kubelet says by this alert what it thinks of the certificate that it was shown.
fn is_about_client(alert: &str) -> bool {
    [
        "bad certificate",
        "unsupported certificate",
        "revoked certificate",
        "expired certificate",
        "unknown certificate",
        "unknown certificate authority",
        "access denied",
    ]
    .contains(&alert)
}

#[cfg(test)]
mod tests;
