use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use k8s_text::selector::LabelSelector;
use parking_lot::RwLock;
use tokio::sync::watch;

use super::Node;

/// A pod's namespace and name.
pub type PodKey = (Arc<str>, Arc<str>);

/// A pod's labels.
pub type PodLabels = Arc<BTreeMap<String, String>>;

/// A running pod.
#[derive(Clone, Debug, Default)]
pub struct RunningPod {
    /// Its labels.
    pub labels: PodLabels,
    /// The node it runs on, as the API server has it. A kubelet's report of the pod is not used for
    /// this.
    pub node: Option<Arc<str>>,
}

/// The nodes and running pods of the last list and watch events. They are kept while the API server
/// cannot be reached.
pub struct Cluster {
    selector: LabelSelector,
    nodes: RwLock<BTreeMap<String, Arc<Node>>>,
    pods: RwLock<BTreeMap<PodKey, RunningPod>>,
    nodes_known: watch::Sender<bool>,
    pods_known: watch::Sender<bool>,
}

// === impl RunningPod ===

impl From<PodLabels> for RunningPod {
    fn from(labels: PodLabels) -> Self {
        Self { labels, node: None }
    }
}

// === impl Cluster ===

impl Default for Cluster {
    fn default() -> Self {
        Self {
            selector: LabelSelector::default(),
            nodes: RwLock::default(),
            pods: RwLock::default(),
            nodes_known: watch::Sender::new(false),
            pods_known: watch::Sender::new(false),
        }
    }
}

impl Cluster {
    /// Nothing yet; only nodes that `selector` matches will be known.
    pub fn selecting(selector: LabelSelector) -> Self {
        Self { selector, ..Self::default() }
    }

    /// A cluster of which everything is known from the start.
    pub fn of<P: Into<RunningPod>>(
        nodes: impl IntoIterator<Item = Node>,
        pods: impl IntoIterator<Item = (PodKey, P)>,
    ) -> Self {
        let cluster = Self::default();
        cluster
            .set_nodes(nodes.into_iter().map(|node| (node.name.clone(), Arc::new(node))).collect());
        cluster.set_pods(pods.into_iter().map(|(key, pod)| (key, pod.into())).collect());
        cluster
    }

    /// All nodes, by name.
    pub fn nodes(&self) -> Vec<Arc<Node>> {
        self.nodes.read().values().cloned().collect()
    }

    /// One node.
    pub fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.nodes.read().get(name).cloned()
    }

    /// The first `most` running pods after `last`, by namespace and name.
    pub fn pods_after(
        &self,
        namespace: Option<&str>,
        last: Option<&PodKey>,
        most: usize,
    ) -> Vec<(PodKey, RunningPod)> {
        let pods = self.pods.read();
        let first = match last {
            Some(last) => Bound::Excluded(last.clone()),
            None => Bound::Included((namespace.unwrap_or_default().into(), "".into())),
        };
        pods.range((first, Bound::Unbounded))
            .take_while(|((of, _), _)| namespace.is_none_or(|namespace| &**of == namespace))
            .take(most)
            .map(|(key, pod)| (key.clone(), pod.clone()))
            .collect()
    }

    /// Whether there is a running pod.
    pub fn has_pods(&self) -> bool {
        !self.pods.read().is_empty()
    }

    /// One running pod.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<(PodKey, RunningPod)> {
        let pods = self.pods.read();
        pods.get_key_value(&(namespace.into(), name.into()))
            .map(|(key, pod)| (key.clone(), pod.clone()))
    }

    /// Whether nodes and pods have been listed once.
    pub fn is_known(&self) -> bool {
        self.are_nodes_known() && self.are_pods_known()
    }

    /// Whether nodes have been listed once.
    pub fn are_nodes_known(&self) -> bool {
        *self.nodes_known.borrow()
    }

    /// Whether pods have been listed once.
    pub fn are_pods_known(&self) -> bool {
        *self.pods_known.borrow()
    }

    /// Waits until nodes and pods have been listed once.
    pub async fn known(&self) {
        for known in [&self.nodes_known, &self.pods_known] {
            // The sender lives as long as self: waiting cannot fail.
            let _ = known.subscribe().wait_for(|known| *known).await;
        }
    }

    pub(crate) fn set_nodes(&self, mut nodes: BTreeMap<String, Arc<Node>>) {
        nodes.retain(|_, node| self.selector.matches(&node.labels));
        *self.nodes.write() = nodes;
        self.nodes_known.send_replace(true);
    }

    pub(super) fn set_node(&self, node: Node) {
        if !self.selector.matches(&node.labels) {
            // It may have matched until its labels changed.
            return self.remove_node(&node.name);
        }
        self.nodes.write().insert(node.name.clone(), Arc::new(node));
    }

    pub(super) fn remove_node(&self, name: &str) {
        self.nodes.write().remove(name);
    }

    pub(crate) fn set_pods(&self, pods: BTreeMap<PodKey, RunningPod>) {
        *self.pods.write() = pods;
        self.pods_known.send_replace(true);
    }

    pub(super) fn set_pod(&self, key: PodKey, pod: RunningPod) {
        self.pods.write().insert(key, pod);
    }

    pub(super) fn remove_pod(&self, key: &PodKey) {
        self.pods.write().remove(key);
    }
}
