//! Many kubelets in one process.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    kubelet::{Dependencies, FakeKubelet, KubeletError},
    spec::KubeletSpec,
};
use parking_lot::Mutex;

/// Kubelets by the names of their nodes. Dropping the fleet stops those without another owner.
pub struct Fleet {
    surroundings: Dependencies,
    kubelets: Mutex<BTreeMap<String, Arc<FakeKubelet>>>,
}

// === impl Fleet ===

impl Fleet {
    /// A fleet without kubelets.
    pub fn new(surroundings: Dependencies) -> Self {
        Self { surroundings, kubelets: Mutex::default() }
    }

    /// A fleet of these kubelets, all of which listen. If one cannot, none does.
    pub async fn start(
        specs: impl IntoIterator<Item = KubeletSpec>,
        surroundings: Dependencies,
    ) -> Result<Self, KubeletError> {
        let fleet = Self::new(surroundings);
        for spec in specs {
            fleet.add(spec).await?;
        }
        Ok(fleet)
    }

    /// Starts one more; one that its node had before is stopped.
    pub async fn add(&self, spec: KubeletSpec) -> Result<Arc<FakeKubelet>, KubeletError> {
        self.remove(&spec.name).await;
        let kubelet = Arc::new(FakeKubelet::start(spec, &self.surroundings).await?);
        self.kubelets.lock().insert(kubelet.name().to_owned(), Arc::clone(&kubelet));
        Ok(kubelet)
    }

    /// The kubelet of a node.
    pub fn get(&self, node: &str) -> Option<Arc<FakeKubelet>> {
        self.kubelets.lock().get(node).cloned()
    }

    /// All kubelets in order of their nodes' names.
    pub fn all(&self) -> Vec<Arc<FakeKubelet>> {
        self.kubelets.lock().values().cloned().collect()
    }

    /// Stops the kubelet of a node, if it has one.
    pub async fn remove(&self, node: &str) {
        let kubelet = self.kubelets.lock().remove(node);
        if let Some(kubelet) = kubelet {
            kubelet.stop().await;
        }
    }

    /// Stops all kubelets.
    pub async fn stop(&self) {
        let kubelets = std::mem::take(&mut *self.kubelets.lock());
        for kubelet in kubelets.into_values() {
            kubelet.stop().await;
        }
    }
}
