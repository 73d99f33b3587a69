//! The metrics server of a cluster: where its objects are, and what of them a scenario has.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use k8s_text::duration;
use serde_json::Value;

use super::{
    node::scalar,
    objects::{Objects, condition, items, name_of, namespace_of, texts},
};
use crate::world::flag_mistakes;

/// What its objects are called where nothing else is known.
pub(super) const NAME: &str = "metrics-server";

/// Where it is where nothing else is known.
pub(super) const NAMESPACE: &str = "kube-system";

/// Kinds whose pods it may be, the usual one first.
const OWNERS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Flags that name a file, which file a scenario gives it, and its content.
const FILES: [(&str, &str, &str); 6] = [
    ("--kubelet-certificate-authority", "kubelet-ca", "ClusterCA"),
    ("--kubelet-client-certificate", "kubelet-client", "ClientCertificate"),
    ("--kubelet-client-key", "kubelet-client-key", "ClientKey"),
    ("--client-ca-file", "client-ca", "ClusterCA"),
    ("--tls-cert-file", "serving", "ServingCertificate"),
    ("--tls-private-key-file", "serving-key", "ServingKey"),
];

/// Flags that say what the world says itself, or name other files.
const LEFT_OUT: [&str; 12] = [
    "--audit-log-path",
    "--audit-policy-file",
    "--authentication-kubeconfig",
    "--authorization-kubeconfig",
    "--bind-address",
    "--cert-dir",
    "--kubeconfig",
    "--logging-format",
    "--requestheader-client-ca-file",
    "--resolv-conf",
    "--secure-port",
    "--tls-sni-cert-key",
];

/// The metrics server's objects.
#[derive(Debug, Default)]
pub(super) struct ServerObjects<'o> {
    /// The APIService through which it is reached.
    pub(super) api_service: Option<&'o Value>,
    /// Its Deployment, as a rule.
    pub(super) owner: Option<&'o Value>,
    pub(super) pods: Vec<&'o Value>,
    /// The spec of its pods.
    pub(super) pod_spec: Option<&'o Value>,
}

/// Its flags as a scenario has them.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub(super) args: Vec<String>,
    /// Names of files and their content.
    pub(super) files: BTreeMap<&'static str, &'static str>,
    /// Those that are left out, and why.
    pub(super) notes: Vec<String>,
    /// Why the server would refuse to start with them.
    pub(super) refused: Option<String>,
}

// === impl ServerObjects ===

impl<'o> ServerObjects<'o> {
    /// Finds them by the APIService's Service and what that selects; else by their names.
    pub(super) fn find(objects: &'o Objects) -> Self {
        let is_ours = |service: &&&Value| {
            service["spec"]["group"] == "metrics.k8s.io"
                || name_of(service).ends_with(".metrics.k8s.io")
        };
        let mut services: Vec<_> = objects.of("APIService");
        services.sort_by_key(|service| !name_of(service).starts_with("v1beta1."));
        let api_service = services.iter().find(is_ours).copied();
        let backing = api_service.map(|service| &service["spec"]["service"]);
        let text = |name: &str| backing.and_then(|backing| backing[name].as_str());
        let name = text("name").unwrap_or(NAME);
        let namespace = text("namespace").unwrap_or(NAMESPACE);
        let service = objects.get("Service", namespace, name);
        let selector = service.and_then(|service| service["spec"]["selector"].as_object());
        let is_selected = |labels: &Value| {
            selector.is_some_and(|selector| {
                !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
            })
        };
        let mut pods: Vec<_> = objects.of("Pod");
        pods.retain(|pod| {
            let has_name = selector.is_none() && name_of(pod).starts_with(name);
            namespace_of(pod) == namespace && (is_selected(&pod["metadata"]["labels"]) || has_name)
        });
        let owners = OWNERS.iter().flat_map(|kind| objects.of(kind));
        let owners: Vec<_> = owners.filter(|owner| namespace_of(owner) == namespace).collect();
        let template = |owner: &'o Value| &owner["spec"]["template"];
        let by_labels = |owner: &&&'o Value| is_selected(&template(owner)["metadata"]["labels"]);
        let by_image = |owner: &&&'o Value| container(&template(owner)["spec"]).is_some_and(is_it);
        let owner = owners.iter().find(by_labels).or_else(|| owners.iter().find(by_image)).copied();
        let pod_spec = owner
            .map(|owner| &template(owner)["spec"])
            .or_else(|| pods.first().map(|pod| &pod["spec"]));
        Self { api_service, owner, pods, pod_spec }
    }

