//! Nodes with their Leases and pods are created, changed and removed, at the start and while the
//! program runs.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use futures::{StreamExt, stream};
use k8s_openapi::{
    api::{
        coordination::v1::Lease,
        core::v1::{Node, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::{
    CONCURRENCY, ClusterError, ClusterNode, NodeController, Uids,
    deletion::{Deleted, delete_if, delete_one},
    objects, request_error,
};
use crate::{config::FleetNode, kubelet::FakeKubelet};

// === impl NodeController ===

impl NodeController {
    /// A node whose kubelet runs. `None` without an address at which a cluster reaches it.
    pub(crate) async fn place(
        &self,
        kubelet: &FakeKubelet,
        config: FleetNode,
    ) -> Option<ClusterNode> {
        let listens = kubelet.listens_on().await.first().copied()?;
        let named = self.placement.address.unwrap_or(listens.ip());
        let address = if named.is_unspecified() { self.placement.unspecified? } else { named };
        Some(ClusterNode {
            name: kubelet.name().to_owned(),
            address,
            address_type: self.placement.address_type,
            port: listens.port(),
            config,
            since: self.clock.now(),
        })
    }

    /// Creates all nodes, their Leases and the pods of the configuration. Objects that an earlier run
    /// of the same owner has left are adopted.
    pub(crate) async fn register(&self) -> Result<(), ClusterError> {
        let mut registered = stream::iter(self.all())
            .map(|cluster_node| self.register_node(cluster_node, None))
            .buffer_unordered(CONCURRENCY);
        while let Some(result) = registered.next().await {
            result?;
        }
        Ok(())
    }

    /// Deletes what an earlier run of the same owner has left and this one has not adopted.
    pub(crate) async fn delete_leftovers(&self) -> Result<Deleted, ClusterError> {
        let left = |metadata: &ObjectMeta, _: &str| !self.ownership.created(metadata);
        delete_if(&self.client, &self.ownership, left).await
    }

    /// Creates these nodes, or changes them where there are such; those that fail are logged, and
    /// new ones left out.
    pub(crate) async fn put(&self, nodes: Vec<ClusterNode>) {
        let put = |mut node: ClusterNode| {
            let mut all = self.nodes.lock();
            let before = all.get(&node.name).cloned();
            if let Some(before) = &before
                && before.config.node.ready == node.config.node.ready
            {
                node.since = before.since;
            }
            let node = Arc::new(node);
            all.insert(node.name.clone(), Arc::clone(&node));
            (node, before)
        };
        let put: Vec<_> = nodes.into_iter().map(put).collect();
        let mut registered = stream::iter(put)
            .map(async |(node, before)| {
                let registered = self.register_node(Arc::clone(&node), before.clone()).await;
                (node, before.is_none(), registered)
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((node, is_new, registered)) = registered.next().await {
            let Err(error) = registered else { continue };
            tracing::warn!(node = node.name, err = %error, "Failed to create or change Node");
            if is_new {
                self.nodes.lock().remove(&node.name);
            }
        }
    }

    /// Takes the configuration of a node whose Node object is as before.
    pub(crate) fn set_config(&self, name: &str, config: FleetNode) {
        if let Some(node) = self.nodes.lock().get_mut(name) {
            *node = Arc::new(ClusterNode { config, ..ClusterNode::clone(node) });
        }
    }

    /// Deletes these nodes and the pods on them.
    pub(crate) async fn remove(&self, names: &BTreeSet<String>) -> Result<Deleted, ClusterError> {
        for name in names {
            self.nodes.lock().remove(name);
            self.uids.lock().remove(name);
        }
        let doomed = |metadata: &ObjectMeta, node: &str| {
            self.ownership.created(metadata) && names.contains(node)
        };
        delete_if(&self.client, &self.ownership, doomed).await
    }

    /// A line for each node: name, address and port.
    pub(crate) fn lines(&self) -> String {
        let mut lines = String::new();
        for node in self.nodes.lock().values() {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{} {} {}", node.name, node.address, node.port);
        }
        lines
    }

    async fn register_node(
        &self,
        cluster_node: Arc<ClusterNode>,
        before: Option<Arc<ClusterNode>>,
    ) -> Result<(), ClusterError> {
        let now = self.clock.now();
        let nodes: Api<Node> = Api::all(self.client.clone());
        let wanted = objects::node(&cluster_node, &self.ownership, now);
        let (node, is_new) = self.create_or_adopt(&nodes, &wanted).await?;
        let uid = node.uid().unwrap_or_default();
        if !is_new {
            let mut patch = json!({"metadata": {"uid": uid}, "spec": wanted.spec});
            if let Some(before) = &before {
                let before = objects::node(before, &self.ownership, now);
                objects::without(&mut patch["metadata"], &before, &wanted);
            }
            self.patch(&nodes, &cluster_node.name, patch).await?;
            self.update_status(&cluster_node, &uid).await?;
        }
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), objects::LEASES);
        let lease = objects::lease(&cluster_node.name, &uid, &self.ownership, now);
        let (lease, _) = self.create_or_adopt(&leases, &lease).await?;
        let uids = Uids { node: uid, lease: lease.uid().unwrap_or_default() };
        self.uids.lock().insert(cluster_node.name.clone(), uids);
        let own = &cluster_node.config.node.pods;
        let pods_before = before.iter().flat_map(|before| &before.config.node.pods);
        for pod in pods_before.filter(|before| !own.iter().any(|pod| runs_as(pod, before))) {
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), pod.namespace());
            let there = pods.get_opt(&pod.name).await;
            let there = there.map_err(|error| request_error::<Pod>("get", &pod.name, error))?;
            if let Some(there) = there.filter(|there| self.ownership.created(there.meta())) {
                delete_one(pods, &there).await?;
            }
        }
        for pod in own {
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), pod.namespace());
            self.create_or_adopt(&pods, &objects::pod(pod, &cluster_node.name, &self.ownership))
                .await?;
        }
        Ok(())
    }
}

/// Whether a pod of the configuration is the same one as before, which can use something else: its
/// containers and labels cannot change.
fn runs_as(pod: &cluster_format::Pod, before: &cluster_format::Pod) -> bool {
    let containers = |pod: &cluster_format::Pod| -> Vec<_> {
        pod.containers.iter().map(|container| container.name.clone()).collect()
    };
    pod.name == before.name
        && pod.namespace() == before.namespace()
        && pod.labels == before.labels
        && containers(pod) == containers(before)
}
