//! What one scrape of one kubelet reported.

use super::decode::Conflicts;

/// One container's or node's counters at a moment. Times are nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// When it started, where known; its CPU counter was zero then.
    pub start: Option<i64>,
    /// When it was measured; `None` until a counter with a time was seen.
    pub time: Option<i64>,
    /// CPU used since the start, in core-nanoseconds.
    pub cpu: u64,
    /// Working set, in bytes.
    pub memory: u64,
}

/// What one scrape of one kubelet reported, complete points only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The node itself.
    pub node: Option<Point>,
    /// Its pods, ordered by namespace and name.
    pub pods: Vec<PodSample>,
    /// Pods that it mentions and that are none of `pods`.
    pub left_out: Vec<LeftOut>,
    /// What of the response was dropped, if anything.
    pub dropped: Option<Box<Dropped>>,
}

/// What was dropped from a response because it cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many lines cannot be parsed.
    pub lines: usize,
    /// What is wrong with the first of them.
    pub first: String,
    /// How many series have a label longer than `limit`.
    pub long_labels: usize,
    /// The most bytes of a label.
    pub limit: usize,
    /// What came twice with different values.
    pub conflicts: Conflicts,
}

/// A pod whose usage would be wrong: one of its containers was caught half-measured, or was
/// reported twice with different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Namespace.
    pub namespace: Box<str>,
    /// Name.
    pub pod: Box<str>,
    /// The first such container.
    pub container: Box<str>,
    /// What its kubelet reported, such as `no (or zero) CPU usage`.
    pub reason: &'static str,
}

/// One pod in a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// Namespace.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// Its containers, ordered by name.
    pub containers: Vec<ContainerSample>,
}

/// One container in a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSample {
    /// Name.
    pub name: Box<str>,
    /// Its counters.
    pub point: Point,
}

// === impl Sample ===

impl Sample {
    /// The time of its newest point.
    pub fn newest(&self) -> Option<i64> {
        let containers = self.pods.iter().flat_map(|pod| &pod.containers);
        containers
            .map(|container| &container.point)
            .chain(&self.node)
            .filter_map(|point| point.time)
            .max()
    }
}
