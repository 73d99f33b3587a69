//! The metrics server as a real cluster has it, and the commands that apply a cure there.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr};

use diagnosis::Change;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    args,
    edit::{Edit, HOST_PORT, OTHER_FILE, What, real},
};
use crate::capture::Installed;

/// Flags that only this project's server has.
const OWN_FLAGS: [&str; 10] = [
    "--preferred-api-version",
    "--resolv-conf",
    "--kubelet-address-fallback",
    "--kubelet-endpoint",
    "--metric-grace-cycles",
    "--kubelet-max-body-size",
    "--kubelet-max-bodies-size",
    "--kubelet-max-series",
    "--kubelet-max-label-length",
    "--kubelet-max-containers",
];

/// The Deployment of a metrics server.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which of its containers has the flags.
    pub container: usize,
    /// Its flags.
    pub args: Vec<String>,
    /// The ClusterRole of its service account.
    pub cluster_role: String,
    /// Whether it is this project's server, and not the Go server.
    pub is_own: bool,
    /// The Helm release that it belongs to.
    pub release: Option<String>,
    /// Whether it was read from a cluster.
    pub is_known: bool,
}

/// A step of a cure: a command, or lines of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What it does.
    pub what: String,
    /// The command or the lines.
    pub text: String,
}

/// Whether there is a flag that only this project's server has.
fn has_own_flags(args: &[String]) -> bool {
    OWN_FLAGS.iter().any(|name| !args::values(args, name).is_empty())
}

// === impl Deployment ===

impl Deployment {
    /// The one of the manifests, with these flags.
    pub(super) fn of_manifests(args: &[String]) -> Self {
        Self {
            namespace: "kube-system".to_owned(),
            name: "metrics-server".to_owned(),
            container: 0,
            args: args.to_vec(),
            cluster_role: "system:metrics-server".to_owned(),
            is_own: has_own_flags(args),
            release: None,
            is_known: false,
        }
    }

    /// One of a real cluster.
    pub(super) fn of_cluster(installed: Installed) -> Self {
        let Installed { namespace, name, container, args, cluster_role, release } = installed;
        let cluster_role = cluster_role.unwrap_or_else(|| "system:metrics-server".to_owned());
        let is_own = has_own_flags(&args);
        Self { namespace, name, container, args, cluster_role, is_own, release, is_known: true }
    }

    /// The commands that make these edits.
    pub(super) fn steps(&self, edits: &[Edit]) -> Vec<Step> {
        let mut steps: Vec<_> = self.flags(edits).into_iter().collect();
        for edit in edits {
            match &edit.what {
                What::Flags(_) | What::Without(_) => {}
                // Its values say it.
                What::Whole if edit.change == Change::HostNetwork && self.release.is_some() => {}
                What::Hosts(entries) => steps.push(hosts(entries)),
                _ => steps.extend(edit.change.steps().iter().map(|step| Step {
                    what: step.what.trim_start_matches("or ").to_owned(),
                    text: self.named(step.text),
                })),
            }
        }
        steps
    }

    /// Helm's values after these edits, where the Deployment belongs to a release.
    pub(super) fn values(&self, edits: &[Edit]) -> Option<String> {
        self.release.as_ref()?;
        let mut args = self.args.clone();
        self.patch(&mut args, edits);
        // The chart sets the port itself.
        args.retain(|arg| !arg.starts_with("--secure-port"));
        let has_host_network = edits.iter().any(|edit| edit.change == Change::HostNetwork);
        let network = if has_host_network {
            format!("hostNetwork:\n  enabled: true\ncontainerPort: {HOST_PORT}\n")
        } else {
            String::new()
        };
        let lines = args.iter().fold(String::new(), |mut lines, arg| {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "  - {}", json!(arg));
            lines
        });
        Some(format!(
            "# All flags: a list replaces the chart's.\ndefaultArgs:\n{lines}args: []\n{network}"
        ))
    }

    /// The step that changes flags.
    fn flags(&self, edits: &[Edit]) -> Option<Step> {
        let mut args = self.args.clone();
        let operations = self.patch(&mut args, edits);
        let is_moved = edits.iter().any(|edit| edit.change == Change::HostNetwork);
        if operations.is_empty() && !(is_moved && self.release.is_some()) {
            return None;
        }
        let Self { namespace, name, .. } = self;
        let mut what = "change the metrics server's flags".to_owned();
        if !self.is_known {
            what += "; if the Deployment has a flag that the file does not have, change it there";
        }
        if args.iter().any(|arg| arg.ends_with(OTHER_FILE)) {
            what += ". /FILE is one that the pod mounts";
        }
        if let Some(release) = &self.release {
            what += ", with the release's values in values.yaml";
            let text = format!(
                "helm upgrade {release} metrics-server/metrics-server --namespace {namespace} --reuse-values --values values.yaml"
            );
            return Some(Step { what, text });
        }
        let patch = json!(operations).to_string().replace('\'', "'\\''");
        let text = format!(
            "kubectl --namespace {namespace} patch deployment {name} --type=json --patch '{patch}'"
        );
        Some(Step { what, text })
    }

    /// Makes the edits of flags, and returns the operations of a JSON patch that make them.
    fn patch(&self, args: &mut Vec<String>, edits: &[Edit]) -> Vec<Value> {
        let at = format!("/spec/template/spec/containers/{}/args", self.container);
        let mut operations = Vec::new();
        if self.is_known && args.is_empty() {
            // A list that is not there cannot get an item.
            operations.push(json!({"op": "add", "path": at, "value": []}));
        }
        let before = operations.len();
        for edit in edits {
            match &edit.what {
                What::Flags(flags) => {
                    let set = flags.iter().flat_map(|flag| args::set(args, &real(flag), &at));
                    operations.extend(set);
                }
                What::Without(name) => operations.extend(args::remove(args, name, &at)),
                _ => {}
            }
        }
        if operations.len() == before { Vec::new() } else { operations }
    }

    /// A command of the table with this Deployment's names.
    fn named(&self, text: &str) -> String {
        let restart = "--namespace kube-system rollout restart deployment metrics-server";
        let Self { namespace, name, cluster_role, .. } = self;
        let patch = "--namespace kube-system patch deployment metrics-server --type=json";
        let container = format!("/containers/{}/", self.container);
        text.replace(patch, &format!("--namespace {namespace} patch deployment {name} --type=json"))
            .replace("/containers/0/", &container)
            .replace(restart, &format!("--namespace {namespace} rollout restart deployment {name}"))
            .replace("clusterrole system:metrics-server", &format!("clusterrole {cluster_role}"))
    }
}

