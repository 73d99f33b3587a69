//! Why there is no usage of something.

use jiff::Timestamp;

use crate::cluster::Capacity;

use super::{Store, UsageError, history::Points};

/// Why there is no usage of a node or pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingUsage {
    /// No kubelet reported it in its last response.
    Unreported,
    /// There is one sample only: it is new, or its kubelet repeats the sample.
    OneSample {
        /// The container of a pod.
        container: Option<Box<str>>,
        /// When it was measured.
        at: Option<Timestamp>,
    },
    /// Its two samples do not go together.
    Unusable(UsageError),
    /// There is none: usage is known by now.
    None,
}

// === impl Store ===

impl Store {
    /// Why there is no usage of `node`.
    pub fn why_node_is_missing(&self, node: &str) -> MissingUsage {
        let slots = self.slots.read();
        let history = slots.nodes.get(node);
        let points = history.and_then(|history| Some((history.node?, &history.capacity)));
        points.map_or(MissingUsage::Unreported, |(points, capacity)| {
            points.why_missing(capacity, None)
        })
    }

    /// Why there is no usage of a pod.
    pub fn why_pod_is_missing(&self, namespace: &str, name: &str) -> MissingUsage {
        let slots = self.slots.read();
        let owner = slots.owners.get(namespace).and_then(|pods| pods.get(name));
        let node = owner.and_then(|node| slots.nodes.get(node));
        let found = node.and_then(|node| Some((node.pod(namespace, name)?, &node.capacity)));
        let Some((pod, capacity)) = found else { return MissingUsage::Unreported };
        let mut reasons =
            pod.containers.iter().map(|(name, points)| points.why_missing(capacity, Some(name)));
        reasons.find(|reason| *reason != MissingUsage::None).unwrap_or(MissingUsage::None)
    }
}

// === impl Points ===

impl Points {
    fn why_missing(&self, capacity: &Capacity, container: Option<&str>) -> MissingUsage {
        match self.usage(capacity) {
            Some(Ok(_)) => MissingUsage::None,
            Some(Err(error)) => MissingUsage::Unusable(error),
            None => MissingUsage::OneSample {
                container: container.map(Into::into),
                at: self
                    .last
                    .time
                    .and_then(|time| Timestamp::from_nanosecond(i128::from(time)).ok()),
            },
        }
    }
}
