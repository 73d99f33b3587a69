//! What a server has to say of its API group before OpenAPI documents can be written.

use serde_json::{Map, Value};

/// An API group that is read with GET and LIST.
pub(in crate::api) struct Description {
    /// Title of the documents.
    pub(in crate::api) title: &'static str,
    /// Release of the server.
    pub(in crate::api) release: &'static str,
    /// Name of the group, such as `metrics.k8s.io`.
    pub(in crate::api) group: &'static str,
    /// Versions of the group.
    pub(in crate::api) versions: Vec<DescribedVersion>,
}

/// A version of the group.
pub(in crate::api) struct DescribedVersion {
    /// Name of the version, such as `v1`.
    pub(in crate::api) name: &'static str,
    /// Resources of the version.
    pub(in crate::api) resources: Vec<DescribedResource>,
    /// Schemas of the version's own types by name, as OpenAPI 3.0 writes them. They may refer to
    /// each other and to the types in `meta`.
    pub(in crate::api) schemas: Map<String, Value>,
}

/// A resource.
pub(in crate::api) struct DescribedResource {
    /// Name in paths, such as `pods`.
    pub(in crate::api) name: &'static str,
    /// Kind of its objects, such as `PodMetrics`.
    pub(in crate::api) kind: &'static str,
    /// Whether its objects live in namespaces.
    pub(in crate::api) namespaced: bool,
    /// Name of the schema of one object.
    pub(in crate::api) object: String,
    /// Name of the schema of a list.
    pub(in crate::api) list: String,
}

// === impl Description ===

impl Description {
    /// First label of the group's name: `metrics` of `metrics.k8s.io`.
    pub(super) fn short_group(&self) -> &'static str {
        self.group.split('.').next().unwrap_or(self.group)
    }

    /// Schemas of all versions.
    pub(super) fn schemas(&self) -> Map<String, Value> {
        self.versions.iter().flat_map(|version| version.schemas.clone()).collect()
    }
}
