//! The metrics server under test.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use cluster_format::{In, X509};
use schemars::JsonSchema;
use serde::Deserialize;

/// The metrics server under test.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Server {
    /// The address of its pod. Default: 10.244.1.6.
    pub address: Option<In<IpAddr>>,
    /// Whether it has the network of its node, the first one of the file, in place of one of its own:
    /// that node's first IP address, and ports that its kubelet must not have, such as with
    /// `--secure-port=4443`. Its DNS stays that of `resolvConf`, as with `dnsPolicy:
    /// ClusterFirstWithHostNet`. Default: false.
    #[serde(default)]
    pub host_network: bool,
    /// Its flags. `${clusterCA}` and `${otherCA}` stand for the paths of files with these CAs, and
    /// `${files.NAME}` for the path of the file of that name in `files`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Files for its flags, by name.
    #[serde(default)]
    pub files: BTreeMap<String, FileContent>,
    /// The version and key of the certificates in these files that are not a CA's.
    #[serde(default)]
    pub x509: X509,
    /// What its resolv.conf says. Default: what kubelets write for a pod in kube-system.
    #[serde(default)]
    pub resolv_conf: ResolvConf,
    /// The name of its pod. The domain after the first dot is searched where resolv.conf names none.
    /// Default: one without a domain.
    pub hostname: Option<String>,
    /// Its /etc/nsswitch.conf, such as `hosts: dns files`. Default: none, as in most images.
    pub nsswitch: Option<String>,
    /// Its kubeconfig, as text, in place of its service account: `--kubeconfig` names it.
    /// `${apiServer}` stands for the address and port of the API server, `${token}` for the token of
    /// the service account, `${tokenFile}` for the path of the file with it.
    pub kubeconfig: Option<String>,
    /// Names in its /etc/hosts.
    #[serde(default)]
    pub hosts: BTreeMap<String, In<IpAddr>>,
    /// The rules of its ClusterRole. Default: those of the Go server's manifests: get on
    /// nodes/metrics; get, list and watch on pods and nodes.
    pub role: Option<Vec<Rule>>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum FileContent {
    /// The certificate of the cluster's CA.
    #[serde(rename = "ClusterCA")]
    ClusterCa,
    /// The certificate of the CA that signs `SignedByOtherCA`.
    #[serde(rename = "OtherCA")]
    OtherCa,
    /// Both of them.
    #[serde(rename = "BothCAs")]
    BothCas,
    /// A client certificate for the metrics server's service account, of the cluster's CA.
    ClientCertificate,
    /// The key of that certificate.
    ClientKey,
    /// A serving certificate for the metrics server's Service, of the cluster's CA.
    ServingCertificate,
    /// The key of that certificate.
    ServingKey,
    /// Nothing that makes sense.
    Garbage,
    /// Nothing at all.
    Empty,
}

/// A rule of a ClusterRole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// API groups; `""` is the core group. Default: the core group.
    pub api_groups: Option<Vec<String>>,
    /// Resources, or resource/subresource.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Paths that are no resources, such as `/metrics`; `*` at the end stands for anything.
    #[serde(default, rename = "nonResourceURLs")]
    pub non_resource_urls: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
}

/// What users and groups may do. Users and groups that are not listed may do nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grants {
    /// The rules of users, by name.
    #[serde(default)]
    pub users: BTreeMap<String, Vec<Rule>>,
    /// The rules of groups, by name.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<Rule>>,
}

/// How the metrics server's pod asks DNS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolvConf {
    /// Addresses of name servers in the order in which they are asked; those of IPv6 may have a
    /// zone: `fe80::53%eth0`. Default: the servers of `dns`, without those that others forward to.
    pub nameservers: Option<Vec<String>>,
    /// Domains in which names are tried; with `[]` there is no such line. Default:
    /// kube-system.svc.cluster.local, svc.cluster.local and cluster.local.
    pub search: Option<Vec<String>>,
    /// A name with at least this many dots is tried as it is first. Default: 5.
    pub ndots: Option<u8>,
    /// How long one answer is waited for, in whole seconds. Default: 5s.
    pub timeout: Option<In<Duration>>,
    /// How often each server is asked. Default: 2.
    pub attempts: Option<u8>,
    /// Further options as they are written there, such as `rotate`, `use-vc` and `single-request`.
    #[serde(default)]
    pub options: Vec<String>,
}
