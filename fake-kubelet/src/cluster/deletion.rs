//! Deletes the objects that were created, and nothing else.

use std::fmt::{self, Debug};

use futures::{StreamExt, stream};
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, Pod},
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

/// Deletes all objects of this owner and run.
pub(crate) async fn delete_all(
    client: &Client,
    ownership: &Ownership,
) -> Result<Deleted, ClusterError> {
    let everywhere: Api<Pod> = Api::all(client.clone());
    let pods = delete_each(&everywhere, |pod| namespaced(client, pod), ownership).await?;
    let nodes: Api<Node> = Api::all(client.clone());
    let gone_nodes = delete_each(&nodes, |_| nodes.clone(), ownership).await?;
    let leases: Api<Lease> = Api::namespaced(client.clone(), objects::LEASES);
    let leases = delete_each(&leases, |_| leases.clone(), ownership).await?;
    Ok(Deleted { nodes: gone_nodes, pods, leases })
}

async fn delete_each<K>(
    all: &Api<K>,
    api_of: impl Fn(&K) -> Api<K>,
    ownership: &Ownership,
) -> Result<usize, ClusterError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let mut params = ListParams::default().labels(&ownership.selector()).limit(PAGE);
    let mut found = Vec::new();
    loop {
        let list =
            all.list(&params).await.map_err(|error| request_error::<K>("list", "", error))?;
        found.extend(list.items.into_iter().filter(|object| ownership.created(object.meta())));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    let mut deletions = stream::iter(&found)
        .map(|object| delete_one(api_of(object), object))
        .buffer_unordered(CONCURRENCY);
    let mut count = 0;
    while let Some(deleted) = deletions.next().await {
        count += usize::from(deleted?);
    }
    Ok(count)
}

/// Deletes this object, but not another one of its name; returns whether it existed.
async fn delete_one<K>(api: Api<K>, object: &K) -> Result<bool, ClusterError>
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
        Ok(_) => Ok(true),
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(request_error::<K>("delete", &name, error)),
    }
}