    pub(super) fn namespace(&self) -> &'o str {
        let of = self.owner.or(self.pods.first().copied()).map(namespace_of);
        let backing = self.api_service.map(|it| &it["spec"]["service"]["namespace"]);
        of.or(backing.and_then(Value::as_str)).filter(|name| !name.is_empty()).unwrap_or(NAMESPACE)
    }

    /// The name of its Service.
    pub(super) fn service(&self) -> &'o str {
        let backing = self.api_service.map(|it| &it["spec"]["service"]["name"]);
        backing.and_then(Value::as_str).unwrap_or(NAME)
    }

    pub(super) fn service_account(&self) -> &'o str {
        let spec = self.pod_spec;
        let name = spec.and_then(|spec| spec["serviceAccountName"].as_str());
        name.unwrap_or(if spec.is_some() { "default" } else { NAME })
    }

    /// The container in which it runs.
    pub(super) fn container(&self) -> Option<&'o Value> {
        container(self.pod_spec?)
    }

    pub(super) fn has_host_network(&self) -> bool {
        self.pod_spec.is_some_and(|spec| spec["hostNetwork"] == true)
    }

    /// The address of a pod of its that runs.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let mut ips = self.pods.iter().filter_map(|pod| pod["status"]["podIP"].as_str());
        ips.find_map(|ip| ip.parse().ok())
    }

    /// Whether a pod of its is ready; `None` where none is known.
    pub(super) fn is_ready(&self) -> Option<bool> {
        let ready = self.pods.iter().filter_map(|pod| condition(pod, "Ready"));
        ready.map(|ready| ready["status"] == "True").reduce(|a, b| a || b)
    }

    /// What the API server says where it does not pass requests on to it.
    pub(super) fn unavailable(&self) -> Option<String> {
        let service = self.api_service?;
        let available = condition(service, "Available").filter(|it| it["status"] != "True")?;
        let text = |name: &str| available[name].as_str().unwrap_or_default();
        let (reason, message) = (text("reason"), text("message"));
        Some(format!("APIService {} is not available: {reason}: {message}", name_of(service)))
    }

    /// Its flags: what stands in `command` after the program, and `args`.
    pub(super) fn flags(&self) -> Flags {
        let Some(container) = self.container() else { return Flags::default() };
        let given = texts(&container["command"]).chain(texts(&container["args"]));
        Flags::of(given.skip_while(|arg| !arg.starts_with('-')).map(str::to_owned).collect())
    }
}

fn container(spec: &Value) -> Option<&Value> {
    let containers = || items(&spec["containers"]);
    containers().find(|container| is_it(container)).or_else(|| containers().next())
}

fn is_it(container: &Value) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    let mut command = texts(&container["command"]);
    image.contains(NAME)
        || name_of_container(container) == NAME
        || command.any(|it| it.contains(NAME))
}

fn name_of_container(container: &Value) -> &str {
    container["name"].as_str().unwrap_or_default()
}

// === impl Flags ===

