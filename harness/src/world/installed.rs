//! The objects that an installed metrics server has in its cluster, as its manifests and
//! Kubernetes' controllers make them: for those who look at the cluster, not for the server, which
//! needs none of them.
//!
//! Its pod is on no node: a kubelet would have to report its usage, and results of scenarios that
//! know nothing of it would be others.

use fake_apiserver::{FakeApiServer, PodLog};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

use super::{
    WorldError,
    addresses::{DEFAULT_SERVER, FILES},
    objects,
};
use crate::file::format::{self, Change, Spec, TlsFault};

const NAME: &str = "metrics-server";
const NAMESPACE: &str = "kube-system";
const REPLICA_SET: &str = "metrics-server-6b7d5c9f4";
const POD: &str = "metrics-server-6b7d5c9f4-x2x7q";
const CLUSTER_ROLE: &str = "system:metrics-server";
const CSR_SIGNER: &str = "kubernetes.io/kubelet-serving";

/// A metrics server, and the state of its pod.
pub(super) struct Installed<'a> {
    pub(super) spec: &'a Spec,
    /// What has changed since, in order.
    pub(super) changes: Vec<&'a Change>,
    pub(super) nodes: &'a [format::Node],
    /// Whether its pod is ready, where that is known.
    pub(super) ready: Option<bool>,
}

// === impl Installed ===

impl Installed<'_> {
    /// Adds its objects to the API server, and the log of its pod.
    pub(super) fn add(&self, api_server: &FakeApiServer, log: PodLog) -> Result<(), WorldError> {
        for object in self.objects() {
            api_server.apply(object).map_err(WorldError::Object)?;
        }
        api_server.set_log(NAMESPACE, POD, log);
        Ok(())
    }

    fn objects(&self) -> Vec<Value> {
        let servers = || self.changes.iter().filter_map(|change| change.server.as_ref());
        let server = &self.spec.server;
        let args = servers().filter_map(|it| it.args.as_ref()).next_back().unwrap_or(&server.args);
        let role = servers().filter_map(|it| it.role.as_ref()).next_back().or(server.role.as_ref());
        let resolv_conf = servers().filter_map(|it| it.resolv_conf.as_ref()).next_back();
        let template = template(
            &args.iter().map(|arg| path(arg)).collect::<Vec<_>>(),
            server,
            resolv_conf.unwrap_or(&server.resolv_conf),
        );
        let role = objects::role(role.map(Vec::as_slice));
        let mut objects = self.workload(&template);
        objects.extend(rbac(&role));
        objects.extend(self.dns());
        let waits = |node: &&format::Node| {
            node.kubelet.faults.all().iter().any(|it| it.tls == Some(TlsFault::InternalError))
        };
        objects.extend(self.nodes.iter().filter(waits).map(|node| csr(&node.name)));
        objects
    }

    fn workload(&self, template: &Value) -> Vec<Value> {
        let ip = self.spec.server.address.map_or(DEFAULT_SERVER, |address| address.0);
        let labels = json!({"k8s-app": NAME});
        let selector = json!({"matchLabels": labels});
        let owned = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "", "controller": true}]);
        let conditions = match self.ready {
            Some(ready) => {
                json!([{"type": "Ready", "status": if ready { "True" } else { "False" }}])
            }
            None => json!([]),
        };
        let is_ready = self.ready.unwrap_or(true);
        vec![
            json!({
                "kind": "Deployment", "apiVersion": "apps/v1",
                "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
                "spec": {"replicas": 1, "selector": selector, "template": template},
                "status": {"replicas": 1, "readyReplicas": u8::from(is_ready)},
            }),
            json!({
                "kind": "ReplicaSet", "apiVersion": "apps/v1",
                "metadata": {"name": REPLICA_SET, "namespace": NAMESPACE, "labels": labels,
                    "ownerReferences": owned("Deployment", NAME)},
                "spec": {"replicas": 1, "selector": selector, "template": template},
            }),
            json!({
                "kind": "Pod", "apiVersion": "v1",
                "metadata": {"name": POD, "namespace": NAMESPACE, "labels": labels,
                    "ownerReferences": owned("ReplicaSet", REPLICA_SET)},
                "spec": template["spec"],
                "status": {
                    "phase": "Running", "podIP": ip, "conditions": conditions,
                    "containerStatuses": [{"name": NAME, "ready": is_ready, "restartCount": 0,
                        "image": template["spec"]["containers"][0]["image"], "imageID": "",
                        "state": {"running": {}}}],
                },
            }),
            json!({
                "kind": "Service", "apiVersion": "v1",
                "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
                "spec": {"selector": labels, "ports": [{"name": "https", "port": 443, "targetPort": "https"}]},
            }),
            json!({
                "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": if ip.is_ipv4() { "IPv4" } else { "IPv6" },
                "metadata": {"name": format!("{NAME}-7xk2p"), "namespace": NAMESPACE,
                    "labels": {"kubernetes.io/service-name": NAME}},
                "endpoints": [{"addresses": [ip], "conditions": {"ready": is_ready}}],
                "ports": [{"name": "https", "port": 10250}],
            }),
        ]
    }

    /// CoreDNS and its Service.
    fn dns(&self) -> Vec<Value> {
        let changed = self.changes.iter().filter_map(|change| change.dns.as_ref()?.hosts.as_ref());
        let hosts = { changed }.next_back().or(self.spec.dns.hosts.as_ref());
        let hosts = hosts.map(|hosts| {
            let entries = hosts.entries.iter().flat_map(|(name, ips)| {
                ips.iter().map(move |ip| format!("        {} {name}\n", ip.0))
            });
            let falls = if hosts.fallthrough { "        fallthrough\n" } else { "" };
            format!("    hosts {{\n{}{falls}    }}\n", entries.collect::<String>())
        });
        let corefile = format!(
            ".:53 {{\n    errors\n{}    forward . /etc/resolv.conf\n    cache 30\n}}\n",
            hosts.unwrap_or_default()
        );
        let ip = self.spec.dns.addresses().next();
        vec![
            json!({
                "kind": "Service", "apiVersion": "v1",
                "metadata": {"name": "kube-dns", "namespace": NAMESPACE},
                "spec": {"clusterIP": ip, "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]},
            }),
            json!({
                "kind": "ConfigMap", "apiVersion": "v1",
                "metadata": {"name": "coredns", "namespace": NAMESPACE},
                "data": {"Corefile": corefile},
            }),
        ]
    }
}

