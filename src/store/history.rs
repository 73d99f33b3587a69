use std::time::Duration;

use crate::kubelet::{ContainerSample, PodSample, Point, Sample};

/// A container younger than this says too little about its usage.
const FRESH_AT_LEAST: Duration = Duration::from_secs(10);

/// The newest point and the one it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Points {
    pub(super) last: Point,
    pub(super) previous: Option<Point>,
}

/// What a node's kubelet said last, each point with its predecessor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NodeHistory {
    pub(super) node: Option<Points>,
    pub(super) pods: Vec<PodHistory>,
}

/// A pod in a [`NodeHistory`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PodHistory {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) containers: Vec<(Box<str>, Points)>,
}

// === impl NodeHistory ===

impl NodeHistory {
    /// What is known after `sample`, when `old` was known before it. Whatever the sample does not
    /// mention is gone.
    pub(super) fn follow(old: Option<&Self>, sample: Sample, resolution: Duration) -> Self {
        let node = sample.node.map(|point| {
            let old = old.and_then(|old| old.node);
            Points { last: point, previous: old.and_then(|old| old.predecessor_of(&point)) }
        });
        let pods = sample
            .pods
            .into_iter()
            .map(|pod| {
                let old = old.and_then(|old| old.pod(&pod.namespace, &pod.name));
                PodHistory::follow(old, pod, resolution)
            })
            .collect();
        Self { node, pods }
    }

    pub(super) fn pod(&self, namespace: &str, name: &str) -> Option<&PodHistory> {
        let at = self.pods.binary_search_by(|pod| pod.key().cmp(&(namespace, name))).ok()?;
        self.pods.get(at)
    }

    pub(super) fn has_node_usage(&self) -> bool {
        self.node.is_some_and(|points| points.previous.is_some())
    }

    pub(super) fn has_pod_usage(&self) -> bool {
        self.pods
            .iter()
            .any(|pod| pod.containers.iter().any(|(_, points)| points.previous.is_some()))
    }

    pub(super) fn containers_with_usage(&self) -> usize {
        let containers = self.pods.iter().flat_map(|pod| &pod.containers);
        containers.filter(|(_, points)| points.previous.is_some()).count()
    }
}

// === impl PodHistory ===

impl PodHistory {
    fn follow(old: Option<&Self>, pod: PodSample, resolution: Duration) -> Self {
        let containers = pod
            .containers
            .into_iter()
            .map(|ContainerSample { name, point }| {
                let old = old.and_then(|old| old.container(&name));
                let points = Points {
                    last: point,
                    previous: container_predecessor(old, &point, resolution),
                };
                (name, points)
            })
            .collect();
        Self { namespace: pod.namespace, name: pod.name, containers }
    }

    pub(super) fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }

    fn container(&self, name: &str) -> Option<&Points> {
        let at = self.containers.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        self.containers.get(at).map(|(_, points)| points)
    }
}

fn container_predecessor(
    old: Option<&Points>,
    point: &Point,
    resolution: Duration,
) -> Option<Point> {
    if let (Some(start), Some(time)) = (point.start, point.time) {
        let age = u128::try_from(i128::from(time) - i128::from(start)).ok().filter(|age| *age > 0);
        // Too young for two points, old enough to tell: its counter was zero when it started.
        if age.is_some_and(|age| (FRESH_AT_LEAST.as_nanos()..resolution.as_nanos()).contains(&age))
        {
            return Some(Point { time: Some(start), cpu: 0, ..*point });
        }
    }
    // Started after what is known of it: a restart, whose counter began anew.
    old.filter(|old| point.start < old.last.time)?.predecessor_of(point)
}

// === impl Points ===

impl Points {
    /// The point to compare `new` with: the last one, unless the kubelet repeats itself; then the
    /// one before, as long as that is older.
    fn predecessor_of(&self, new: &Point) -> Option<Point> {
        if new.time > self.last.time {
            Some(self.last)
        } else {
            self.previous.filter(|old| old.time < new.time)
        }
    }
}