impl Flags {
    fn of(given: Vec<String>) -> Self {
        let mut flags = Self::default();
        let mut given = given.into_iter().peekable();
        while let Some(arg) = given.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg.clone(), None),
            };
            let has_file = FILES.iter().find(|(flag, ..)| *flag == name);
            if has_file.is_none() && !LEFT_OUT.contains(&&*name) {
                flags.args.push(arg);
                continue;
            }
            // The value may be the next argument.
            let value = value.or_else(|| given.next_if(|next| !next.starts_with('-')));
            if let Some((flag, file, content)) = has_file {
                flags.args.push(format!("{flag}=${{files.{file}}}"));
                flags.files.insert(file, content);
            } else {
                let value = value.map(|value| format!("={value}")).unwrap_or_default();
                let note = format!("left out, because it means nothing here: {name}{value}");
                flags.notes.push(note);
            }
        }
        flags
    }

    /// Leaves out those with which the server refuses to start; where its log says that it has,
    /// they stay, and are the failure.
    pub(super) fn check(&mut self, has_refused: bool) {
        while let Some(mistake) = flag_mistakes(&self.args).into_iter().next() {
            if has_refused {
                self.refused = Some(mistake);
                return;
            }
            // The message may suggest another flag, which comes later in it.
            let place = |arg: &String| {
                let name = arg.split('=').next().filter(|name| name.starts_with('-'))?;
                mistake.find(name)
            };
            let named =
                self.args.iter().enumerate().filter_map(|(at, arg)| Some((place(arg)?, at)));
            let Some((_, index)) = named.min() else {
                self.notes.push(format!("question: flags are left out, because {mistake}"));
                self.args.clear();
                return;
            };
            let arg = self.args.remove(index);
            self.notes.push(format!("question: {arg} is left out, because {mistake}"));
        }
    }

    /// The value of a flag.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.args.iter().rev().enumerate().find_map(|(after, arg)| {
            let rest = arg.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => {
                    let next = self.args.len() - after;
                    let next = self.args.get(next).filter(|next| !next.starts_with('-'));
                    Some(next.map_or("true", |next| next.as_str()))
                }
                None => None,
            }
        })
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value == "true" || value == "1" || value == "t")
    }

    /// Kubelets' certificates are not verified.
    pub(super) fn is_insecure(&self) -> bool {
        self.is_on("--kubelet-insecure-tls")
            || self.is_on("--deprecated-kubelet-completely-insecure")
    }

    /// How far cycles are apart.
    pub(super) fn resolution(&self) -> Duration {
        const DEFAULT: Duration = Duration::from_mins(1);
        let given = self.value("--metric-resolution");
        given.and_then(|text| duration::parse(text).ok()).unwrap_or(DEFAULT)
    }

    /// The types of addresses in their order of preference.
    pub(super) fn address_types(&self) -> Vec<String> {
        const DEFAULT: &str = "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP";
        let types = self.value("--kubelet-preferred-address-types").unwrap_or(DEFAULT);
        types.split(',').map(|kind| kind.trim().trim_matches('"').to_owned()).collect()
    }
}

/// The rules of the metrics server's service account, as lines of a list in YAML; `None` where they
/// are the usual ones or not known.
pub(super) fn role(objects: &Objects, server: &ServerObjects<'_>) -> Option<Vec<String>> {
    let names = cluster_roles(objects, server);
    if names.is_empty() {
        return None;
    }
    let mut rules = Vec::new();
    // The world grants this one to every metrics server.
    for name in names.into_iter().filter(|name| *name != "system:auth-delegator") {
        let role = objects.get("ClusterRole", "", name)?;
        rules.extend(items(&role["rules"]).map(rule));
    }
    Some(rules)
}

/// The names of the roles for the whole cluster that its service account has.
pub(super) fn cluster_roles<'o>(objects: &'o Objects, server: &ServerObjects<'_>) -> Vec<&'o str> {
    let (account, namespace) = (server.service_account(), server.namespace());
    let is_bound = |binding: &&Value| {
        items(&binding["subjects"]).any(|subject| {
            subject["kind"] == "ServiceAccount"
                && subject["name"] == account
                && subject["namespace"] == namespace
        })
    };
    let bindings = objects.of("ClusterRoleBinding").into_iter().filter(is_bound);
    bindings.filter_map(|binding| binding["roleRef"]["name"].as_str()).collect()
}

/// A rule in YAML's flow style.
fn rule(rule: &Value) -> String {
    let mut fields = Vec::new();
    for name in ["apiGroups", "resources", "nonResourceURLs", "verbs"] {
        let list: Vec<_> = texts(&rule[name]).map(scalar).collect();
        let is_default = name == "apiGroups" && list == ["\"\""];
        if !list.is_empty() && !is_default {
            fields.push(format!("{name}: [{}]", list.join(", ")));
        }
    }
    if items(&rule["resourceNames"]).next().is_some() {
        return format!(
            "{{{}}} # question: only for some names, which scenarios cannot say",
            fields.join(", ")
        );
    }
    format!("{{{}}}", fields.join(", "))
}
