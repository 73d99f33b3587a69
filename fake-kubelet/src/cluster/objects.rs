//! The Node, Lease and Pod objects.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        coordination::v1::{Lease, LeaseSpec},
        core::v1::{
            Container, ContainerState, ContainerStateRunning, ContainerStatus, DaemonEndpoint,
            HostIP, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec, NodeStatus,
            NodeSystemInfo, Pod, PodCondition, PodIP, PodSpec, PodStatus, Taint, Toleration,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference, Time},
    },
};

use kube::ResourceExt;
use serde_json::Value;

use super::{ClusterNode, Ownership};
use crate::config::TaintConfig;

/// Where the Leases of nodes are.
pub(super) const LEASES: &str = "kube-node-lease";

/// `nodeLeaseDurationSeconds`, which the node controller waits before it gives a node up.
const LEASE_SECONDS: i32 = 40;

/// The key of the default taint.
const TAINT: &str = "fake-kubelet.dev/node";

/// Never pulled.
const IMAGE: &str = "fake-kubelet.dev/nothing";

/// The kubelet's version where the configuration has none.
const DEFAULT_VERSION: &str = "v1.36.2";

/// The conditions of a healthy node, in the order and with the texts of the real kubelet.
const CONDITIONS: [(&str, &str, &str, &str); 4] = [
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
];

/// The Node object of a node.
pub(super) fn node(cluster_node: &ClusterNode, ownership: &Ownership, now: Timestamp) -> Node {
    let (config, host) = (&cluster_node.config.node, &cluster_node.config.host);
    let own = [
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/hostname", &cluster_node.name),
        ("kubernetes.io/os", "linux"),
    ];
    let mut all: BTreeMap<_, _> =
        own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    all.extend(config.labels.clone());
    let mut metadata = ObjectMeta {
        name: Some(cluster_node.name.clone()),
        labels: Some(all),
        annotations: Some(config.annotations.clone()),
        owner_references: ownership.references(),
        ..ObjectMeta::default()
    };
    ownership.apply_to(&mut metadata);
    let taints = match &host.taints {
        Some(taints) => taints.iter().map(taint).collect(),
        None => vec![Taint {
            key: TAINT.to_owned(),
            value: Some(ownership.owner.clone()),
            effect: "NoSchedule".to_owned(),
            ..Taint::default()
        }],
    };
    Node {
        metadata,
        spec: Some(NodeSpec { taints: Some(taints), ..NodeSpec::default() }),
        status: Some(node_status(cluster_node, now)),
    }
}

/// Adds to a merge patch of a node's metadata what takes away the labels and annotations that it had
/// before and shall not have.
pub(super) fn without(patch: &mut Value, before: &Node, wanted: &Node) {
    for (field, before, wanted) in [
        ("labels", before.labels(), wanted.labels()),
        ("annotations", before.annotations(), wanted.annotations()),
    ] {
        for name in before.keys().filter(|name| !wanted.contains_key(*name)) {
            patch[field][name] = Value::Null;
        }
    }
}

/// A node's status.
pub(super) fn node_status(cluster_node: &ClusterNode, now: Timestamp) -> NodeStatus {
    let (config, host) = (&cluster_node.config.node, &cluster_node.config.host);
    let capacity: BTreeMap<_, _> =
        host.capacity().into_iter().map(|(name, amount)| (name, Quantity(amount))).collect();
    let mut allocatable = capacity.clone();
    if let Some(amounts) = config.allocatable {
        allocatable.insert("cpu".to_owned(), Quantity(amounts.cpu.0.to_string()));
        allocatable.insert("memory".to_owned(), Quantity(amounts.memory.0.to_string()));
    }
    let address = |kind: &str, address: String| NodeAddress { type_: kind.to_owned(), address };
    let addresses = if config.addresses.is_empty() {
        vec![
            address(cluster_node.address_type.as_str(), cluster_node.address.to_string()),
            address("Hostname", cluster_node.name.clone()),
        ]
    } else {
        let each = config.addresses.iter();
        each.map(|it| address(it.kind.as_str(), it.address.clone())).collect()
    };
    let not_ready = ("Ready", "False", "KubeletNotReady", "kubelet is not ready");
    let condition = |condition: (&str, &str, &str, &str)| {
        let (kind, status, reason, message) = match condition {
            ("Ready", ..) if config.ready == Some(false) => not_ready,
            condition => condition,
        };
        NodeCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(Time(now)),
            last_transition_time: Some(Time(cluster_node.since)),
        }
    };
    NodeStatus {
        addresses: Some(addresses),
        daemon_endpoints: Some(NodeDaemonEndpoints {
            kubelet_endpoint: Some(DaemonEndpoint { port: i32::from(cluster_node.port) }),
        }),
        capacity: Some(capacity),
        allocatable: Some(allocatable),
        conditions: Some(CONDITIONS.map(condition).into()),
        node_info: Some(NodeSystemInfo {
            architecture: "amd64".to_owned(),
            operating_system: "linux".to_owned(),
            kubelet_version: config.version.clone().unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
            os_image: "fake-kubelet".to_owned(),
            container_runtime_version: "fake://1".to_owned(),
            ..NodeSystemInfo::default()
        }),
        ..NodeStatus::default()
    }
}

