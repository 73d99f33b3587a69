//! Deletes the objects that were created, and nothing else.

use std::{
    collections::BTreeSet,
    fmt::{self, Debug},
};

use futures::{StreamExt, stream};
use k8s_openapi::{
    api::{
        coordination::v1::Lease,
        core::v1::{Node, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Preconditions},
};
use serde::de::DeserializeOwned;

use super::{CONCURRENCY, ClusterError, Ownership, is_gone, namespaced, objects, request_error};

/// How many objects a list request returns.
const PAGE: u32 = 500;

/// How many objects were deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    pub(crate) nodes: usize,
    pub(crate) pods: usize,
    pub(crate) leases: usize,
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, pods, leases } = self;
        write!(f, "removed {nodes} nodes, {pods} pods and {leases} Leases")
    }
}

/// Deletes all objects of this owner and run, and the pods that others have on its nodes.
pub(crate) async fn delete_all(
    client: &Client,
    ownership: &Ownership,
) -> Result<Deleted, ClusterError> {
    delete_if(client, ownership, |metadata, _| ownership.created(metadata)).await
}

/// Deletes those objects of this owner that `doomed` says, by their metadata and the name of their
/// node, and the pods that others have on the nodes that go: no kubelet confirms that they ended.
/// Nodes go first, lest controllers replace pods there.
pub(super) async fn delete_if(
    client: &Client,
    ownership: &Ownership,
    doomed: impl Fn(&ObjectMeta, &str) -> bool,
) -> Result<Deleted, ClusterError> {
    let owned = ListParams::default().labels(&ownership.selector());
    let nodes: Api<Node> = Api::all(client.clone());
    let found = list(&nodes, &owned, |node| doomed(node.meta(), &node.name_any())).await?;
    let gone = delete_each(&found, |_| nodes.clone()).await?;
    let gone: BTreeSet<_> = gone.into_iter().collect();

    let pods: Api<Pod> = Api::all(client.clone());
    let bound = ListParams::default().fields("spec.nodeName!=");
    let pods = list(&pods, &bound, |pod| {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        gone.contains(node) || (ownership.owns(pod.meta()) && doomed(pod.meta(), node))
    });
    let pods = delete_each(&pods.await?, |pod| namespaced(client, pod)).await?;

    let leases: Api<Lease> = Api::namespaced(client.clone(), objects::LEASES);
    let found = list(&leases, &owned, |lease| doomed(lease.meta(), &lease.name_any())).await?;
    let leases = delete_each(&found, |_| leases.clone()).await?;
    Ok(Deleted { nodes: gone.len(), pods: pods.len(), leases: leases.len() })
}

/// All objects that `wanted` says, page by page.
async fn list<K>(
    all: &Api<K>,
    params: &ListParams,
    wanted: impl Fn(&K) -> bool,
) -> Result<Vec<K>, ClusterError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let mut params = params.clone().limit(PAGE);
    let mut found = Vec::new();
    loop {
        let list =
            all.list(&params).await.map_err(|error| request_error::<K>("list", "", error))?;
        found.extend(list.items.into_iter().filter(&wanted));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}

/// Deletes these objects; returns the names of those that were there.
async fn delete_each<K>(
    found: &[K],
    api_of: impl Fn(&K) -> Api<K>,
) -> Result<Vec<String>, ClusterError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let mut deletions = stream::iter(found)
        .map(|object| delete_one(api_of(object), object))
        .buffer_unordered(CONCURRENCY);
    let mut gone = Vec::new();
    while let Some(deleted) = deletions.next().await {
        gone.extend(deleted?);
    }
    Ok(gone)
}

/// Deletes this object, but not another one of its name; returns its name if it existed.
pub(super) async fn delete_one<K>(api: Api<K>, object: &K) -> Result<Option<String>, ClusterError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let name = object.name_any();
    let params = DeleteParams {
        grace_period_seconds: Some(0),
        preconditions: Some(Preconditions { uid: object.uid(), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(&name, &params).await {
        Ok(_) => Ok(Some(name)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(request_error::<K>("delete", &name, error)),
    }
}
