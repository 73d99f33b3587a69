//! Nodes in a real cluster: their objects, Leases and pods, for as long as the program runs.
//!
//! Everything made carries the label `fake-kubelet.dev/owner` and an annotation that says which
//! run made it. What does not carry it is never changed but for the status of pods that somebody
//! has put on these nodes.

mod heartbeat;
mod marks;
mod objects;
mod pods;
mod removal;
mod trouble;
mod usage;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        coordination::v1::Lease,
        core::v1::{Node, Pod},
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use net::Clock;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub(crate) use self::{
    marks::{DEFAULT_OWNER, Marks},
    removal::remove,
};
use crate::{
    config::{ObjectConfig, PodConfig},
    fleet::Fleet,
};

/// Requests to the API server at the same time: as many as the real controllers make.
const AT_ONCE: usize = 32;

/// A node as it is to be in the cluster.
pub(crate) struct Home {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) object: ObjectConfig,
    pub(crate) pods: Vec<PodConfig>,
    /// When its node became ready.
    pub(crate) since: Timestamp,
}

/// What lives in the cluster, and where.
pub(crate) struct Settlement {
    pub(crate) client: Client,
    pub(crate) marks: Marks,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) clock: Clock,
    /// By name.
    pub(crate) homes: BTreeMap<String, Home>,
    pub(crate) heartbeat: Duration,
    pub(crate) first_pod_ip: Ipv4Addr,
    /// What the files of traces are relative to.
    pub(crate) folder: PathBuf,
    /// The uids of the nodes and Leases that were made.
    pub(crate) made: Mutex<BTreeMap<String, Uids>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Uids {
    node: String,
    lease: String,
}

/// Why the cluster is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error("{verb} {what} {name:?}: {}", trouble::words(source))]
    Ask { verb: &'static str, what: String, name: String, source: Box<kube::Error> },
    #[error(
        "{what} {name:?} exists already and is not of the owner {owner:?}: choose other names, or its owner in the configuration's cluster.owner"
    )]
    Foreign { what: String, name: String, owner: String },
}

// === impl Settlement ===

impl Settlement {
    /// Makes all nodes, their Leases and the pods of the configuration. What an earlier run of the
    /// same owner has left is taken over.
    pub(crate) async fn settle(&self) -> Result<(), ClusterError> {
        let mut settled = stream::iter(self.homes.values())
            .map(|home| self.move_in(home))
            .buffer_unordered(AT_ONCE);
        while let Some(result) = settled.next().await {
            result?;
        }
        Ok(())
    }

    /// Keeps all of it alive. Never ends.
    pub(crate) async fn live(self: &Arc<Self>) {
        tokio::join!(heartbeat::beat(self), pods::follow(self));
    }

    async fn move_in(&self, home: &Home) -> Result<(), ClusterError> {
        let now = self.clock.now();
        let nodes: Api<Node> = Api::all(self.client.clone());
        let wanted = objects::node(home, &self.marks, now);
        let (node, is_new) = self.claim(&nodes, &wanted).await?;
        let uid = node.uid().unwrap_or_default();
        if !is_new {
            let patch = json!({"metadata": {"uid": uid}, "spec": wanted.spec});
            self.patched(&nodes, &home.name, patch).await?;
            self.tell_status(home, &uid).await?;
        }
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), objects::LEASES);
        let lease = objects::lease(&home.name, &uid, &self.marks, now);
        let (lease, _) = self.claim(&leases, &lease).await?;
        let uids = Uids { node: uid, lease: lease.uid().unwrap_or_default() };
        self.made().insert(home.name.clone(), uids);
        for pod in &home.pods {
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), pod.namespace());
            self.claim(&pods, &objects::pod(pod, &home.name, &self.marks)).await?;
        }
        Ok(())
    }

    /// Makes an object, or takes over the owner's one of that name; says whether it is new.
    async fn claim<K>(&self, api: &Api<K>, wanted: &K) -> Result<(K, bool), ClusterError>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let name = wanted.name_any();
        match api.create(&PostParams::default(), wanted).await {
            Ok(made) => return Ok((made, true)),
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => return Err(asked::<K>("create", &name, error)),
        }
        let there = api.get(&name).await.map_err(|error| asked::<K>("get", &name, error))?;
        if !self.marks.own(there.meta()) {
            let what = K::kind(&()).into_owned();
            return Err(ClusterError::Foreign { what, name, owner: self.marks.owner.clone() });
        }
        let patch = json!({"metadata": {
            "uid": there.uid(),
            "labels": wanted.labels(),
            "annotations": wanted.annotations(),
        }});
        Ok((self.patched(api, &name, patch).await?, false))
    }

    async fn patched<K>(&self, api: &Api<K>, name: &str, patch: Value) -> Result<K, ClusterError>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map_err(|error| asked::<K>("patch", name, error))
    }

    /// Says how a node is, if it is still the one of that uid.
    async fn tell_status(&self, home: &Home, uid: &str) -> Result<(), ClusterError> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let status = objects::node_status(home, self.clock.now());
        let patch = Patch::Merge(json!({"metadata": {"uid": uid}, "status": status}));
        let told = nodes.patch_status(&home.name, &PatchParams::default(), &patch).await;
        told.map(drop).map_err(|error| asked::<Node>("patch the status of", &home.name, error))
    }

    fn made(&self) -> MutexGuard<'_, BTreeMap<String, Uids>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl ClusterError ===

impl ClusterError {
    /// Whether what was asked for is gone, or another one by now.
    fn is_gone(&self) -> bool {
        match self {
            Self::Ask { source, .. } => is_gone(source),
            Self::Foreign { .. } => true,
        }
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

fn asked<K: Resource<DynamicType = ()>>(
    verb: &'static str,
    name: &str,
    source: kube::Error,
) -> ClusterError {
    let (what, name) = (K::kind(&()).into_owned(), name.to_owned());
    ClusterError::Ask { verb, what, name, source: source.into() }
}

fn namespaced<K>(client: &Client, object: &K) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), &object.namespace().unwrap_or_default())
}
