//! The last two points of every node and container, and the usage that follows from them.

mod history;
mod limit;
mod missing;
#[cfg(test)]
mod tests;
mod usage;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::Duration,
};

use parking_lot::RwLock;

pub use self::missing::MissingUsage;
pub use self::usage::{ContainerUsage, NodeUsage, PodUsage, Span, Usage, UsageError};
use self::{
    history::{NodeHistory, PodHistory},
    limit::ContainerLimit,
};
use crate::{cluster::Capacity, intern::Interner, kubelet::Sample};

/// The last two samples of every node.
///
/// Each node has one slot that is swapped in whole. A pod is found over an index that changes only
/// when a node's set of pods does.
pub struct Store {
    resolution: Duration,
    /// For how many missed scrapes in a row what is known of a node is kept.
    grace: u64,
    limit: ContainerLimit,
    slots: RwLock<Slots>,
}

/// What was dropped of a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many pods, at the limit of containers.
    pub dropped_pods: usize,
    /// How many nodes and containers whose points give no usage, by cause.
    pub unusable: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Slots {
    nodes: BTreeMap<Arc<str>, NodeHistory>,
    /// Of namespaces and containers.
    names: Interner<str>,
    /// Namespace, then name, to the node that reports the pod.
    owners: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<str>>>,
    /// A pod that several nodes report, to those that are not its owner: few, and not for long.
    rivals: BTreeMap<PodKey, Vec<Arc<str>>>,
    /// How many containers the nodes sent last.
    sent: usize,
    /// How many of them are kept.
    kept: usize,
    /// The nodes send more than the limit.
    is_over_limit: bool,
}

/// Namespace and name.
type PodKey = (Arc<str>, Arc<str>);

// === impl Store ===

impl Store {
    /// An empty store for samples that come every `resolution`.
    pub fn new(resolution: Duration) -> Self {
        Self { resolution, grace: 0, limit: ContainerLimit::none(), slots: RwLock::default() }
    }

    /// Keeps a node's points for this many missed scrapes in a row. Usage after them is that of the
    /// whole time since the last good one, which its window shows.
    #[must_use]
    pub fn with_grace(self, cycles: u64) -> Self {
        Self { grace: cycles, ..self }
    }

    /// Keeps no more than `most` containers of all nodes together. Where nodes send more, only
    /// pods are kept for which `is_pod` holds, called with namespace and name.
    #[must_use]
    pub fn with_limit(
        self,
        most: usize,
        is_pod: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { limit: ContainerLimit::new(most, Box::new(is_pod)), ..self }
    }

    /// The most containers that are kept of all nodes together.
    pub fn limit(&self) -> usize {
        self.limit.most()
    }

    /// Records a sample of `node`, whose capacity is unknown. Returns what was dropped.
    pub fn record(&self, node: &str, sample: Sample) -> Recorded {
        self.record_within(node, sample, Capacity::default())
    }

    /// Records a sample of `node`, whose usage cannot exceed `capacity`. Returns what was dropped.
    pub fn record_within(&self, node: &str, mut sample: Sample, capacity: Capacity) -> Recorded {
        let mut slots = self.slots.write();
        let (name, old) = match slots.nodes.remove_entry(node) {
            Some((name, old)) => (name, Some(old)),
            None => (Arc::from(node), None),
        };
        let sent = sample.pods.iter().map(|pod| pod.containers.len()).sum();
        slots.uncount(old.as_ref());
        slots.sent += sent;
        let dropped_pods = self.limit.apply(&mut slots, node, &mut sample);
        let mut new =
            NodeHistory::follow(old.as_ref(), sample, capacity, self.resolution, &mut slots.names);
        let unusable = new.log_unusable(node);
        new.sent = sent;
        slots.kept += limit::containers(&new.pods);
        let old_pods = old.as_ref().map_or(&[][..], |old| &old.pods);
        // A pod that stays keeps its owner, whichever pods are added or removed beside it.
        slots.disown(&name, without(old_pods, &new.pods));
        slots.own(&name, without(&new.pods, old_pods));
        slots.nodes.insert(name, new);
        Recorded { dropped_pods, unusable }
    }

    /// The kubelet of `node` could not be scraped. Beyond the grace the node's points are dropped:
    /// its next usage must not span the gap.
    pub fn miss(&self, node: &str) {
        let mut slots = self.slots.write();
        let missed = slots.nodes.get_mut(node).map(|known| {
            known.missed += 1;
            known.missed
        });
        drop(slots);
        if missed.is_some_and(|missed| missed > self.grace) {
            self.forget(node);
        }
    }

    /// Drops what is known of `node` and its pods.
    pub fn forget(&self, node: &str) {
        let mut slots = self.slots.write();
        if let Some((name, old)) = slots.nodes.remove_entry(node) {
            slots.uncount(Some(&old));
            slots.disown(&name, &old.pods);
        }
    }

