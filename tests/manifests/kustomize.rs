//! What `kubectl kustomize` makes of the folders.

use std::fs;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Namespace, ServiceAccount},
        policy::v1::PodDisruptionBudget,
        rbac::v1::{ClusterRole, ClusterRoleBinding},
    },
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use serde_json::Value;

use super::{
    objects::{Manifests, kustomized},
    tools,
};

/// `kubectl apply --dry-run=client` reads discovery from an API server; with `--local`, kubectl
/// needs none.
#[test]
fn kubectl_takes_every_object_in_a_dry_run() {
    for folder in ["base", "check", "ha", "kind", "v1", "fake-nodes"] {
        let Some(Manifests(objects)) = kustomized(folder) else { return };
        let items: Vec<_> = objects.values().collect();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, list.to_string()).unwrap();
        let Some(mut kubectl) = tools::kubectl() else { return };
        let output = kubectl
            .args(["label", "--local", "--dry-run=client", "--output=name", "read=yes"])
            .arg("--filename")
            .arg(file.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{folder}: {errors}");
        let taken = String::from_utf8(output.stdout).unwrap();
        assert_eq!(taken.lines().count(), objects.len(), "{folder}: {taken}");
    }
}

#[test]
fn kustomize_builds_the_expected_objects() {
    let Some(base) = kustomized("base") else { return };
    base.check_types();
    assert_eq!(base.0, Manifests::base().0);

    let Some(kind) = kustomized("kind") else { return };
    kind.check_types();
    assert!(kind.flags().kubelet.kubelet_insecure_tls);
    let _: APIService = kind.get("APIService", "v1.metrics.k8s.io");
    assert_eq!(kind.container().image_pull_policy.as_deref(), Some("Never"));

    let Some(ha) = kustomized("ha") else { return };
    ha.check_types();
    let deployment: Deployment = ha.get("Deployment", "metrics-server");
    let budget: PodDisruptionBudget = ha.get("PodDisruptionBudget", "metrics-server");
    let spec = deployment.spec;
    assert_eq!(spec.replicas, Some(2));
    assert_eq!(budget.spec.unwrap().selector, Some(spec.selector));
    let affinity = spec.template.spec.unwrap().affinity.unwrap().pod_anti_affinity.unwrap();
    assert!(affinity.required_during_scheduling_ignored_during_execution.is_some());
}

#[test]
fn fake_nodes_may_do_what_they_need_and_find_their_file() {
    let Some(fake) = kustomized("fake-nodes") else { return };
    fake.check_types();
    let deployment: Deployment = fake.get("Deployment", "fake-kubelet");
    let namespace = deployment.metadata.namespace.unwrap();
    let _: Namespace = fake.get("Namespace", &namespace);
    let pod = deployment.spec.template.spec.unwrap();
    let account: ServiceAccount = fake.get("ServiceAccount", "fake-kubelet");
    assert_eq!(pod.service_account_name, account.metadata.name);
    let binding: ClusterRoleBinding = fake.get("ClusterRoleBinding", "fake-kubelet");
    let subject = binding.subjects.unwrap().remove(0);
    assert_eq!((subject.name.as_str(), subject.namespace), ("fake-kubelet", Some(namespace)));
    let role: ClusterRole = fake.get(&binding.role_ref.kind, &binding.role_ref.name);
    let rules = role.rules.unwrap();
    let may = |resource: &str, verb: &str| {
        let has = |all: &[String], one: &str| all.iter().any(|it| it == one);
        rules.iter().any(|rule| {
            has(rule.resources.as_deref().unwrap_or_default(), resource) && has(&rule.verbs, verb)
        })
    };
    for (resource, verb) in [
        ("nodes", "create"),
        ("nodes", "delete"),
        ("nodes/status", "patch"),
        ("pods", "watch"),
        ("pods/status", "patch"),
        ("leases", "patch"),
        ("namespaces", "get"),
        ("tokenreviews", "create"),
        ("subjectaccessreviews", "create"),
    ] {
        assert!(may(resource, verb), "{verb} {resource}");
    }
    let [container] = &pod.containers[..] else { panic!("one container") };
    let volume = pod.volumes.unwrap().remove(0);
    let map = volume.config_map.unwrap().name;
    let map: ConfigMap = fake.get("ConfigMap", &map);
    let mount = container.volume_mounts.as_ref().unwrap().first().unwrap();
    assert_eq!(mount.name, volume.name);
    let file = format!("--config={}/nodes.yaml", mount.mount_path);
    assert!(container.args.as_ref().unwrap().contains(&file), "{file}");
    let nodes: Value = serde_yaml::from_str(&map.data.unwrap()["nodes.yaml"]).unwrap();
    assert_eq!(nodes["nodes"][0]["count"], 100);
}
