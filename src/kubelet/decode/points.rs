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
    node: Reported,
    containers: Containers<'b>,
}

/// The values of one container's or node's series.
#[derive(Clone, Copy, Default)]
struct Reported {
    point: Point,
    /// A series came twice with different values: a kubelet does so for a container whose earlier
    /// cgroup was never removed. The body does not show which value is right.
    conflicts: bool,
}

/// Usage dropped because a series came twice with different values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// Of how many containers and nodes.
    pub count: usize,
    /// The first of them, such as `container "web" of pod "default/web-0"`.
    pub first: String,
}

/// Containers while they come in.
#[derive(Default)]
struct Containers<'b> {
    /// In order, and no key twice.
    sorted: Vec<(Key<'b>, Reported)>,
    /// Where in `sorted` the next series belongs, if its order is that of the previous family.
    next: usize,
    /// All containers, while `sorted` has none, after one came out of order. Inserting it into
    /// `sorted` would let a hostile body take quadratic time.
    unsorted: BTreeMap<Key<'b>, Reported>,
}

// === impl Points ===

impl<'b> Points<'b> {
    /// Takes one series in; false when its value is impossible: Go would make 9 EB of an infinite
    /// memory, and the year 1677 of one after 2262.
    pub(super) fn take(&mut self, series: Series<'b>, default_time: i64) -> bool {
        let Series { of, family, value, time } = series;
        let time = time.unwrap_or(default_time).checked_mul(1_000_000);
        let most = if family == Family::Start { LATEST } else { f64::MAX };
        let sound = (0.0..=most).contains(&value) && time.is_some();
        let reported = match of {
            Of::Node if !sound => return false,
            Of::Node => &mut self.node,
            // The container is known to be there, even if it is not measured.
            Of::Container(key) => self.containers.reported(key),
        };
        if !sound {
            return false;
        }
        let Reported { point, conflicts } = reported;
        let (counter, new) = match family {
            Family::Cpu => (&mut point.cpu, (value * 1e9) as u64),
            Family::Memory => (&mut point.memory, value as u64),
            Family::Start => {
                point.start = Some((value * 1e9) as i64);
                return true;
            }
        };
        *conflicts |= differ(*counter, new);
        (*counter, point.time) = (new, time);
        true
    }

    /// What is known of the node.
    pub(super) fn set_node(&mut self, point: Point) {
        self.node.set(point);
    }

    /// What is known of a container.
    pub(super) fn set_container(&mut self, key: Key<'b>, point: Point) {
        self.containers.reported(key).set(point);
    }

    /// A node or container without CPU or memory was caught half-measured: the node is left out,
    /// and so is the container's whole pod, whose sum would mislead autoscalers. The same holds
    /// for one with conflicting values.
    pub(super) fn complete(self) -> (Sample, Conflicts) {
        let mut conflicts = Conflicts::default();
        if self.node.conflicts {
            conflicts.add(|| "the node".to_owned());
        }
        let node = Some(self.node).filter(|node| node.point.time.is_some());
        let node = node.filter(|node| node.defect().is_none()).map(|node| node.point);
        let containers = self.containers.by_pod();
        let (mut pods, mut left_out) = (Vec::new(), Vec::new());
        for pod in containers.chunk_by(|(one, _), (next, _)| one.pod_name() == next.pod_name()) {
            let defect = pod.iter().find_map(|(key, reported)| Some((key, reported.defect()?)));
            let Some((key, reason)) = defect else {
                pods.push(sample_of(pod));
                continue;
            };
            for (key, _) in pod.iter().filter(|(_, reported)| reported.conflicts) {
                let Key { container, namespace, pod } = key;
                conflicts.add(|| format!("container {container:?} of pod \"{namespace}/{pod}\""));
            }
            left_out.push(LeftOut {
                namespace: (*key.namespace).into(),
                pod: (*key.pod).into(),
                container: (*key.container).into(),
                reason,
            });
        }
        (Sample { node, pods, left_out, dropped: None }, conflicts)
    }
}

/// One pod's containers, of which there is at least one.
fn sample_of(containers: &[(Key<'_>, Reported)]) -> PodSample {
    let (namespace, name) = containers[0].0.pod_name();
    let sample = |(key, reported): &(Key<'_>, Reported)| ContainerSample {
        name: (*key.container).into(),
        point: reported.point,
    };
    PodSample {
        namespace: namespace.into(),
        name: name.into(),
        containers: containers.iter().map(sample).collect(),
    }
}

/// Whether both are measured, and not the same.
fn differ(old: u64, new: u64) -> bool {
    old != new && old != 0 && new != 0
}

// === impl Reported ===

impl Reported {
    fn set(&mut self, new: Point) {
        let old = self.point;
        self.conflicts |= differ(old.cpu, new.cpu) || differ(old.memory, new.memory);
        self.point = new;
    }

    /// Why it cannot be used.
    fn defect(&self) -> Option<&'static str> {
        match self {
            Self { conflicts: true, .. } => Some("two different values of one series"),
            Self { point: Point { cpu: 0, .. }, .. } => Some("no (or zero) CPU usage"),
            Self { point: Point { memory: 0, .. }, .. } => Some("no (or zero) memory usage"),
            _ => None,
        }
    }
}

// === impl Conflicts ===

impl Conflicts {
    fn add(&mut self, what: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = what();
        }
        self.count += 1;
    }
}

// === impl Containers ===

impl<'b> Containers<'b> {
    fn reported(&mut self, key: Key<'b>) -> &mut Reported {
        if self.unsorted.is_empty() {
            match self.place(&key) {
                Some(at) => {
                    if at == self.sorted.len() {
                        self.sorted.push((key, Reported::default()));
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
    fn by_pod(self) -> Vec<(Key<'b>, Reported)> {
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
