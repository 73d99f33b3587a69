//! What is installed in clusters: that it is what Kubernetes reads, that its parts fit together,
//! and that the server takes the flags it is started with.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, and says what it skips"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Container, Namespace, Service, ServiceAccount},
        policy::v1::PodDisruptionBudget,
        rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding},
    },
    apimachinery::pkg::util::intstr::IntOrString,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use metrics_server::flags::Flags;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Objects by kind and name.
struct Manifests(BTreeMap<(String, String), Value>);

/// The objects of the Go server's manifests, by the names under which others know them.
const GO_SERVERS: [(&str, &str); 9] = [
    ("APIService", "v1beta1.metrics.k8s.io"),
    ("ClusterRole", "system:aggregated-metrics-reader"),
    ("ClusterRole", "system:metrics-server"),
    ("ClusterRoleBinding", "metrics-server:system:auth-delegator"),
    ("ClusterRoleBinding", "system:metrics-server"),
    ("Deployment", "metrics-server"),
    ("RoleBinding", "metrics-server-auth-reader"),
    ("Service", "metrics-server"),
    ("ServiceAccount", "metrics-server"),
];

// === impl Manifests ===

impl Manifests {
    fn read(text: &str) -> Self {
        let objects: Vec<Value> = serde_yaml::from_multiple(text).unwrap();
        let objects = objects.into_iter().filter(|object| !object.is_null());
        let key = |object: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&object["kind"]), text(&object["metadata"]["name"]))
        };
        Self(objects.map(|object| (key(&object), object)).collect())
    }

    fn base() -> Self {
        let files = ["rbac", "service", "deployment", "apiservice"];
        let texts = files
            .map(|file| fs::read_to_string(directory().join(format!("base/{file}.yaml"))).unwrap());
        Self::read(&texts.join("\n---\n"))
    }

    /// The component that adds `metrics.k8s.io/v1`.
    fn v1() -> Self {
        Self::read(&fs::read_to_string(directory().join("v1/apiservice.yaml")).unwrap())
    }

    fn get<T: DeserializeOwned>(&self, kind: &str, name: &str) -> T {
        let object = &self.0[&(kind.to_owned(), name.to_owned())];
        serde_json::from_value(object.clone())
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
    }

    /// Every object, as its type has it: what a type does not know is a mistake.
    fn check_types(&self) {
        for ((kind, name), object) in &self.0 {
            let again = match kind.as_str() {
                "APIService" => round_trip::<APIService>(object),
                "ConfigMap" => round_trip::<ConfigMap>(object),
                "Namespace" => round_trip::<Namespace>(object),
                "ClusterRole" => round_trip::<ClusterRole>(object),
                "ClusterRoleBinding" => round_trip::<ClusterRoleBinding>(object),
                "Deployment" => round_trip::<Deployment>(object),
                "PodDisruptionBudget" => round_trip::<PodDisruptionBudget>(object),
                "RoleBinding" => round_trip::<RoleBinding>(object),
                "Service" => round_trip::<Service>(object),
                "ServiceAccount" => round_trip::<ServiceAccount>(object),
                _ => panic!("{kind} {name} has no business here"),
            };
            assert_eq!(again, *object, "{kind} {name}");
        }
    }

    fn container(&self) -> Container {
        let deployment: Deployment = self.get("Deployment", "metrics-server");
        deployment.spec.template.spec.unwrap().containers.remove(0)
    }

    fn flags(&self) -> Flags {
        Flags::parse_from_args(self.container().args.unwrap()).unwrap()
    }
}

fn round_trip<T: DeserializeOwned + serde::Serialize>(object: &Value) -> Value {
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    serde_json::to_value(typed).unwrap()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kind-config")
}

/// What `kubectl kustomize` makes of a folder; `None`, with the reason printed, where there is no
/// kubectl.
fn kustomized(folder: &str) -> Option<Manifests> {
    let output =
        match Command::new("kubectl").arg("kustomize").arg(directory().join(folder)).output() {
            Ok(output) => output,
            Err(error) => {
                eprintln!("skipped: kubectl cannot be run: {error}");
                return None;
            }
        };
    assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
    Some(Manifests::read(&String::from_utf8(output.stdout).unwrap()))
}

#[test]
fn every_object_is_what_kubernetes_reads() {
    let manifests = Manifests::base();
    manifests.check_types();
    for (kind, name) in GO_SERVERS {
        assert!(manifests.0.contains_key(&(kind.to_owned(), name.to_owned())), "no {kind} {name}");
    }
    assert_eq!(manifests.0.len(), GO_SERVERS.len(), "nothing is left where the Go server is back");
    let v1 = Manifests::v1();
    v1.check_types();
    assert_eq!(v1.0.len(), 1);
}

/// The way back to the Go server: it ends at arguments that it does not know, and an APIService that
/// it does not serve keeps namespaces from ending.
#[test]
fn the_way_back_undoes_what_the_go_server_does_not_know() {
    let page = fs::read_to_string(directory().join("../docs/migrating.md")).unwrap();
    let (_, back) = page.split_once("## The way back").unwrap();
    let (back, _) = back.split_once("\n## ").unwrap();
    let upstream = include_str!("../src/flags/upstream.txt");
    let known: Vec<_> = upstream.lines().filter_map(|line| line.split(' ').next()).collect();
    let args = Manifests::base().container().args.unwrap();
    let ours: Vec<_> = args
        .iter()
        .filter_map(|arg| arg.trim_start_matches('-').split('=').next())
        .filter(|flag| !known.contains(flag))
        .collect();
    assert_eq!(ours, ["kubelet-address-fallback"]);
    for flag in ours {
        assert!(back.contains(&format!("`--{flag}`")), "{flag}");
    }
    for (_, name) in Manifests::v1().0.keys() {
        assert!(back.contains(&format!("kubectl delete apiservice {name} ")), "{name}");
    }
    for folder in page.split("--kustomize ").skip(1) {
        let folder = folder.split(['`', '\n', ',', ' ']).next().unwrap();
        let file = directory().join("..").join(folder).join("kustomization.yaml");
        assert!(folder.is_empty() || file.is_file(), "{folder}");
    }
}