    /// The names of all nodes of which something is known.
    pub fn node_names(&self) -> Vec<Arc<str>> {
        self.slots.read().nodes.keys().cloned().collect()
    }

    /// What `node` uses; `None` before there are two points.
    pub fn node(&self, node: &str) -> Option<NodeUsage> {
        self.slots.read().nodes.get(node)?.usage()
    }

    /// What a pod uses; `None` before each of its containers has two points.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<PodUsage> {
        self.pod_on(None, namespace, name)
    }

    /// What a pod uses, as the kubelet of the node that it runs on reports it. Where that node is not
    /// known, whatever kubelet reports it counts.
    pub fn pod_on(&self, node: Option<&str>, namespace: &str, name: &str) -> Option<PodUsage> {
        let slots = self.slots.read();
        let node = match node {
            Some(node) => node,
            None => slots.owners.get(namespace)?.get(name)?,
        };
        let node = slots.nodes.get(node)?;
        node.pod(namespace, name)?.usage(&node.capacity)
    }

    /// Of how many nodes and containers there is usage.
    pub fn points(&self) -> (usize, usize) {
        let slots = self.slots.read();
        let nodes = slots.nodes.values().filter(|node| node.has_node_usage()).count();
        (nodes, slots.nodes.values().map(NodeHistory::containers_with_usage).sum())
    }

    /// Whether there is usage of at least one node or container, as in the Go server.
    pub fn is_ready(&self) -> bool {
        let slots = self.slots.read();
        slots.nodes.values().any(|node| node.has_node_usage() || node.has_pod_usage())
    }
}

/// Those of `pods` that are none of `others`. Both are in order.
fn without<'p>(
    pods: &'p [PodHistory],
    others: &[PodHistory],
) -> impl Iterator<Item = &'p PodHistory> {
    let mut others = others.iter().peekable();
    pods.iter().filter(move |pod| {
        while others.next_if(|other| other.key() < pod.key()).is_some() {}
        others.peek().is_none_or(|other| other.key() != pod.key())
    })
}

// === impl Slots ===

impl Slots {
    /// A node is about to be replaced, or has been removed.
    fn uncount(&mut self, node: Option<&NodeHistory>) {
        let Some(node) = node else { return };
        self.sent -= node.sent;
        self.kept -= limit::containers(&node.pods);
    }

    fn own<'p>(&mut self, node: &Arc<str>, pods: impl Iterator<Item = &'p PodHistory>) {
        let (mut contested, mut example) = (0, None);
        for pod in pods {
            let namespace = self.owners.entry(pod.namespace.clone()).or_default();
            match namespace.entry(pod.name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(node.clone());
                }
                // Two kubelets that report one pod: the first one keeps it, so that its usage
                // does not flap between them, unless the other's was started after it. Then the
                // pod has moved, and the first one reports what has ended.
                Entry::Occupied(mut owner) => {
                    let known = self.nodes.get(owner.get());
                    let known = known.and_then(|known| known.pod(&pod.namespace, &pod.name));
                    let has_moved = known
                        .and_then(|known| Some(known.last_start()? < pod.first_start()?))
                        .unwrap_or_default();
                    let rival = if has_moved { owner.insert(node.clone()) } else { node.clone() };
                    contested += 1;
                    example.get_or_insert_with(|| (pod, owner.get().clone()));
                    let key = (pod.namespace.clone(), pod.name.clone());
                    self.rivals.entry(key).or_default().push(rival);
                }
            }
        }
        if let Some((pod, owner)) = example {
            tracing::warn!(
                node = &**node,
                pods = contested,
                pod = format!("{}/{}", pod.namespace, pod.name),
                owner = &*owner,
                "Got duplicate pod point, another node reports the pod too"
            );
        }
    }

    fn disown<'p>(&mut self, node: &Arc<str>, pods: impl IntoIterator<Item = &'p PodHistory>) {
        for pod in pods {
            let heir = self.withdraw(node, pod);
            let Some(namespace) = self.owners.get_mut(&pod.namespace) else { continue };
            match namespace.get_mut(&pod.name) {
                Some(owner) if owner == node => match heir {
                    Some(heir) => *owner = heir,
                    None => drop(namespace.remove(&pod.name)),
                },
                _ => {}
            }
            if namespace.is_empty() {
                self.owners.remove(&pod.namespace);
            }
        }
    }

    /// Ends what `node` has to do with the pod's other reporters: as one of them, or as its owner,
    /// who is followed by the one returned.
    fn withdraw(&mut self, node: &Arc<str>, pod: &PodHistory) -> Option<Arc<str>> {
        if self.rivals.is_empty() {
            return None;
        }
        let key = (pod.namespace.clone(), pod.name.clone());
        let rivals = self.rivals.get_mut(&key)?;
        let heir = match rivals.iter().position(|rival| rival == node) {
            Some(at) => {
                rivals.remove(at);
                None
            }
            None => Some(rivals.remove(0)),
        };
        if rivals.is_empty() {
            self.rivals.remove(&key);
        }
        heir
    }
}
