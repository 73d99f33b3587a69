//! Whose an object is: a label with the owner and an annotation with the run.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The label of every object that a fleet has created.
const OWNER: &str = "fake-kubelet.dev/owner";

/// The annotation with the run that created or adopted it.
const INSTANCE: &str = "fake-kubelet.dev/instance";

/// An owner, and a run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ownership {
    pub(crate) owner: String,
    /// `None`: any run.
    pub(crate) instance: Option<String>,
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
