//! Heartbeats: Leases renewed all the time, and node status every five minutes, as by the real
//! kubelet.

use std::{sync::Arc, time::Duration};

use k8s_openapi::{api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{CONCURRENCY, ClusterError, ClusterNode, NodeController, Uids, objects, request_error};

/// `nodeStatusReportFrequency`.
const STATUS_EVERY: Duration = Duration::from_mins(5);

/// Sends the heartbeats of all nodes, spread over the interval. Never ends.
pub(super) async fn run(controller: &Arc<NodeController>) {
    let rounds = STATUS_EVERY.as_nanos() / controller.heartbeat.as_nanos().max(1);
    let (mut round, mut next) = (0_u128, Instant::now());
    let mut under_way = JoinSet::new();
    loop {
        round += 1;
        // They come and go while the program runs.
        let names: Vec<String> = controller.nodes.lock().keys().cloned().collect();
        let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let step = controller.heartbeat / count.max(1);
        if names.is_empty() {
            next += step;
            sleep_until(next).await;
        }
        // Status updates are spread over the rounds of STATUS_EVERY.
        for (index, name) in names.iter().enumerate() {
            next += step;
            sleep_until(next).await;
            let full = (index as u128 + round).is_multiple_of(rounds.max(1));
            under_way.spawn(renew(Arc::clone(controller), name.clone(), full));
            while under_way.len() >= CONCURRENCY {
                under_way.join_next().await;
            }
            while under_way.try_join_next().is_some() {}
        }
        // A round that took too long is not caught up.
        next = next.max(Instant::now());
    }
}

async fn renew(controller: Arc<NodeController>, name: String, full: bool) {
    let Some(cluster_node) = controller.node(&name) else { return };
    let cluster_node = &*cluster_node;
    let Some(uids) = controller.uids.lock().get(&name).cloned() else { return };
    let renewed = controller.renew_lease(cluster_node, &uids).await;
    // After a failed renewal the node may have been marked as not ready.
    let full = full || renewed.is_err();
    let updated =
        if full { controller.update_status(cluster_node, &uids.node).await } else { Ok(()) };
    match updated {
        Err(error) if error.is_gone() => {
            controller.uids.lock().remove(&name);
            tracing::warn!(node = name, err = %error, "Node was deleted or replaced, it gets no more heartbeats");
        }
        Err(error) => tracing::warn!(node = name, err = %error, "Failed to update node status"),
        Ok(()) => {
            if let Err(error) = renewed {
                controller.restore_lease(cluster_node, &uids, &error).await;
            }
        }
    }
}

// === impl NodeController ===

impl NodeController {
    async fn renew_lease(
        &self,
        cluster_node: &ClusterNode,
        uids: &Uids,
    ) -> Result<(), ClusterError> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), objects::LEASES);
        let patch = json!({
            "metadata": {"uid": uids.lease},
            "spec": {"renewTime": MicroTime(self.clock.now())},
        });
        let patched =
            leases.patch(&cluster_node.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched
            .map(drop)
            .map_err(|error| request_error::<Lease>("renew", &cluster_node.name, error))
    }

    /// Creates the Lease again if it was deleted.
    async fn restore_lease(&self, cluster_node: &ClusterNode, uids: &Uids, error: &ClusterError) {
        tracing::warn!(node = cluster_node.name, err = %error, "Failed to renew Lease");
        if !error.is_gone() {
            return;
        }
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), objects::LEASES);
        let lease =
            objects::lease(&cluster_node.name, &uids.node, &self.ownership, self.clock.now());
        match self.create_or_adopt(&leases, &lease).await {
            Ok((lease, _)) => {
                let uids = Uids { lease: lease.uid().unwrap_or_default(), ..uids.clone() };
                self.uids.lock().insert(cluster_node.name.clone(), uids);
            }
            Err(error) => {
                tracing::warn!(node = cluster_node.name, err = %error, "Failed to create Lease");
            }
        }
    }
}