fn hosts(entries: &BTreeMap<String, Vec<IpAddr>>) -> Step {
    let lines = entries.iter().flat_map(|(name, ips)| ips.iter().map(move |ip| (ip, name)));
    let text = lines.fold("hosts {\n".to_owned(), |mut text, (ip, name)| {
        let _ = writeln!(text, "    {ip} {name}");
        text
    });
    Step {
        what: "add the names to CoreDNS: in its Corefile, before forward (kubectl --namespace kube-system edit configmap coredns)".to_owned(),
        text: text + "    fallthrough\n}",
    }
}

/// For tests of flags alone.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::args::Flag;

    fn edit(change: Change, what: What) -> Edit {
        Edit { change, what }
    }

    #[test]
    fn a_patch_names_the_place_of_a_flag_and_is_refused_elsewhere() {
        let types = |value| {
            edit(
                Change::AddressTypes,
                What::Flags(vec![Flag::new("--kubelet-preferred-address-types", value)]),
            )
        };
        let insecure =
            edit(Change::InsecureTls, What::Flags(vec![Flag::on("--kubelet-insecure-tls")]));
        let without = edit(Change::DefaultPort, What::Without("--kubelet-port".to_owned()));
        let at = "/spec/template/spec/containers/0/args";
        for (args, edits, expected_args, expected) in [
            (
                vec!["--cert-dir=/tmp"],
                vec![types("InternalIP")],
                vec!["--cert-dir=/tmp", "--kubelet-preferred-address-types=InternalIP"],
                json!([{"op": "add", "path": format!("{at}/-"), "value": "--kubelet-preferred-address-types=InternalIP"}]),
            ),
            (
                vec![
                    "--kubelet-preferred-address-types",
                    "Hostname",
                    "--kubelet-insecure-tls=false",
                ],
                vec![types("InternalIP"), insecure.clone()],
                vec!["--kubelet-preferred-address-types=InternalIP", "--kubelet-insecure-tls"],
                json!([
                    {"op": "test", "path": format!("{at}/1"), "value": "Hostname"},
                    {"op": "remove", "path": format!("{at}/1")},
                    {"op": "test", "path": format!("{at}/0"), "value": "--kubelet-preferred-address-types"},
                    {"op": "replace", "path": format!("{at}/0"), "value": "--kubelet-preferred-address-types=InternalIP"},
                    {"op": "test", "path": format!("{at}/1"), "value": "--kubelet-insecure-tls=false"},
                    {"op": "replace", "path": format!("{at}/1"), "value": "--kubelet-insecure-tls"},
                ]),
            ),
            (
                vec!["--kubelet_port=1", "--v=2", "--kubelet-port=2"],
                vec![without],
                vec!["--v=2"],
                json!([
                    {"op": "test", "path": format!("{at}/2"), "value": "--kubelet-port=2"},
                    {"op": "remove", "path": format!("{at}/2")},
                    {"op": "test", "path": format!("{at}/0"), "value": "--kubelet_port=1"},
                    {"op": "remove", "path": format!("{at}/0")},
                ]),
            ),
        ] {
            let args: Vec<_> = args.into_iter().map(str::to_owned).collect();
            let deployment = Deployment::of_manifests(&args);
            let mut patched = args.clone();
            let operations = deployment.patch(&mut patched, &edits);
            assert_eq!(
                (patched, json!(operations)),
                (expected_args.iter().map(ToString::to_string).collect(), expected)
            );
        }
    }
}
