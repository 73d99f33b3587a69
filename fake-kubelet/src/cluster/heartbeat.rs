//! Signs of life: Leases renewed all the time, and the nodes' status now and then, as the real
//! kubelet does.

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

use super::{AT_ONCE, ClusterError, Home, Settlement, Uids, asked, objects};

/// `nodeStatusReportFrequency`.
const STATUS_EVERY: Duration = Duration::from_mins(5);

/// Lets all nodes live, one after the other over the time of a heartbeat. Never ends.
pub(super) async fn beat(settlement: &Arc<Settlement>) {
    let names: Vec<String> = settlement.homes.keys().cloned().collect();
    if names.is_empty() {
        return std::future::pending().await;
    }
    let step = settlement.heartbeat / u32::try_from(names.len()).unwrap_or(u32::MAX);
    let rounds = STATUS_EVERY.as_nanos() / settlement.heartbeat.as_nanos().max(1);
    let (mut round, mut next) = (0_u128, Instant::now());
    let mut under_way = JoinSet::new();
    loop {
        round += 1;
        // As many tell of their status in each round as makes all of them in time.
        for (index, name) in names.iter().enumerate() {
            next += step;
            sleep_until(next).await;
            let full = (index as u128 + round).is_multiple_of(rounds.max(1));
            under_way.spawn(renew(Arc::clone(settlement), name.clone(), full));
            while under_way.len() >= AT_ONCE {
                under_way.join_next().await;
            }
            while under_way.try_join_next().is_some() {}
        }
        // A round that took too long is not made up for.
        next = next.max(Instant::now());
    }
}

async fn renew(settlement: Arc<Settlement>, name: String, full: bool) {
    let Some(home) = settlement.homes.get(&name) else { return };
    let Some(uids) = settlement.made().get(&name).cloned() else { return };
    let renewed = settlement.renew_lease(home, &uids).await;
    // After something went wrong the node may have been marked as not ready.
    let full = full || renewed.is_err();
    let told = if full { settlement.tell_status(home, &uids.node).await } else { Ok(()) };
    match told {
        Err(error) if error.is_gone() => {
            settlement.made().remove(&name);
            tracing::warn!(node = name, err = %error, "Node was deleted or replaced: it is left alone from now on");
        }
        Err(error) => tracing::warn!(node = name, err = %error, "Failed to say how a node is"),
        Ok(()) => {
            if let Err(error) = renewed {
                settlement.restore_lease(home, &uids, &error).await;
            }
        }
    }
}

// === impl Settlement ===

impl Settlement {
    async fn renew_lease(&self, home: &Home, uids: &Uids) -> Result<(), ClusterError> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), objects::LEASES);
        let patch = json!({
            "metadata": {"uid": uids.lease},
            "spec": {"renewTime": MicroTime(self.clock.now())},
        });
        let patched = leases.patch(&home.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| asked::<Lease>("renew", &home.name, error))
    }

    /// The node is there, but its Lease could not be renewed: if it is gone there is a new one.
    async fn restore_lease(&self, home: &Home, uids: &Uids, error: &ClusterError) {
        tracing::warn!(node = home.name, err = %error, "Failed to renew a Lease");
        if !error.is_gone() {
            return;
        }
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), objects::LEASES);
        let lease = objects::lease(&home.name, &uids.node, &self.marks, self.clock.now());
        match self.claim(&leases, &lease).await {
            Ok((lease, _)) => {
                let uids = Uids { lease: lease.uid().unwrap_or_default(), ..uids.clone() };
                self.made().insert(home.name.clone(), uids);
            }
            Err(error) => tracing::warn!(node = home.name, err = %error, "Failed to make a Lease"),
        }
    }
}
