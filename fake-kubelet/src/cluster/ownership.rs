//! Whose an object is: a label with the owner and an annotation with the run.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::Namespace,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Api, Client, Resource};

use super::{ClusterError, request_error};

/// The label of every object that a fleet has created.
const OWNER: &str = "fake-kubelet.dev/owner";

/// The annotation with the run that created or adopted it.
const INSTANCE: &str = "fake-kubelet.dev/instance";

/// An owner, and a run of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ownership {
    pub(crate) owner: String,
    /// `None`: any run.
    pub(crate) instance: Option<String>,
    /// With which Namespace the garbage collector deletes nodes and pods.
    pub(crate) namespace: Option<OwnerReference>,
}

/// The reference to a Namespace that owns objects. Owners of nodes must not be namespaced.
pub(crate) async fn namespace_reference(
    client: &Client,
    name: &str,
) -> Result<OwnerReference, ClusterError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = namespaces.get(name).await;
    let namespace = namespace.map_err(|error| request_error::<Namespace>("get", name, error))?;
    namespace.owner_ref(&()).ok_or_else(|| ClusterError::NoUid { name: name.to_owned() })
}

// === impl Ownership ===

impl Ownership {
    pub(super) fn apply_to(&self, metadata: &mut ObjectMeta) {
        metadata.labels.get_or_insert_default().insert(OWNER.to_owned(), self.owner.clone());
        if let Some(instance) = &self.instance {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(INSTANCE.to_owned(), instance.clone());
        }
    }

    /// The owners of nodes and pods.
    pub(super) fn references(&self) -> Option<Vec<OwnerReference>> {
        self.namespace.clone().map(|namespace| vec![namespace])
    }

    /// Whether an object belongs to the owner, from whichever run.
    pub(super) fn owns(&self, metadata: &ObjectMeta) -> bool {
        value(metadata.labels.as_ref(), OWNER) == Some(&self.owner)
    }

    /// Whether it is from this run as well.
    pub(super) fn created(&self, metadata: &ObjectMeta) -> bool {
        let instance = value(metadata.annotations.as_ref(), INSTANCE);
        self.owns(metadata) && self.instance.as_deref().is_none_or(|own| instance == Some(own))
    }

    /// The label selector of the owner's objects.
    pub(super) fn selector(&self) -> String {
        format!("{OWNER}={}", self.owner)
    }
}

fn value<'a>(map: Option<&'a BTreeMap<String, String>>, name: &str) -> Option<&'a str> {
    map?.get(name).map(String::as_str)
}
