//! The points of one body while it is read.

use std::{borrow::Cow, collections::BTreeMap};

use super::{ContainerSample, Family, LeftOut, Of, PodSample, Point, Sample, Series};

/// The latest start, in seconds since the Unix epoch: in 2262, 64 bits of nanoseconds are over.
const LATEST: f64 = (i64::MAX / 1_000_000_000) as f64;

/// What identifies a container, in the order in which kubelets sort series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'b> {
    pub(super) container: Cow<'b, str>,
    pub(super) namespace: Cow<'b, str>,
    pub(super) pod: Cow<'b, str>,
}

/// Points of the node and its containers.
#[derive(Default)]
pub(super) struct Points<'b> {
    node: Point,
    containers: Containers<'b>,
}

/// Containers while they come in.
#[derive(Default)]
struct Containers<'b> {
    /// In order, and no key twice.
    sorted: Vec<(Key<'b>, Point)>,
    /// Where in `sorted` the next series belongs, if it goes on like the family before.
    next: usize,
    /// All containers, `sorted` none, once one came that was out of order. Inserting it would let
    /// a hostile body take quadratic time.
    unsorted: BTreeMap<Key<'b>, Point>,
}

// === impl Points ===

impl<'b> Points<'b> {
    /// Takes one series in; false when it says what cannot be: Go would make 9 EB of an infinite
    /// memory, and the year 1677 of one after 2262.
    pub(super) fn take(&mut self, series: Series<'b>, default_time: i64) -> bool {
        let Series { of, family, value, time } = series;
        let time = time.unwrap_or(default_time).checked_mul(1_000_000);
        let most = if family == Family::Start { LATEST } else { f64::MAX };
        let sound = (0.0..=most).contains(&value) && time.is_some();
        let point = match of {
            Of::Node if !sound => return false,
            Of::Node => &mut self.node,
            // The container is known to be there, even if it is not measured.
            Of::Container(key) => self.containers.point(key),
        };
        if !sound {
            return false;
        }
        match family {
            Family::Cpu => (point.cpu, point.time) = ((value * 1e9) as u64, time),
            Family::Memory => (point.memory, point.time) = (value as u64, time),
            Family::Start => point.start = Some((value * 1e9) as i64),
        }
        true
    }

    /// What is known of the node.
    pub(super) fn set_node(&mut self, point: Point) {
        self.node = point;
    }

    /// What is known of a container.
    pub(super) fn set_container(&mut self, key: Key<'b>, point: Point) {
        *self.containers.point(key) = point;
    }

    /// A node or container without CPU or memory was caught half-measured: the node is left out,
    /// and so is the container's whole pod, whose sum would mislead autoscalers.
    pub(super) fn complete(self) -> Sample {
        let node = Some(self.node).filter(|node| node.time.is_some() && is_measured(node));
        let containers = self.containers.by_pod();
        let (mut pods, mut left_out) = (Vec::new(), Vec::new());
        for pod in containers.chunk_by(|(one, _), (next, _)| one.pod_name() == next.pod_name()) {
            match pod.iter().find(|(_, point)| !is_measured(point)) {
                None => pods.push(sample_of(pod)),
                Some((key, point)) => left_out.push(LeftOut {
                    namespace: (*key.namespace).into(),
                    pod: (*key.pod).into(),
                    container: (*key.container).into(),
                    lacks: if point.cpu == 0 { "CPU" } else { "memory" },
                }),
            }
        }
        Sample { node, pods, left_out, dropped: None }
    }
}

/// One pod's containers, of which there is at least one.
fn sample_of(containers: &[(Key<'_>, Point)]) -> PodSample {
    let (namespace, name) = containers[0].0.pod_name();
    let sample = |(key, point): &(Key<'_>, Point)| ContainerSample {
        name: (*key.container).into(),
        point: *point,
    };
    PodSample {
        namespace: namespace.into(),
        name: name.into(),
        containers: containers.iter().map(sample).collect(),
    }
}

fn is_measured(point: &Point) -> bool {
    point.cpu != 0 && point.memory != 0
}

// === impl Containers ===

impl<'b> Containers<'b> {
    fn point(&mut self, key: Key<'b>) -> &mut Point {
        if self.unsorted.is_empty() {
            match self.place(&key) {
                Some(at) => {
                    if at == self.sorted.len() {
                        self.sorted.push((key, Point::default()));
                    }
                    self.next = at + 1;
                    return &mut self.sorted[at].1;
                }
                None => self.unsorted.extend(std::mem::take(&mut self.sorted)),
            }
        }
        self.unsorted.entry(key).or_default()
    }

    /// Where a container is or can be appended; `None` when it is out of order.
    fn place(&self, key: &Key<'b>) -> Option<usize> {
        if self.sorted.get(self.next).is_some_and(|(next, _)| next == key) {
            return Some(self.next);
        }
        if self.sorted.last().is_none_or(|(last, _)| last < key) {
            return Some(self.sorted.len());
        }
        self.sorted.binary_search_by(|(other, _)| other.cmp(key)).ok()
    }

    /// All of them by namespace and pod, and by name within these.
    fn by_pod(self) -> Vec<(Key<'b>, Point)> {
        let mut all = self.sorted;
        all.extend(self.unsorted);
        // Stable: they are in the order of containers' names.
        all.sort_by(|(one, _), (other, _)| one.pod_name().cmp(&other.pod_name()));
        all
    }
}

// === impl Key ===

impl Key<'_> {
    /// The length of its longest part, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.container.len().max(self.namespace.len()).max(self.pod.len())
    }

    fn pod_name(&self) -> (&str, &str) {
        (&self.namespace, &self.pod)
    }
}
