//! The changes that cures are made of, for those who try them before they are applied.

use crate::{
    Cause,
    steps::{self, Step},
};

/// A kind of change to a cluster. Those that give up least come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Another order of `--kubelet-preferred-address-types`.
    AddressTypes,
    /// `--kubelet-use-node-status-port`.
    NodeStatusPort,
    /// The default port, without `--kubelet-port`.
    DefaultPort,
    /// Without one of the flags that are there.
    WithoutFlag,
    /// Another `--kubelet-certificate-authority`.
    KubeletAuthority,
    /// A longer `--kubelet-request-timeout`, and a `--metric-resolution` that allows it.
    MoreTime,
    /// `--kubelet-address-fallback`, which only this project's server has.
    AddressFallback,
    /// `--kubelet-endpoint=auto`, which only this project's server has.
    KubeletEndpoint,
    /// `--kubelet-client-certificate` and its key.
    ClientCertificate,
    /// A new token for the metrics server.
    NewToken,
    /// The names of nodes in CoreDNS's hosts plugin, with `fallthrough`.
    DnsHosts,
    /// Permission for the kubelets' metrics.
    GrantNodesMetrics,
    /// Permission for the kubelets' summaries.
    GrantNodesStats,
    /// Permission to list nodes and pods.
    GrantList,
    /// The CSRs of kubelets are approved.
    ApprovedCsrs,
    /// Kubelets have serving certificates of the cluster's CA.
    ServingCertificates,
    /// Kubelets let the API server authenticate tokens.
    Webhook,
    /// The API server is a front proxy.
    FrontProxyFlags,
    /// The front proxy has a new certificate.
    FrontProxyCertificate,
    /// The metrics server has its node's network.
    HostNetwork,
    /// `--kubelet-insecure-tls`.
    InsecureTls,
}

impl Change {
    const ALL: [Self; 21] = [
        Self::AddressTypes,
        Self::NodeStatusPort,
        Self::DefaultPort,
        Self::WithoutFlag,
        Self::KubeletAuthority,
        Self::MoreTime,
        Self::AddressFallback,
        Self::KubeletEndpoint,
        Self::ClientCertificate,
        Self::NewToken,
        Self::DnsHosts,
        Self::GrantNodesMetrics,
        Self::GrantNodesStats,
        Self::GrantList,
        Self::ApprovedCsrs,
        Self::ServingCertificates,
        Self::Webhook,
        Self::FrontProxyFlags,
        Self::FrontProxyCertificate,
        Self::HostNetwork,
        Self::InsecureTls,
    ];

    /// The steps of a cure that make it. The first one marks the causes that it cures.
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::AddressTypes => &[steps::PREFER_INTERNAL_IP],
            Self::NodeStatusPort => &[steps::NODE_STATUS_PORT],
            Self::KubeletAuthority => &[steps::KUBELET_CA],
            Self::MoreTime => &[steps::MORE_TIME],
            Self::ClientCertificate => &[steps::CLIENT_CERTIFICATE],
            Self::NewToken => &[steps::RESTART_SERVER],
            Self::DnsHosts => &[steps::COREDNS_HOSTS],
            Self::GrantNodesMetrics => &[steps::GRANT_NODES_METRICS],
            Self::GrantNodesStats => &[steps::GRANT_NODES_STATS],
            Self::GrantList => &[steps::GRANT_LIST],
            Self::ApprovedCsrs => &[steps::APPROVE_CSRS],
            Self::ServingCertificates => &[steps::SERVING_CERTIFICATES, steps::APPROVE_CSRS],
            Self::Webhook => &[steps::WEBHOOK],
            Self::FrontProxyFlags => &[steps::FRONT_PROXY_FLAGS],
            Self::FrontProxyCertificate => &[steps::RENEW_FRONT_PROXY],
            Self::HostNetwork => &[steps::HOST_NETWORK],
            Self::InsecureTls => &[steps::INSECURE_TLS],
            Self::DefaultPort
            | Self::WithoutFlag
            | Self::AddressFallback
            | Self::KubeletEndpoint => &[],
        }
    }

    /// Whether it may cure a cause whose steps do not name it: where it depends on the node, or
    /// only one server has it.
    const fn may_also_cure(self, cause: Cause) -> bool {
        match self {
            Self::AddressTypes | Self::AddressFallback => cause.is_of_address(),
            Self::DefaultPort => matches!(
                cause,
                Cause::ConnectionRefused
                    | Cause::ConnectTimeout
                    | Cause::NoRoute
                    | Cause::Tls
                    | Cause::TlsAlert
                    | Cause::Redirect
                    | Cause::NotFound
                    | Cause::NoMetrics
            ),
            Self::WithoutFlag => matches!(
                cause,
                Cause::BadFlags
                    | Cause::BadFile
                    | Cause::CertificateAuthority
                    | Cause::ClientCertificateRefused
            ),
            Self::KubeletEndpoint => {
                matches!(cause, Cause::NotFound | Cause::NotFoundSummary | Cause::ForbiddenSummary)
            }
            Self::DnsHosts => matches!(cause, Cause::DnsServerFailure | Cause::DnsTimeout),
            Self::ServingCertificates => {
                matches!(cause, Cause::CertificateTime | Cause::CertificateAuthorityReplaced)
            }
            Self::NewToken => matches!(cause, Cause::TokenRejected),
            Self::FrontProxyCertificate => matches!(
                cause,
                Cause::ApiServiceUnauthorized | Cause::ClientAuthority | Cause::FrontProxyName
            ),
            _ => false,
        }
    }
}

impl Cause {
    /// The changes that may cure it, those that give up least first.
    pub fn changes(self) -> impl Iterator<Item = Change> {
        Change::ALL.into_iter().filter(move |change| {
            let is_marked = change.steps().first().is_some_and(|step| self.steps().contains(step));
            is_marked || change.may_also_cure(self)
        })
    }

    /// Whether another address of the node may be free of it.
    const fn is_of_address(self) -> bool {
        matches!(
            self,
            Self::NoAddress
                | Self::BadAddress
                | Self::DnsNoSuchHost
                | Self::DnsServerFailure
                | Self::DnsTimeout
                | Self::DnsTooMany
                | Self::DnsUnreachable
                | Self::ConnectionRefused
                | Self::NoRoute
                | Self::ConnectTimeout
                | Self::Connect
                | Self::CertificateName
                | Self::CertificateNoSan
                | Self::CertificateAuthority
                | Self::OtherNode
                | Self::Tls
                | Self::TlsTimeout
                | Self::BrokenConnection
                | Self::Redirect
                | Self::Timeout
        )
    }
}
