//! `kind-config/build`: the files that users apply, with and without components.

use std::{fs, process::Command};

use k8s_openapi::api::{
    core::v1::Service,
    networking::v1::NetworkPolicy,
    rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    objects::{Manifests, directory, kustomized},
    tools,
};

const COMPONENTS: [&str; 4] = ["v1", "service-monitor", "network-policy", "autoscale"];

/// `components.yaml` and `high-availability.yaml`; `None` where there is no kubectl.
fn built(arguments: &[&str]) -> Option<[Manifests; 2]> {
    let kubectl = tools::kubectl()?;
    let folder = TempDir::new().unwrap();
    let output = Command::new(directory().join("build"))
        .env("KUBECTL", kubectl.get_program())
        .args(arguments)
        .arg("--out")
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(["components", "high-availability"].map(|name| {
        Manifests::read(&fs::read_to_string(folder.path().join(format!("{name}.yaml"))).unwrap())
    }))
}

#[test]
fn the_files_are_the_manifests() {
    let Some([components, high_availability]) = built(&[]) else { return };
    assert_eq!(components.0, Manifests::base().0);
    assert_eq!(high_availability.0, kustomized("ha").unwrap().0);
}

#[test]
fn an_image_may_have_a_port_a_tag_and_a_digest() {
    let digest = format!("@sha256:{}", "0".repeat(64));
    for (given, expected) in [
        ("registry.example/ms:v2", "registry.example/ms:v2".to_owned()),
        ("localhost:5000/ms", format!("localhost:5000/ms:v{}", env!("CARGO_PKG_VERSION"))),
        (&format!("localhost:5000/ms{digest}"), format!("localhost:5000/ms{digest}")),
        (&format!("a/ms:v2{digest}"), format!("a/ms:v2{digest}")),
    ] {
        let Some(files) = built(&["--image", given]) else { return };
        for manifests in files {
            assert_eq!(manifests.container().image.unwrap(), expected);
        }
    }
}

#[test]
fn components_fit_both_files() {
    let arguments = COMPONENTS.map(|name| ["--component", name]).concat();
    let Some(files) = built(&arguments) else { return };
    for manifests in files {
        manifests.check_types();
        let key = ("APIService".to_owned(), "v1.metrics.k8s.io".to_owned());
        assert!(manifests.0.contains_key(&key));
        let deployment = manifests.deployment();
        let pod = deployment.spec.template.spec.as_ref().unwrap();
        let account = json!(pod.service_account_name);

        let policy: NetworkPolicy = manifests.get("NetworkPolicy", "metrics-server");
        let policy = policy.spec.unwrap();
        assert_eq!(policy.pod_selector, Some(deployment.spec.selector.clone()));
        let listens = json!(policy.ingress.unwrap()[0].ports.as_ref().unwrap()[0].port);
        assert_eq!(listens, json!(manifests.container().ports.unwrap()[0].name));
        let egress = json!(policy.egress);
        for port in [10250, 443, 6443, 53] {
            assert!(egress.to_string().contains(&format!("\"port\":{port}")), "{port}: {egress}");
        }

        let monitor: Value = manifests.get("ServiceMonitor", "metrics-server");
        let service: Service = manifests.get("Service", "metrics-server");
        let labels = json!(service.metadata.labels);
        assert_eq!(monitor["spec"]["selector"]["matchLabels"], labels);
        let port = &service.spec.unwrap().ports.unwrap()[0];
        assert_eq!(monitor["spec"]["endpoints"][0]["port"], json!(port.name));

        // The sidecar may patch the Deployment and read what it needs, and is the second container.
        let nanny = &pod.containers[1];
        assert_eq!(pod.containers[0].resources, None, "they are the sidecar's to set");
        let of = format!("--deployment={}", deployment.metadata.name.clone().unwrap());
        let container = format!("--container={}", pod.containers[0].name);
        let command = nanny.command.as_ref().unwrap();
        assert!(command.contains(&of) && command.contains(&container), "{command:?}");
        let binding: RoleBinding = manifests.get("RoleBinding", "metrics-server-nanny");
        assert_eq!(json!(binding.subjects)[0]["name"], account);
        let role: Role = manifests.get("Role", &binding.role_ref.name);
        let patch = role.rules.unwrap().remove(1);
        assert_eq!(patch.resource_names, deployment.metadata.name.map(|name| vec![name]));
        assert!(patch.verbs.contains(&"patch".to_owned()));
        let binding: ClusterRoleBinding =
            manifests.get("ClusterRoleBinding", "system:metrics-server-nanny");
        assert_eq!(json!(binding.subjects)[0]["name"], account);
        let role: ClusterRole = manifests.get("ClusterRole", &binding.role_ref.name);
        assert_eq!(json!(role.rules)[0]["nonResourceURLs"], json!(["/metrics"]));
    }
}

#[test]
fn bad_usage_is_refused() {
    for (arguments, expected) in [
        (&["--component", "base"][..], "base is no component"),
        (&["--image"], "--image has no value"),
        (&["--imag", "a"], "--imag is not a flag"),
        (&["--image", "a b"], "has a space"),
    ] {
        let output = Command::new(directory().join("build")).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
    // The components that the message names are those of the test above, and there are no others.
    let mut components: Vec<_> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| {
            let text = fs::read_to_string(folder.join("kustomization.yaml")).unwrap_or_default();
            text.contains("\nkind: Component\n")
        })
        .map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    components.sort_by_key(|name| COMPONENTS.iter().position(|one| one == name));
    assert_eq!(components, COMPONENTS);
    let script = fs::read_to_string(directory().join("build")).unwrap();
    assert!(script.contains(&COMPONENTS.join(", ")));
}