/// A node's Lease.
pub(super) fn lease(node: &str, uid: &str, ownership: &Ownership, now: Timestamp) -> Lease {
    let mut metadata = ObjectMeta {
        namespace: Some(LEASES.to_owned()),
        name: Some(node.to_owned()),
        owner_references: Some(vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            name: node.to_owned(),
            uid: uid.to_owned(),
            ..OwnerReference::default()
        }]),
        ..ObjectMeta::default()
    };
    ownership.apply_to(&mut metadata);
    let spec = LeaseSpec {
        holder_identity: Some(node.to_owned()),
        lease_duration_seconds: Some(LEASE_SECONDS),
        renew_time: Some(MicroTime(now)),
        ..LeaseSpec::default()
    };
    Lease { metadata, spec: Some(spec) }
}

/// A pod of the configuration, bound to its node.
pub(super) fn pod(config: &cluster_format::Pod, node: &str, ownership: &Ownership) -> Pod {
    let mut metadata = ObjectMeta {
        namespace: Some(config.namespace().to_owned()),
        labels: Some(config.labels.clone()),
        name: Some(config.name.clone()),
        owner_references: ownership.references(),
        ..ObjectMeta::default()
    };
    ownership.apply_to(&mut metadata);
    let container = |name: &String| Container {
        name: name.clone(),
        image: Some(IMAGE.to_owned()),
        ..Container::default()
    };
    let spec = PodSpec {
        node_name: Some(node.to_owned()),
        containers: config.containers.iter().map(|c| container(&c.name)).collect(),
        tolerations: Some(vec![Toleration {
            operator: Some("Exists".to_owned()),
            ..Toleration::default()
        }]),
        // Where its node is gone, or this program, no kubelet confirms that it has ended.
        termination_grace_period_seconds: Some(0),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        ..PodSpec::default()
    };
    Pod { metadata, spec: Some(spec), status: None }
}

/// The status of a pod that runs.
pub(super) fn running(pod: &Pod, host: IpAddr, ip: Ipv4Addr, now: Timestamp) -> PodStatus {
    let spec = pod.spec.as_ref();
    let ip = match spec.and_then(|spec| spec.host_network) {
        Some(true) => host,
        _ => ip.into(),
    };
    let condition = |kind: &str| PodCondition {
        type_: kind.to_owned(),
        status: "True".to_owned(),
        last_transition_time: Some(Time(now)),
        ..PodCondition::default()
    };
    let container = |container: &Container| ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        ready: true,
        started: Some(true),
        state: Some(ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(Time(now)) }),
            ..ContainerState::default()
        }),
        ..ContainerStatus::default()
    };
    let conditions =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    PodStatus {
        phase: Some("Running".to_owned()),
        conditions: Some(conditions.map(condition).into()),
        host_ip: Some(host.to_string()),
        host_ips: Some(vec![HostIP { ip: host.to_string() }]),
        pod_ip: Some(ip.to_string()),
        pod_ips: Some(vec![PodIP { ip: ip.to_string() }]),
        start_time: Some(Time(now)),
        container_statuses: spec.map(|spec| spec.containers.iter().map(container).collect()),
        init_container_statuses: spec
            .and_then(|spec| spec.init_containers.as_ref())
            .map(|sidecars| sidecars.iter().filter(|c| is_sidecar(c)).map(container).collect()),
        ..PodStatus::default()
    }
}

/// Whether an init container keeps running beside the others.
pub(super) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

fn taint(config: &TaintConfig) -> Taint {
    Taint {
        key: config.key.clone(),
        value: config.value.clone(),
        effect: config.effect.clone(),
        ..Taint::default()
    }
}
