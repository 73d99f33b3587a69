//! A change that may cure: as an edit of the scenario's cluster, and in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use diagnosis::Change;
use serde_json::{Value, json};

use super::{
    args::{self, Flag},
    setup::{NodeSetup, Setup},
};

/// The CA of the cluster, in every pod with a service account.
const POD_CA: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

/// A file that the administrator has yet to mount.
pub(super) const OTHER_FILE: &str = "/FILE";

/// Files that flags of cures name, and what they hold.
pub(super) const BOTH_AUTHORITIES: &str = "${files.kubelet-authorities}";
pub(super) const CLIENT_CERTIFICATE: &str = "${files.kubelet-client-certificate}";
pub(super) const CLIENT_KEY: &str = "${files.kubelet-client-key}";
const FILES: [(&str, &str, &str); 3] = [
    (BOTH_AUTHORITIES, "kubelet-authorities", "BothCAs"),
    (CLIENT_CERTIFICATE, "kubelet-client-certificate", "ClientCertificate"),
    (CLIENT_KEY, "kubelet-client-key", "ClientKey"),
];

/// The port of a metrics server in its node's network, where the kubelet has the usual one.
pub(super) const HOST_PORT: &str = "4443";

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edit {
    pub(super) change: Change,
    pub(super) what: What,
}

/// What is changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Flags get values.
    Flags(Vec<Flag>),
    /// A flag is removed.
    Without(String),
    /// The ClusterRole gets a rule.
    Rule { resources: &'static [&'static str], verbs: &'static [&'static str] },
    /// CoreDNS's hosts plugin gets entries.
    Hosts(BTreeMap<String, Vec<IpAddr>>),
    /// The kubelets of these nodes are configured.
    Kubelets(BTreeSet<String>),
    /// The change alone says it.
    Whole,
}

// === impl Edit ===

impl Edit {
    /// Makes the change.
    pub(super) fn apply(&self, setup: &mut Setup) {
        match &self.what {
            What::Flags(flags) => {
                for flag in flags {
                    args::set(&mut setup.args, flag, "");
                    let file = FILES.iter().find(|(path, ..)| flag.value.as_deref() == Some(path));
                    setup.files.extend(file.map(|(_, name, what)| ((*name).to_owned(), *what)));
                }
            }
            What::Without(name) => drop(args::remove(&mut setup.args, name, "")),
            What::Rule { resources, verbs } => {
                setup.role.push(json!({"resources": resources, "verbs": verbs}));
            }
            What::Hosts(entries) => {
                let mut all = setup.hosts["entries"].as_object().cloned().unwrap_or_default();
                all.extend(entries.iter().map(|(name, ips)| (name.clone(), json!(ips))));
                setup.hosts = json!({"entries": all, "fallthrough": true});
            }
            What::Kubelets(names) => {
                for name in names {
                    if let Some(node) = setup.nodes.get_mut(name) {
                        configure(node, self.change);
                    }
                }
            }
            What::Whole if self.change == Change::NewToken => setup.has_new_token = true,
            What::Whole if self.change == Change::HostNetwork => {
                setup.has_host_network = true;
                args::set(&mut setup.args, &Flag::new("--secure-port", HOST_PORT), "");
            }
            What::Whole => setup.is_front_proxy_good = true,
        }
    }

    /// Of how many changes it consists.
    pub(super) fn size(&self) -> usize {
        match &self.what {
            What::Flags(flags) => flags.len(),
            _ => 1,
        }
    }

    /// How far from the metrics server it reaches: its flags, its token, DNS and permissions,
    /// kubelets, the API server.
    pub(super) fn reach(&self) -> u8 {
        match self.change {
            Change::NewToken | Change::HostNetwork => 1,
            Change::DnsHosts
            | Change::GrantNodesMetrics
            | Change::GrantNodesStats
            | Change::GrantList => 2,
            Change::ApprovedCsrs | Change::ServingCertificates | Change::Webhook => 3,
            Change::FrontProxyFlags | Change::FrontProxyCertificate => 4,
            _ => 0,
        }
    }

