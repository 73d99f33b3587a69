//! How objects say whose they are.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The label that every object carries that a fleet has made.
const OWNER: &str = "fake-kubelet.dev/owner";

/// The annotation with the run that made it, or took it over.
const INSTANCE: &str = "fake-kubelet.dev/instance";

/// Whose objects are whose nobody has said.
pub(crate) const DEFAULT_OWNER: &str = "fake-kubelet";

/// Whose an object is, and of which run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) owner: String,
    /// Of any run if none is named.
    pub(crate) instance: Option<String>,
}

// === impl Marks ===

impl Marks {
    pub(super) fn put_on(&self, metadata: &mut ObjectMeta) {
        metadata.labels.get_or_insert_default().insert(OWNER.to_owned(), self.owner.clone());
        if let Some(instance) = &self.instance {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(INSTANCE.to_owned(), instance.clone());
        }
    }

    /// Whether it is the owner's, of whichever run.
    pub(super) fn own(&self, metadata: &ObjectMeta) -> bool {
        value(metadata.labels.as_ref(), OWNER) == Some(&self.owner)
    }

    /// Whether it is of this run as well.
    pub(super) fn made(&self, metadata: &ObjectMeta) -> bool {
        let instance = value(metadata.annotations.as_ref(), INSTANCE);
        self.own(metadata) && self.instance.as_deref().is_none_or(|own| instance == Some(own))
    }

    /// The label selector of the owner's objects.
    pub(super) fn selector(&self) -> String {
        format!("{OWNER}={}", self.owner)
    }
}

fn value<'a>(map: Option<&'a BTreeMap<String, String>>, name: &str) -> Option<&'a str> {
    map?.get(name).map(String::as_str)
}
