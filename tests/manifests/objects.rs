//! Objects, read from files or from a program's output.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        batch::v1::Job,
        core::v1::{ConfigMap, Container, Namespace, Secret, Service, ServiceAccount},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
        rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding},
    },
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use metrics_server::flags::Flags;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::tools;

/// Objects by kind and name.
pub(super) struct Manifests(pub(super) BTreeMap<(String, String), Value>);

// === impl Manifests ===

impl Manifests {
    pub(super) fn read(text: &str) -> Self {
        let objects: Vec<Value> = serde_yaml::from_multiple(text).unwrap();
        let objects = objects.into_iter().filter(|object| !object.is_null());
        let key = |object: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&object["kind"]), text(&object["metadata"]["name"]))
        };
        Self(objects.map(|object| (key(&object), object)).collect())
    }

    pub(super) fn base() -> Self {
        let files = ["rbac", "service", "deployment", "apiservice"];
        let texts = files
            .map(|file| fs::read_to_string(directory().join(format!("base/{file}.yaml"))).unwrap());
        Self::read(&texts.join("\n---\n"))
    }

    /// The component that adds `metrics.k8s.io/v1`.
    pub(super) fn v1() -> Self {
        Self::read(&fs::read_to_string(directory().join("v1/apiservice.yaml")).unwrap())
    }

    /// The check before a server is swapped.
    pub(super) fn check() -> Self {
        let texts = ["job", "rbac"].map(|file| {
            fs::read_to_string(directory().join(format!("check/{file}.yaml"))).unwrap()
        });
        Self::read(&texts.join("\n---\n"))
    }

    pub(super) fn get<T: DeserializeOwned>(&self, kind: &str, name: &str) -> T {
        let object = &self.0[&(kind.to_owned(), name.to_owned())];
        serde_json::from_value(object.clone())
            .unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
    }

    /// Every object, as its type has it: what a type does not know is a mistake.
    pub(super) fn check_types(&self) {
        for ((kind, name), object) in &self.0 {
            let again = match kind.as_str() {
                "APIService" => round_trip::<APIService>(object),
                "ConfigMap" => round_trip::<ConfigMap>(object),
                "Namespace" => round_trip::<Namespace>(object),
                "NetworkPolicy" => round_trip::<NetworkPolicy>(object),
                "ClusterRole" => round_trip::<ClusterRole>(object),
                "ClusterRoleBinding" => round_trip::<ClusterRoleBinding>(object),
                "Deployment" => round_trip::<Deployment>(object),
                "Job" => round_trip::<Job>(object),
                "PodDisruptionBudget" => round_trip::<PodDisruptionBudget>(object),
                "Role" => round_trip::<Role>(object),
                "RoleBinding" => round_trip::<RoleBinding>(object),
                "Secret" => round_trip::<Secret>(object),
                "Service" => round_trip::<Service>(object),
                "ServiceAccount" => round_trip::<ServiceAccount>(object),
                // Of cert-manager and the Prometheus Operator, which Kubernetes does not know.
                "Certificate" | "Issuer" | "ServiceMonitor" => continue,
                _ => panic!("{kind} {name} has no business here"),
            };
            assert_eq!(again, *object, "{kind} {name}");
        }
    }

    /// The only one.
    pub(super) fn deployment(&self) -> Deployment {
        let mut names = self.0.keys().filter(|(kind, _)| kind == "Deployment");
        let (kind, name) = names.next().unwrap();
        assert_eq!(names.next(), None);
        self.get(kind, name)
    }

    /// The server's, which is the first one.
    pub(super) fn container(&self) -> Container {
        self.deployment().spec.template.spec.unwrap().containers.remove(0)
    }

    pub(super) fn flags(&self) -> Flags {
        Flags::parse_from_args(self.container().args.unwrap()).unwrap()
    }
}

fn round_trip<T: DeserializeOwned + serde::Serialize>(object: &Value) -> Value {
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    serde_json::to_value(typed).unwrap()
}

pub(super) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kind-config")
}

/// What `kubectl kustomize` makes of a folder; `None`, with the reason printed, where there is no
/// kubectl.
pub(super) fn kustomized(folder: &str) -> Option<Manifests> {
    let output = tools::kubectl()?.arg("kustomize").arg(directory().join(folder)).output().unwrap();
    assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
    Some(Manifests::read(&String::from_utf8(output.stdout).unwrap()))
}
