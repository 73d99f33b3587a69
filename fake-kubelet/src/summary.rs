//! `/stats/summary` as Kubernetes 1.36's kubelet writes it. The form with CPU and memory alone was
//! recorded; the rest has the fields, in their order, of
//! `k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go`.

mod constants;
mod resources;

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::{
    constants::{FsStats, IoStats, NetworkStats, ProcessStats, RlimitStats, RuntimeStats},
    resources::{CpuStats, MemoryStats, Of, Psi, SwapStats},
};
use crate::sample::{ContainerSample, Measured, Measurements, NodeSample, PodSample};

/// A kubelet's summary of its node. Fields in the order in which Go writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    node: NodeStats,
    pods: Vec<PodStats>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NodeStats {
    node_name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    system_containers: Vec<ContainerStats>,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    io: Option<IoStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fs: Option<FsStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<RuntimeStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rlimit: Option<RlimitStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swap: Option<SwapStats>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodStats {
    pod_ref: PodReference,
    start_time: String,
    containers: Vec<ContainerStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    io: Option<IoStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkStats>,
    #[serde(rename = "ephemeral-storage", skip_serializing_if = "Option::is_none")]
    ephemeral_storage: Option<FsStats>,
    #[serde(rename = "process_stats", skip_serializing_if = "Option::is_none")]
    process_stats: Option<ProcessStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swap: Option<SwapStats>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PodReference {
    name: String,
    namespace: String,
    uid: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContainerStats {
    name: String,
    start_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rootfs: Option<FsStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<FsStats>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swap: Option<SwapStats>,
}

// === impl Summary ===

impl Summary {
    /// The summary of a kubelet that measured `now`, and `before` the last time; of CPU and memory
    /// only, or of everything.
    pub fn new(
        name: &str,
        started: Timestamp,
        (before, now): (&NodeSample, &NodeSample),
        only_cpu_and_memory: bool,
    ) -> Self {
        let full = !only_cpu_and_memory;
        let at = now.node.cpu.map_or(started, |cpu| cpu.at);
        let node = NodeStats {
            node_name: name.to_owned(),
            system_containers: vec![pods_together(started, before, now)],
            start_time: second(started),
            cpu: CpuStats::new(Some(&before.node), &now.node, Of::Node),
            memory: MemoryStats::new(&now.node, Of::Node),
            io: full.then(|| IoStats::new(at)),
            network: full.then(|| NetworkStats::new(at)),
            fs: full.then(|| FsStats::new(at)),
            runtime: full.then(|| RuntimeStats::new(at)),
            rlimit: full.then(|| RlimitStats::new(at)),
            swap: SwapStats::new(&now.node, Of::Node),
        };
        let pod = |pod: &PodSample| {
            let same =
                |old: &&PodSample| (&old.namespace, &old.name) == (&pod.namespace, &pod.name);
            PodStats::new(pod, before.pods.iter().find(same), at, full)
        };
        Self { node, pods: now.pods.iter().map(pod).collect() }
    }

    /// As the kubelet writes it: JSON, indented by one space.
    pub fn render(&self) -> String {
        let mut out = Vec::new();
        let format = serde_json::ser::PrettyFormatter::with_indent(b" ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, format);
        let written = self.serialize(&mut serializer);
        debug_assert!(written.is_ok(), "strings and numbers always are JSON");
        String::from_utf8(out).unwrap_or_default()
    }
}

/// The cgroup of all pods.
fn pods_together(started: Timestamp, before: &NodeSample, now: &NodeSample) -> ContainerStats {
    let sum = |sample: &NodeSample, of: fn(&Measurements) -> Option<Measured>| {
        let at = sample.node.cpu?.at;
        let values =
            sample.pods.iter().filter_map(|pod| of(&pod.pod)).map(|measured| measured.value);
        Some(Measured { value: values.fold(0, u64::saturating_add), at })
    };
    let together = |sample| Measurements {
        cpu: sum(sample, |m| m.cpu),
        memory: sum(sample, |m| m.memory),
        swap: sum(sample, |m| m.swap),
    };
    let (before, now) = (together(before), together(now));
    ContainerStats {
        name: "pods".to_owned(),
        start_time: second(started),
        cpu: CpuStats::new(Some(&before), &now, Of::System),
        memory: MemoryStats::new(&now, Of::System),
        rootfs: None,
        logs: None,
        swap: SwapStats::new(&now, Of::System),
    }
}

// === impl PodStats ===

impl PodStats {
    fn new(pod: &PodSample, before: Option<&PodSample>, at: Timestamp, full: bool) -> Self {
        let started = pod.containers.iter().filter_map(|container| container.started).min();
        let container = |container: &ContainerSample| {
            let same = |old: &&ContainerSample| old.name == container.name;
            let before = before.and_then(|before| before.containers.iter().find(same));
            let before = before.map(|before| &before.container);
            ContainerStats {
                name: container.name.to_string(),
                start_time: second(container.started.unwrap_or(at)),
                cpu: CpuStats::new(before, &container.container, Of::Container),
                memory: MemoryStats::new(&container.container, Of::Container),
                rootfs: full.then(|| FsStats::new(at)),
                logs: full.then(|| FsStats::new(at)),
                swap: SwapStats::new(&container.container, Of::Container),
            }
        };
        Self {
            pod_ref: PodReference {
                name: pod.name.to_string(),
                namespace: pod.namespace.to_string(),
                uid: uid(pod),
            },
            start_time: second(started.unwrap_or(at)),
            containers: pod.containers.iter().map(container).collect(),
            cpu: CpuStats::new(before.map(|before| &before.pod), &pod.pod, Of::Pod),
            memory: MemoryStats::new(&pod.pod, Of::Pod),
            io: full.then(|| IoStats::new(at)),
            network: full.then(|| NetworkStats::new(at)),
            ephemeral_storage: full.then(|| FsStats::new(at)),
            process_stats: full.then(|| ProcessStats::new(pod.containers.len())),
            swap: SwapStats::new(&pod.pod, Of::Pod),
        }
    }
}

/// The same for a name in every run.
pub(crate) fn uid(pod: &PodSample) -> String {
    let mut hasher = DefaultHasher::new();
    (&pod.namespace, &pod.name).hash(&mut hasher);
    let low = hasher.finish();
    (low, "high").hash(&mut hasher);
    let bits = (u128::from(hasher.finish()) << 64 | u128::from(low)) & !(0xf << 76) | (4 << 76);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// As Go's `metav1.Time`: whole seconds.
pub(crate) fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests;