#[test]
fn the_objects_refer_to_each_other() {
    let manifests = Manifests::base();
    let deployment: Deployment = manifests.get("Deployment", "metrics-server");
    let service: Service = manifests.get("Service", "metrics-server");
    let spec = deployment.spec;
    let labels = spec.template.metadata.unwrap().labels;
    assert_eq!(spec.selector.match_labels, labels);
    let service_spec = service.spec.unwrap();
    assert_eq!(service_spec.selector, labels);

    let port = service_spec.ports.unwrap().remove(0);
    let container = manifests.container();
    let named = container.ports.unwrap().remove(0);
    assert_eq!(port.target_port, Some(IntOrString::String(named.name.unwrap())));
    assert_eq!(named.container_port, i32::from(manifests.flags().serving.secure_port));
    for (version, manifests) in [("v1beta1", &manifests), ("v1", &Manifests::v1())] {
        let api: APIService = manifests.get("APIService", &format!("{version}.metrics.k8s.io"));
        let spec = api.spec.unwrap();
        assert_eq!(spec.version.as_deref(), Some(version));
        assert_eq!(spec.service.unwrap().name.as_deref(), Some("metrics-server"));
    }

    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.service_account_name.as_deref(), Some("metrics-server"));
    let mounts = container.volume_mounts.unwrap();
    let volumes = pod.volumes.unwrap();
    assert!(mounts.iter().all(|mount| volumes.iter().any(|volume| volume.name == mount.name)));
}

#[test]
fn the_pod_may_do_as_little_as_possible() {
    let manifests = Manifests::base();
    let deployment: Deployment = manifests.get("Deployment", "metrics-server");
    let pod = deployment.spec.template.spec.unwrap();
    assert_eq!(pod.priority_class_name.as_deref(), Some("system-cluster-critical"));
    let pod_context = pod.security_context.unwrap();
    assert_eq!(pod_context.run_as_non_root, Some(true));
    assert_eq!(pod_context.seccomp_profile.unwrap().type_, "RuntimeDefault");
    let context = manifests.container().security_context.unwrap();
    assert_eq!(context.allow_privilege_escalation, Some(false));
    assert_eq!(context.read_only_root_filesystem, Some(true));
    assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));

    let role: ClusterRole = manifests.get("ClusterRole", "system:metrics-server");
    let verbs: Vec<_> = role.rules.unwrap().into_iter().flat_map(|rule| rule.verbs).collect();
    assert!(
        verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str())),
        "{verbs:?}"
    );
}

#[test]
fn the_server_takes_its_flags() {
    let flags = Manifests::base().flags();
    assert_eq!(flags.kubelet.kubelet_preferred_address_types[0][0], "InternalIP");
    assert!(
        !flags.kubelet.kubelet_insecure_tls,
        "kubelets are verified unless someone gives that up"
    );
}

/// `kubectl apply --dry-run=client` reads discovery from an API server; with `--local`, kubectl
/// needs none.
#[test]
fn kubectl_takes_every_object_in_a_dry_run() {
    for folder in ["base", "ha", "kind", "v1", "fake-nodes"] {
        let Some(Manifests(objects)) = kustomized(folder) else { return };
        let items: Vec<_> = objects.values().collect();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, list.to_string()).unwrap();
        let output = Command::new("kubectl")
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

/// What the image is called, and that the stages of the Dockerfile are those that the docs name;
/// what is built without naming one is the metrics server.
#[test]
fn the_dockerfile_builds_both_images() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let dockerfile = read("Dockerfile");
    let stages = dockerfile.lines().filter_map(|line| line.strip_prefix("FROM scratch AS "));
    assert_eq!(stages.collect::<Vec<_>>(), ["fake-kubelet", "metrics-server"]);
    assert!(dockerfile.ends_with("ENTRYPOINT [\"/metrics-server\"]\n"), "{dockerfile}");
    let image = concat!("fake-kubelet:v", env!("CARGO_PKG_VERSION"));
    let build = format!("docker build --tag {image} --target fake-kubelet .");
    assert!(dockerfile.contains(&build) && read("docs/fake-kubelet.md").contains(&build));
    assert!(read("kind-config/fake-nodes/deployment.yaml").contains(&format!("image: {image}\n")));
}

#[test]
fn the_cluster_routes_to_pods() {
    let text = fs::read_to_string(directory().join("cluster.yaml")).unwrap();
    let cluster: Value = serde_yaml::from_str(&text).unwrap();
    let nodes = cluster["nodes"].as_array().unwrap();
    let roles: Vec<_> = nodes.iter().map(|node| node["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["control-plane", "worker", "worker"]);
    let patch: Value =
        serde_yaml::from_str(nodes[0]["kubeadmConfigPatches"][0].as_str().unwrap()).unwrap();
    assert_eq!(patch["apiServer"]["extraArgs"]["enable-aggregator-routing"], "true");
}

/// The image in the manifests is the one that the end-to-end run builds, at this version.
#[test]
fn the_image_is_the_one_that_is_built() {
    let image = Manifests::base().container().image.unwrap();
    assert_eq!(image, concat!("metrics-server:v", env!("CARGO_PKG_VERSION")));
    let script = fs::read_to_string(directory().join("e2e.sh")).unwrap();
    assert!(script.contains(&format!("image={image}\n")));
}
