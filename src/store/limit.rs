//! How much is kept of all nodes together. Each kubelet may say a lot; thousands that say nonsense
//! must not fill the memory, nor take the place of those that do not.

use std::sync::Arc;

use super::{Slots, history::PodHistory};
use crate::kubelet::Sample;

/// Whether there is a running pod of this namespace and name.
type IsPod = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// Room for containers.
pub(super) struct Room {
    /// How many are kept.
    most: usize,
    is_pod: IsPod,
}

// === impl Room ===

impl Room {
    /// Room without end.
    pub(super) fn endless() -> Self {
        Self::new(usize::MAX, Box::new(|_, _| true))
    }

    pub(super) fn new(most: usize, is_pod: IsPod) -> Self {
        Self { most, is_pod }
    }

    /// Takes out of `sample`, which `node` sent, what there is no room for. That depends on what
    /// nodes send, not on what is kept of it: otherwise it would change with every cycle. Gives
    /// the number of pods taken out.
    ///
    /// Where the nodes send too much, pods that nobody knows go; if that does not help, those that
    /// another node reports already. Cutting off the rest is for API servers that know more than
    /// there is room for.
    pub(super) fn fit(&self, slots: &mut Slots, node: &str, sample: &mut Sample) -> usize {
        let is_tight = slots.sent > self.most;
        if is_tight && !slots.is_tight {
            self.tidy_up(slots);
        }
        slots.is_tight = is_tight;
        if !is_tight {
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

    /// Drops pods that nobody knows, for all nodes.
    fn tidy_up(&self, slots: &mut Slots) {
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