/// The template of its pods.
fn template(args: &[String], server: &format::Server, dns: &format::ResolvConf) -> Value {
    let hosts: Vec<_> =
        server.hosts.iter().map(|(name, ip)| json!({"ip": ip.0, "hostnames": [name]})).collect();
    let value =
        |text: String| json!({"name": text.split(':').next(), "value": text.split(':').nth(1)});
    let options = dns.options.iter().cloned();
    let options = options.chain(dns.ndots.map(|ndots| format!("ndots:{ndots}")));
    let options = options.chain(dns.attempts.map(|attempts| format!("attempts:{attempts}")));
    let options = options.chain(dns.timeout.map(|it| format!("timeout:{}", it.0.as_secs())));
    let is_default = dns.nameservers.is_none() && dns.search.is_none();
    json!({
        "metadata": {"labels": {"k8s-app": NAME}},
        "spec": {
            "serviceAccountName": NAME,
            "hostAliases": hosts,
            "dnsPolicy": if is_default { "ClusterFirst" } else { "None" },
            "dnsConfig": {"nameservers": dns.nameservers, "searches": dns.search,
                "options": options.map(value).collect::<Vec<_>>()},
            "containers": [{
                "name": NAME,
                "image": "metrics-server:latest",
                "args": args,
                "ports": [{"name": "https", "containerPort": 10250}],
            }],
        },
    })
}

fn rbac(role: &[PolicyRule]) -> [Value; 4] {
    let subjects = json!([{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]);
    let reference = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    let binding = |name: &str, role: &str| {
        json!({
            "kind": "ClusterRoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": name},
            "roleRef": reference("ClusterRole", role), "subjects": subjects,
        })
    };
    [
        json!({
            "kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": CLUSTER_ROLE}, "rules": role,
        }),
        binding(CLUSTER_ROLE, CLUSTER_ROLE),
        binding("metrics-server:system:auth-delegator", "system:auth-delegator"),
        json!({
            "kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": "metrics-server-auth-reader", "namespace": NAMESPACE},
            "roleRef": reference("Role", "extension-apiserver-authentication-reader"),
            "subjects": subjects,
        }),
    ]
}

/// A request for a serving certificate that waits for approval.
fn csr(node: &str) -> Value {
    json!({
        "kind": "CertificateSigningRequest", "apiVersion": "certificates.k8s.io/v1",
        "metadata": {"name": format!("csr-{node}")},
        "spec": {"signerName": CSR_SIGNER, "username": format!("system:node:{node}"), "request": "",
            "usages": ["digital signature", "server auth"]},
    })
}

/// A flag as a Deployment has it: with the path of the file.
fn path(arg: &str) -> String {
    let Some((before, rest)) = arg.split_once("${") else { return arg.to_owned() };
    let Some((name, after)) = rest.split_once('}') else { return arg.to_owned() };
    format!("{before}{FILES}/{name}.pem{after}")
}
