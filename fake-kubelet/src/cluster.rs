//! The nodes in a real cluster: registers Node objects, renews Leases and runs pods.
//!
//! Every created object carries the label `fake-kubelet.dev/owner` and an annotation with the run of
//! the program. Objects without it are never changed, except for the status of pods that others have
//! bound to these nodes.

mod api_error;
mod deletion;
mod heartbeat;
mod objects;
mod ownership;
mod pods;
mod registration;
mod usage;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use cluster_format::AddressType;
use jiff::Timestamp;
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Node};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use net::Clock;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub(crate) use self::{
    deletion::delete_all,
    ownership::{Ownership, namespace_reference},
};
use crate::{config::FleetNode, fleet::Fleet};

/// Requests to the API server at the same time: as many as the real controllers make.
const CONCURRENCY: usize = 32;

/// What a node is registered with.
#[derive(Clone)]
pub(crate) struct ClusterNode {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    pub(crate) address_type: AddressType,
    pub(crate) port: u16,
    pub(crate) config: FleetNode,
    /// When its node became ready.
    pub(crate) since: Timestamp,
}

/// Where a cluster reaches the kubelets.
pub(crate) struct Placement {
    /// Default: where they listen.
    pub(crate) address: Option<IpAddr>,
    /// For those that listen on all addresses.
    pub(crate) unspecified: Option<IpAddr>,
    pub(crate) address_type: AddressType,
}

/// Keeps the fleet's nodes and pods in a cluster.
pub(crate) struct NodeController {
    pub(crate) client: Client,
    pub(crate) ownership: Ownership,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) clock: Clock,
    pub(crate) placement: Placement,
    /// By name.
    pub(crate) nodes: Mutex<BTreeMap<String, Arc<ClusterNode>>>,
    /// Wakes what looks at pods: nodes, or what their pods use, have changed.
    pub(crate) changed: Notify,
    pub(crate) heartbeat: Duration,
    pub(crate) first_pod_ip: Ipv4Addr,
    /// Paths of traces are relative to it.
    pub(crate) folder: PathBuf,
    /// The uids of the nodes and Leases that were created.
    pub(crate) uids: Mutex<BTreeMap<String, Uids>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Uids {
    node: String,
    lease: String,
}

/// Why objects could not be created or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error("{verb} {what} {name:?}: {}", api_error::message(source))]
    Request { verb: &'static str, what: String, name: String, source: Box<kube::Error> },
    #[error(
        "{what} {name:?} exists already and does not belong to owner {owner:?}: choose other names, or set cluster.owner in the configuration to its owner"
    )]
    NotOwned { what: String, name: String, owner: String },
    #[error("get Namespace {name:?}: it has no uid")]
    NoUid { name: String },
}

// === impl NodeController ===

impl NodeController {
    /// Renews Leases and runs pods. Never ends.
    pub(crate) async fn run(self: &Arc<Self>) {
        tokio::join!(heartbeat::run(self), pods::run(self));
    }

    fn all(&self) -> Vec<Arc<ClusterNode>> {
        self.nodes.lock().values().cloned().collect()
    }

    fn node(&self, name: &str) -> Option<Arc<ClusterNode>> {
        self.nodes.lock().get(name).cloned()
    }

    /// Creates an object, or adopts the owner's one of that name; returns whether it is new.
    async fn create_or_adopt<K>(&self, api: &Api<K>, wanted: &K) -> Result<(K, bool), ClusterError>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let name = wanted.name_any();
        match api.create(&PostParams::default(), wanted).await {
            Ok(made) => return Ok((made, true)),
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => return Err(request_error::<K>("create", &name, error)),
        }
        let there =
            api.get(&name).await.map_err(|error| request_error::<K>("get", &name, error))?;
        if !self.ownership.owns(there.meta()) {
            let what = K::kind(&()).into_owned();
            return Err(ClusterError::NotOwned { what, name, owner: self.ownership.owner.clone() });
        }
        let patch = json!({"metadata": {
            "uid": there.uid(),
            "labels": wanted.labels(),
            "annotations": wanted.annotations(),
            "ownerReferences": wanted.meta().owner_references,
        }});
        Ok((self.patch(api, &name, patch).await?, false))
    }

    async fn patch<K>(&self, api: &Api<K>, name: &str, patch: Value) -> Result<K, ClusterError>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map_err(|error| request_error::<K>("patch", name, error))
    }

    /// Updates a node's status, if it still has that uid.
    async fn update_status(
        &self,
        cluster_node: &ClusterNode,
        uid: &str,
    ) -> Result<(), ClusterError> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let status = objects::node_status(cluster_node, self.clock.now());
        let patch = Patch::Merge(json!({"metadata": {"uid": uid}, "status": status}));
        let patched = nodes.patch_status(&cluster_node.name, &PatchParams::default(), &patch).await;
        patched.map(drop).map_err(|error| {
            request_error::<Node>("patch the status of", &cluster_node.name, error)
        })
    }
}

// === impl ClusterError ===

impl ClusterError {
    /// Whether the object is gone, or has been replaced.
    fn is_gone(&self) -> bool {
        match self {
            Self::Request { source, .. } => is_gone(source),
            Self::NotOwned { .. } => true,
            Self::NoUid { .. } => false,
        }
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

fn request_error<K: Resource<DynamicType = ()>>(
    verb: &'static str,
    name: &str,
    source: kube::Error,
) -> ClusterError {
    let (what, name) = (K::kind(&()).into_owned(), name.to_owned());
    ClusterError::Request { verb, what, name, source: source.into() }
}

fn namespaced<K>(client: &Client, object: &K) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), &object.namespace().unwrap_or_default())
}
