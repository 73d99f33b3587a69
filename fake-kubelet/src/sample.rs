//! What a kubelet measured, as plain values: what `/metrics/resource` is rendered from.

use std::sync::Arc;

use jiff::Timestamp;

/// A value and when it was measured. The recorded kubelet measures each container at a moment of
/// its own, and swap apart from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Bytes, or nanoseconds of a core.
    pub value: u64,
    /// When it was measured; written in whole milliseconds.
    pub at: Timestamp,
}

/// One kubelet's sample of its node. What is `None` is left out of the exposition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSample {
    /// The node itself.
    pub node: Measurements,
    /// Its pods, in any order.
    pub pods: Vec<PodSample>,
    /// Whether the kubelet failed to measure. A real one then reports nothing else.
    pub failed: bool,
}

/// A pod's measurements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The pod as a whole.
    pub pod: Measurements,
    /// Its containers, in any order.
    pub containers: Vec<ContainerSample>,
}

/// A container's measurements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSample {
    /// Its name.
    pub name: Arc<str>,
    /// When it started.
    pub started: Option<Timestamp>,
    /// What it uses.
    pub container: Measurements,
    /// Swap limit in bytes.
    pub swap_limit: Option<Measured>,
}

/// What is measured of nodes, pods and containers alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measurements {
    /// CPU counter in nanoseconds of a core.
    pub cpu: Option<Measured>,
    /// Working set in bytes.
    pub memory: Option<Measured>,
    /// Swap in use, in bytes.
    pub swap: Option<Measured>,
}

// === impl NodeSample ===

impl NodeSample {
    /// Counters without their values in `before`, for objects that are there too.
    pub(crate) fn count_from(&mut self, before: &Self) {
        self.node.count_from(Some(&before.node));
        for pod in &mut self.pods {
            let same = |p: &&PodSample| p.namespace == pod.namespace && p.name == pod.name;
            let old = before.pods.iter().find(same);
            pod.pod.count_from(old.map(|old| &old.pod));
            for container in &mut pod.containers {
                let old =
                    old.and_then(|old| old.containers.iter().find(|c| c.name == container.name));
                container.container.count_from(old.map(|old| &old.container));
            }
        }
    }
}

// === impl Measurements ===

impl Measurements {
    /// CPU and memory as given and no swap in use, all measured at the same moment.
    pub fn at(at: Timestamp, cpu: u64, memory: u64) -> Self {
        let measured = |value| Some(Measured { value, at });
        Self { cpu: measured(cpu), memory: measured(memory), swap: measured(0) }
    }

    fn count_from(&mut self, before: Option<&Self>) {
        if let (Some(cpu), Some(before)) = (&mut self.cpu, before.and_then(|b| b.cpu)) {
            cpu.value = cpu.value.saturating_sub(before.value);
        }
    }
}
