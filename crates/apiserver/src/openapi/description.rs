//! What OpenAPI documents need to know of an API group.

use serde_json::{Map, Value};

/// An API group that is read with GET and LIST.
pub struct Description {
    /// Title of the documents.
    pub title: &'static str,
    /// Release of the server.
    pub release: &'static str,
    /// Name of the group, such as `metrics.k8s.io`.
    pub group: &'static str,
    /// Versions of the group.
    pub versions: Vec<DescribedVersion>,
}

/// A version of the group.
pub struct DescribedVersion {
    /// Name of the version, such as `v1`.
    pub name: &'static str,
    /// Resources of the version.
    pub resources: Vec<DescribedResource>,
    /// Schemas of the version's own types by name, as OpenAPI 3.0 writes them. They may refer to
    /// each other and to the types in `meta`.
    pub schemas: Map<String, Value>,
}

/// A resource.
pub struct DescribedResource {
    /// Name in paths, such as `pods`.
    pub name: &'static str,
    /// Kind of its objects, such as `PodMetrics`.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Name of the schema of one object.
    pub object: String,
    /// Name of the schema of a list.
    pub list: String,
}

// === impl Description ===

impl Description {
    /// A group none of whose versions is described: `kubectl explain` knows nothing of it.
    pub fn new(title: &'static str, release: &'static str, group: &'static str) -> Self {
        Self { title, release, group, versions: Vec::new() }
    }

    /// First label of the group's name: `metrics` of `metrics.k8s.io`.
    pub(super) fn short_group(&self) -> &'static str {
        self.group.split('.').next().unwrap_or(self.group)
    }

    /// Schemas of all versions.
    pub(super) fn schemas(&self) -> Map<String, Value> {
        self.versions.iter().flat_map(|version| version.schemas.clone()).collect()
    }
}
