//! A scenario's cluster, as the objects and kubelets that make it up.

use std::collections::BTreeMap;

use fake_kubelet::Sources;
use jiff::Timestamp;
use k8s_openapi::{
    api::{
        core::v1::{self as core, NodeStatus, PodSpec, PodStatus},
        rbac::v1::PolicyRule,
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{ObjectMeta, Time},
    },
};

use crate::file::format;

const DEFAULT_START: Timestamp = Timestamp::constant(1_546_595_580, 0);
const DEFAULT_VERSION: &str = "v1.36.2";

/// When the cluster's clock starts.
pub(super) fn start(spec: &format::Spec) -> Timestamp {
    spec.clock.map_or(DEFAULT_START, |clock| clock.0)
}

/// The nodes, templates expanded.
pub(super) fn nodes(spec: &format::Spec) -> Vec<format::Node> {
    spec.nodes.iter().flat_map(format::Node::expand).collect()
}

/// The Node object.
pub(super) fn node_object(node: &format::Node, sources: Sources<'_>) -> core::Node {
    let mut labels = BTreeMap::from([
        ("kubernetes.io/hostname".to_owned(), node.name.clone()),
        ("kubernetes.io/os".to_owned(), "linux".to_owned()),
    ]);
    labels.extend(node.labels.clone());
    let resources = node.allocatable.as_ref().map_or_else(default_resources, |allocatable| {
        resources(&allocatable.cpu.0.to_string(), &allocatable.memory.0.to_string())
    });
    let ready = node.ready.unwrap_or(true);
    core::Node {
        metadata: ObjectMeta {
            name: Some(node.name.clone()),
            labels: Some(labels),
            annotations: Some(node.annotations.clone())
                .filter(|annotations| !annotations.is_empty()),
            creation_timestamp: Some(Time(sources.started(node))),
            ..ObjectMeta::default()
        },
        status: Some(NodeStatus {
            addresses: Some(node.addresses.iter().map(node_address).collect()),
            allocatable: Some(resources.clone()),
            capacity: Some(resources),
            conditions: Some(vec![core::NodeCondition {
                type_: "Ready".to_owned(),
                status: if ready { "True" } else { "False" }.to_owned(),
                reason: Some(if ready { "KubeletReady" } else { "KubeletNotReady" }.to_owned()),
                ..core::NodeCondition::default()
            }]),
            daemon_endpoints: Some(core::NodeDaemonEndpoints {
                kubelet_endpoint: Some(core::DaemonEndpoint { port: i32::from(node.port()) }),
            }),
            node_info: Some(core::NodeSystemInfo {
                kubelet_version: node.version.clone().unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
                operating_system: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                ..core::NodeSystemInfo::default()
            }),
            ..NodeStatus::default()
        }),
        ..core::Node::default()
    }
}

fn default_resources() -> BTreeMap<String, Quantity> {
    resources("4", "8Gi")
}

fn resources(cpu: &str, memory: &str) -> BTreeMap<String, Quantity> {
    let quantity = |text: &str| Quantity(text.to_owned());
    BTreeMap::from([("cpu".to_owned(), quantity(cpu)), ("memory".to_owned(), quantity(memory))])
}

fn node_address(address: &format::Address) -> core::NodeAddress {
    core::NodeAddress { type_: address.kind.as_str().to_owned(), address: address.address.clone() }
}

/// The Pod objects of a node.
pub(super) fn pod_objects(node: &format::Node, sources: Sources<'_>) -> Vec<core::Pod> {
    node.pods.iter().map(|pod| pod_object(pod, &node.name, sources.started(node))).collect()
}

pub(super) fn pod_object(pod: &format::Pod, node: &str, started: Timestamp) -> core::Pod {
    let since = |container: &format::Container| container.started.map_or(started, |at| at.0);
    let created = pod.containers.iter().map(since).min().unwrap_or(started);
    let status = |container: &format::Container| core::ContainerStatus {
        name: container.name.clone(),
        ready: true,
        started: Some(true),
        state: Some(core::ContainerState {
            running: Some(core::ContainerStateRunning { started_at: Some(Time(since(container))) }),
            ..core::ContainerState::default()
        }),
        ..core::ContainerStatus::default()
    };
    core::Pod {
        metadata: ObjectMeta {
            name: Some(pod.name.clone()),
            namespace: Some(pod.namespace().to_owned()),
            labels: Some(pod.labels.clone()).filter(|labels| !labels.is_empty()),
            creation_timestamp: Some(Time(created)),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            node_name: Some(node.to_owned()),
            containers: pod
                .containers
                .iter()
                .map(|container| core::Container {
                    name: container.name.clone(),
                    ..core::Container::default()
                })
                .collect(),
            ..PodSpec::default()
        }),
        status: Some(PodStatus {
            phase: Some("Running".to_owned()),
            start_time: Some(Time(created)),
            container_statuses: Some(pod.containers.iter().map(status).collect()),
            ..PodStatus::default()
        }),
    }
}

/// Rules of a scenario, as RBAC has them.
pub(super) fn rules(rules: &[format::Rule]) -> Vec<PolicyRule> {
    let some = |list: &[String]| Some(list.to_vec()).filter(|list| !list.is_empty());
    rules
        .iter()
        .map(|rule| PolicyRule {
            api_groups: Some(rule.api_groups.clone().unwrap_or_else(|| vec![String::new()])),
            resources: some(&rule.resources),
            non_resource_urls: some(&rule.non_resource_urls),
            verbs: rule.verbs.clone(),
            ..PolicyRule::default()
        })
        .collect()
}

/// The rules of the metrics server's role: those given, or those of the Go server's manifests.
pub(super) fn role(given: Option<&[format::Rule]>) -> Vec<PolicyRule> {
    let rule = |resources: &[&str], verbs: &[&str]| PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(resources.iter().map(ToString::to_string).collect()),
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..PolicyRule::default()
    };
    match given {
        Some(given) => rules(given),
        None => vec![
            rule(&["nodes/metrics"], &["get"]),
            rule(&["pods", "nodes"], &["get", "list", "watch"]),
        ],
    }
}
