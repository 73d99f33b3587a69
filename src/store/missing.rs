//! Why there is no usage of something.

use std::sync::PoisonError;

use jiff::Timestamp;

use super::{Store, UsageError, history::Points};

/// Why there is no usage of a node or pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No kubelet has reported it last time.
    Unreported,
    /// There is one sample only, since it is new or its kubelet repeats itself.
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
    pub fn node_gap(&self, node: &str) -> Gap {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let points = slots.nodes.get(node).and_then(|history| history.node);
        points.map_or(Gap::Unreported, |points| points.gap(None))
    }

    /// Why there is no usage of a pod.
    pub fn pod_gap(&self, namespace: &str, name: &str) -> Gap {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let owner = slots.owners.get(namespace).and_then(|pods| pods.get(name));
        let history = owner.and_then(|node| slots.nodes.get(node)?.pod(namespace, name));
        let Some(history) = history else { return Gap::Unreported };
        let mut gaps = history.containers.iter().map(|(name, points)| points.gap(Some(name)));
        gaps.find(|gap| matches!(gap, Gap::OneSample { .. })).unwrap_or(Gap::None)
    }
}

// === impl Points ===

impl Points {
    fn gap(&self, container: Option<&str>) -> Gap {
        match self.usage() {
            Some(Ok(_)) => Gap::None,
            Some(Err(error)) => Gap::Unusable(error),
            None => Gap::OneSample {
                container: container.map(Into::into),
                at: self
                    .last
                    .time
                    .and_then(|time| Timestamp::from_nanosecond(i128::from(time)).ok()),
            },
        }
    }
}
