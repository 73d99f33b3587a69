use std::{sync::Arc, time::Duration};

use crate::{
    cluster::Capacity,
    intern::Interner,
    kubelet::{ContainerSample, PodSample, Point, Sample},
};

/// A container younger than this has too short a history for usage.
const FRESH_AT_LEAST: Duration = Duration::from_secs(10);

/// The newest point and the one it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Points {
    pub(super) last: Point,
    pub(super) previous: Option<Point>,
}

/// A node's last sample, each point with its predecessor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NodeHistory {
    pub(super) node: Option<Points>,
    pub(super) pods: Vec<PodHistory>,
    /// How many scrapes in a row have failed since.
    pub(super) missed: u64,
    /// How many containers it sent, of which there may be less in `pods`.
    pub(super) sent: usize,
    /// Usage beyond it cannot be.
    pub(super) capacity: Capacity,
}

/// A pod in a [`NodeHistory`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PodHistory {
    pub(super) namespace: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) containers: Box<[(Arc<str>, Points)]>,
}

// === impl NodeHistory ===

impl NodeHistory {
    /// What is known after `sample`, when `old` was known before it. What the sample does not
    /// contain is dropped. Names that were known before stay the same values, new ones are
    /// interned.
    pub(super) fn follow(
        old: Option<&Self>,
        sample: Sample,
        capacity: Capacity,
        resolution: Duration,
        names: &mut Interner<str>,
    ) -> Self {
        let node = sample.node.map(|point| {
            let old = old.and_then(|old| old.node);
            Points { last: point, previous: old.and_then(|old| old.predecessor_of(&point)) }
        });
        let pods = sample
            .pods
            .into_iter()
            .enumerate()
            .map(|(at, pod)| {
                let old = old.and_then(|old| old.pod_near(at, &pod.namespace, &pod.name));
                PodHistory::follow(old, pod, resolution, names)
            })
            .collect();
        Self { node, pods, missed: 0, sent: 0, capacity }
    }

    /// The same, quicker for a pod that is where it was: pods seldom come and go.
    fn pod_near(&self, at: usize, namespace: &str, name: &str) -> Option<&PodHistory> {
        let near = self.pods.get(at).filter(|pod| pod.key() == (namespace, name));
        near.or_else(|| self.pod(namespace, name))
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
    fn follow(
        old: Option<&Self>,
        pod: PodSample,
        resolution: Duration,
        names: &mut Interner<str>,
    ) -> Self {
        let containers = pod
            .containers
            .into_iter()
            .map(|ContainerSample { name, point }| {
                let old = old.and_then(|old| old.container(&name));
                let before = old.map(|(_, points)| points);
                let points = Points {
                    last: point,
                    previous: container_predecessor(before, &point, resolution),
                };
                (old.map_or_else(|| names.intern(name), |(name, _)| name.clone()), points)
            })
            .collect();
        let (namespace, name) = match old {
            Some(old) => (old.namespace.clone(), old.name.clone()),
            None => (names.intern(pod.namespace), pod.name.into()),
        };
        Self { namespace, name, containers }
    }

    pub(super) fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }

    /// When its first container started, where that is known of all.
    pub(super) fn first_start(&self) -> Option<i64> {
        let mut starts = self.containers.iter().map(|(_, points)| points.last.start);
        let first = starts.next()??;
        starts.try_fold(first, |first, start| Some(first.min(start?)))
    }

    /// When its last container started, where that is known of all.
    pub(super) fn last_start(&self) -> Option<i64> {
        let mut starts = self.containers.iter().map(|(_, points)| points.last.start);
        let last = starts.next()??;
        starts.try_fold(last, |last, start| Some(last.max(start?)))
    }

    fn container(&self, name: &str) -> Option<&(Arc<str>, Points)> {
        let at = self.containers.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        self.containers.get(at)
    }
}

fn container_predecessor(
    old: Option<&Points>,
    point: &Point,
    resolution: Duration,
) -> Option<Point> {
    if let (Some(start), Some(time)) = (point.start, point.time) {
        let age = u128::try_from(i128::from(time) - i128::from(start)).ok().filter(|age| *age > 0);
        // Too young for two points, but old enough for a usage: its counter was zero when it
        // started.
        if age.is_some_and(|age| (FRESH_AT_LEAST.as_nanos()..resolution.as_nanos()).contains(&age))
        {
            return Some(Point { time: Some(start), cpu: 0, ..*point });
        }
    }
    // Started after the last known point: a restart, which reset the counter.
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
