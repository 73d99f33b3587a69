//! Taking away what was made, and nothing else.

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

use super::{AT_ONCE, ClusterError, Marks, asked, is_gone, namespaced, objects};

/// Objects are listed in pieces of so many.
const PAGE: u32 = 500;

/// How many objects were taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) nodes: usize,
    pub(crate) pods: usize,
    pub(crate) leases: usize,
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, pods, leases } = self;
        write!(f, "removed {nodes} nodes, {pods} pods and {leases} Leases")
    }
}

/// Removes all that carries these marks.
pub(crate) async fn remove(client: &Client, marks: &Marks) -> Result<Removed, ClusterError> {
    let everywhere: Api<Pod> = Api::all(client.clone());
    let pods = remove_all(&everywhere, |pod| namespaced(client, pod), marks).await?;
    let nodes: Api<Node> = Api::all(client.clone());
    let gone_nodes = remove_all(&nodes, |_| nodes.clone(), marks).await?;
    let leases: Api<Lease> = Api::namespaced(client.clone(), objects::LEASES);
    let leases = remove_all(&leases, |_| leases.clone(), marks).await?;
    Ok(Removed { nodes: gone_nodes, pods, leases })
}

async fn remove_all<K>(
    all: &Api<K>,
    home: impl Fn(&K) -> Api<K>,
    marks: &Marks,
) -> Result<usize, ClusterError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let mut params = ListParams::default().labels(&marks.selector()).limit(PAGE);
    let mut found = Vec::new();
    loop {
        let list = all.list(&params).await.map_err(|error| asked::<K>("list", "", error))?;
        found.extend(list.items.into_iter().filter(|object| marks.made(object.meta())));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    let mut removals = stream::iter(&found)
        .map(|object| remove_one(home(object), object))
        .buffer_unordered(AT_ONCE);
    let mut count = 0;
    while let Some(removed) = removals.next().await {
        count += usize::from(removed?);
    }
    Ok(count)
}

/// Removes this object and no other that has taken its name; says whether it was there.
async fn remove_one<K>(api: Api<K>, object: &K) -> Result<bool, ClusterError>
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
        Err(error) => Err(asked::<K>("delete", &name, error)),
    }
}