    /// What security it gives up.
    pub(super) fn gives_up(&self) -> Option<&'static str> {
        match self.change {
            Change::HostNetwork => Some(
                "isolation: NetworkPolicies do not apply to the metrics server, and it has its node's ports and addresses",
            ),
            Change::InsecureTls => Some(
                "verification: any program on the path can pose as a kubelet and read the metrics server's token",
            ),
            _ => None,
        }
    }

    /// In a few words.
    pub(super) fn describe(&self) -> String {
        let nodes = |names: &BTreeSet<String>| match names.len() {
            1 => "1 node".to_owned(),
            count => format!("{count} nodes"),
        };
        match (&self.what, self.change) {
            (What::Flags(flags), _) => {
                flags.iter().map(|flag| real(flag).text()).collect::<Vec<_>>().join(" ")
            }
            (What::Without(name), _) => format!("remove {name}"),
            (What::Rule { resources, verbs }, _) => {
                format!("ClusterRole: {} on {}", verbs.join(", "), resources.join(", "))
            }
            (What::Hosts(entries), _) => {
                let of = if entries.len() == 1 { "entry" } else { "entries" };
                format!("CoreDNS: {} hosts {of}, fallthrough", entries.len())
            }
            (What::Kubelets(names), Change::Webhook) => {
                format!("kubelet: authentication.webhook.enabled: true on {}", nodes(names))
            }
            (What::Kubelets(names), Change::ApprovedCsrs) => {
                format!("approve the serving CSRs of {}", nodes(names))
            }
            (What::Kubelets(names), _) => {
                format!(
                    "kubelet: serverTLSBootstrap: true, and approve the CSRs of {}",
                    nodes(names)
                )
            }
            (What::Whole, Change::NewToken) => "a new token: restart the metrics server".to_owned(),
            (What::Whole, Change::HostNetwork) => {
                format!("hostNetwork: true, with --secure-port={HOST_PORT}")
            }
            (What::Whole, Change::FrontProxyFlags) => {
                "API server: --requestheader-client-ca-file and the flags with it".to_owned()
            }
            (What::Whole, _) => "API server: another front proxy certificate".to_owned(),
        }
    }
}

/// A flag as a real cluster has it.
pub(super) fn real(flag: &Flag) -> Flag {
    let value = flag.value.as_deref().map(|value| match value {
        "${clusterCA}" => POD_CA.to_owned(),
        value if FILES.iter().any(|(path, ..)| *path == value) => OTHER_FILE.to_owned(),
        value => value.to_owned(),
    });
    Flag { name: flag.name.clone(), value }
}

/// Configures a kubelet.
pub(super) fn configure(node: &mut NodeSetup, change: Change) {
    match change {
        Change::ServingCertificates => {
            node.certificate = json!("Signed");
            if !node.x509.is_null() {
                node.x509 = json!({"version": 3});
            }
            remove_faults(&mut node.faults, &|name, _| name == "certificate");
        }
        Change::ApprovedCsrs => remove_faults(&mut node.faults, &|name, value| {
            (name == "tls" && value == "InternalError")
                || (name == "certificate"
                    && ["Expired", "NotYetValid", "ReplacedCA"].iter().any(|it| value == it))
        }),
        _ => remove_faults(&mut node.faults, &|name, value| name == "status" && value == 401),
    }
}

/// Removes faults, also those that happen besides.
fn remove_faults(faults: &mut Value, is_gone: &dyn Fn(&str, &Value) -> bool) {
    let Some(fields) = faults.as_object_mut() else { return };
    fields.retain(|name, value| !is_gone(name, value));
    if let Some(also) = fields.get_mut("also").and_then(Value::as_array_mut) {
        for other in also.iter_mut() {
            remove_faults(other, is_gone);
        }
        also.retain(|other| other != &json!({}));
        if also.is_empty() {
            fields.remove("also");
        }
    }
    // What is left only says when and where.
    if fields.keys().all(|name| name == "when" || name == "at") {
        fields.clear();
    }
}
