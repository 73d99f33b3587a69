//! Why there is no usage of something.

use jiff::Timestamp;

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
        let points = slots.nodes.get(node).and_then(|history| history.node);
        points.map_or(MissingUsage::Unreported, |points| points.why_missing(None))
    }

    /// Why there is no usage of a pod.
    pub fn why_pod_is_missing(&self, namespace: &str, name: &str) -> MissingUsage {
        let slots = self.slots.read();
        let owner = slots.owners.get(namespace).and_then(|pods| pods.get(name));
        let history = owner.and_then(|node| slots.nodes.get(node)?.pod(namespace, name));
        let Some(history) = history else { return MissingUsage::Unreported };
        let mut reasons =
            history.containers.iter().map(|(name, points)| points.why_missing(Some(name)));
        reasons
            .find(|reason| matches!(reason, MissingUsage::OneSample { .. }))
            .unwrap_or(MissingUsage::None)
    }
}

// === impl Points ===

impl Points {
    fn why_missing(&self, container: Option<&str>) -> MissingUsage {
        match self.usage() {
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
