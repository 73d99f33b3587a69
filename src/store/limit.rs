//! How many containers are kept of all nodes together: thousands of kubelets that report pods that
//! do not exist must neither fill the memory nor displace real ones.

use std::sync::Arc;

use super::{Slots, history::PodHistory};
use crate::kubelet::Sample;

/// Whether there is a running pod of this namespace and name.
type IsPod = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// The limit of containers.
pub(super) struct ContainerLimit {
    /// How many are kept.
    most: usize,
    is_pod: IsPod,
}

// === impl ContainerLimit ===

impl ContainerLimit {
    /// No limit.
    pub(super) fn none() -> Self {
        Self::new(usize::MAX, Box::new(|_, _| true))
    }

    pub(super) fn new(most: usize, is_pod: IsPod) -> Self {
        Self { most, is_pod }
    }

    /// How many are kept.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Drops from `sample`, which is that of `node`, the pods beyond the limit, and returns their
    /// number. What is dropped depends on what nodes send, not on what is kept of it: otherwise it
    /// would change with every cycle.
    ///
    /// Where the nodes send too much, pods that the API server does not know go; if that does not
    /// help, those that another node reports already. Cutting off the rest is for clusters that
    /// really have more containers than the limit.
    pub(super) fn apply(&self, slots: &mut Slots, node: &str, sample: &mut Sample) -> usize {
        let is_over = slots.sent > self.most;
        if is_over && !slots.is_over_limit {
            self.drop_unknown(slots);
        }
        slots.is_over_limit = is_over;
        if !is_over {
            return 0;
        }
        let before = sample.pods.len();
        sample.pods.retain(|pod| (self.is_pod)(&pod.namespace, &pod.name));
        let mut left = self.most.saturating_sub(slots.kept);
        if sample.pods.iter().map(|pod| pod.containers.len()).sum::<usize>() > left {
            sample.pods.retain(|pod| {
                let owner = slots.owners.get(&*pod.namespace).and_then(|pods| pods.get(&*pod.name));
                owner.is_none_or(|owner| **owner == *node)
            });
        }
        sample.pods.retain(|pod| {
            let fits = pod.containers.len() <= left;
            left -= if fits { pod.containers.len() } else { 0 };
            fits
        });
        before - sample.pods.len()
    }

    /// Drops the pods that the API server does not know, of all nodes.
    fn drop_unknown(&self, slots: &mut Slots) {
        let mut dropped = Vec::new();
        for (name, node) in &mut slots.nodes {
            let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut node.pods)
                .into_iter()
                .partition(|pod| (self.is_pod)(&pod.namespace, &pod.name));
            node.pods = stay;
            dropped.push((Arc::clone(name), go));
        }
        for (name, pods) in dropped {
            slots.kept -= containers(&pods);
            slots.disown(&name, &pods);
        }
    }
}

/// How many containers these pods have.
pub(super) fn containers(pods: &[PodHistory]) -> usize {
    pods.iter().map(|pod| pod.containers.len()).sum()
}
