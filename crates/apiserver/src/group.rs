//! An API group as its server describes it: versions, resources and where objects come from. What
//! `rest.Storage` is in k8s.io/apiserver.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::{ListOptions, openapi::Description, status::Failure};

/// An API group that is read with GET and LIST.
pub struct ApiGroup {
    /// Such as `metrics.k8s.io`.
    pub name: &'static str,
    /// All versions, the preferred one first. All serve the same resources.
    pub versions: Vec<GroupVersion>,
    /// The resources, in the order in which discovery lists them.
    pub resources: Vec<Arc<dyn Resource>>,
    /// The address that the server advertises, as `host:port`; a Go server leaves the host empty.
    pub server_address: String,
    /// Describes the group in OpenAPI.
    pub openapi: fn() -> Description,
}

/// A version of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupVersion {
    /// Such as `v1beta1`.
    pub version: &'static str,
    /// Such as `metrics.k8s.io/v1beta1`.
    pub group_version: &'static str,
}

/// The names of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceNames {
    /// In paths, such as `pods`.
    pub plural: &'static str,
    /// Of one object, such as `PodMetrics`.
    pub kind: &'static str,
    /// Of a list, such as `PodMetricsList`.
    pub list_kind: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// The `columnDefinitions` of a table, in JSON. The first column is the name.
    pub columns: &'static str,
}

/// A resource of a group.
pub trait Resource: Send + Sync + 'static {
    /// Its names.
    fn names(&self) -> ResourceNames;

    /// Whether objects can be written as protobuf.
    fn has_protobuf(&self) -> bool {
        true
    }

    /// The objects that `options` select, in all namespaces or in one.
    fn list(&self, namespace: Option<&str>, options: ListOptions) -> Box<dyn Objects>;

    /// One object, or why it is not found.
    fn get(&self, namespace: Option<&str>, name: &str) -> Result<Box<dyn Objects>, Failure>;

    /// Why [`Resource::get`] gave an object without content.
    fn unavailable(&self, namespace: Option<&str>, name: &str) -> Failure;
}

/// Objects that have not been written yet. They are made one by one, so that a long list needs no
/// copy of all of them.
pub trait Objects: Send {
    /// Makes the next object, and passes it to `visit` if it is selected and has content. False
    /// when there was none.
    fn next(&mut self, visit: &mut dyn FnMut(&mut dyn Object)) -> bool;

    /// How many objects are made before the task yields to others.
    fn batch(&self) -> usize;
}

/// One object.
pub trait Object {
    /// Its metadata.
    fn metadata(&self) -> ObjectMeta<'_>;

    /// Writes the JSON fields after `metadata`, each after a comma.
    fn write_json(&mut self, out: &mut Vec<u8>);

    /// Writes the protobuf fields after the metadata, which is field 1.
    fn write_protobuf(&mut self, out: &mut Vec<u8>);

    /// Writes the JSON cells after the name, each after a comma.
    fn write_cells(&mut self, out: &mut Vec<u8>);
}

/// Metadata of an object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectMeta<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its namespace, where it has one.
    pub namespace: Option<&'a str>,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
}

// === impl ApiGroup ===

impl ApiGroup {
    /// The first label of the name: `metrics` of `metrics.k8s.io`.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    pub(crate) fn version(&self, name: &str) -> Option<GroupVersion> {
        self.versions.iter().copied().find(|version| version.version == name)
    }

    pub(crate) fn resource(&self, plural: &str, namespaced: bool) -> Option<&Arc<dyn Resource>> {
        self.resources.iter().find(|resource| {
            let names = resource.names();
            names.plural == plural && (names.namespaced || !namespaced)
        })
    }
}
