//! The kinds of object that the API server serves.

/// One resource of one API group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResourceType {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
    pub(super) verbs: &'static [&'static str],
    pub(super) short_names: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    /// The fields beside name and namespace that field selectors can name.
    pub(super) selectable: &'static [&'static str],
}

const READ: &[&str] = &["get", "list", "watch"];
const CREATE: &[&str] = &["create"];
const ALL_VERBS: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

pub(super) static NODES: ResourceType = ResourceType {
    group: "",
    version: "v1",
    plural: "nodes",
    singular: "node",
    kind: "Node",
    namespaced: false,
    verbs: ALL_VERBS,
    short_names: &["no"],
    categories: &[],
    selectable: &["spec.unschedulable"],
};

pub(super) static PODS: ResourceType = ResourceType {
    plural: "pods",
    singular: "pod",
    kind: "Pod",
    namespaced: true,
    short_names: &["po"],
    categories: &["all"],
    selectable: &["spec.nodeName", "status.phase", "status.podIP"],
    ..NODES
};

pub(super) static NAMESPACES: ResourceType = ResourceType {
    plural: "namespaces",
    singular: "namespace",
    kind: "Namespace",
    verbs: READ,
    short_names: &["ns"],
    selectable: &["status.phase"],
    ..NODES
};

pub(super) static CONFIG_MAPS: ResourceType = ResourceType {
    plural: "configmaps",
    singular: "configmap",
    kind: "ConfigMap",
    verbs: READ,
    namespaced: true,
    short_names: &["cm"],
    selectable: &[],
    ..NODES
};

pub(super) static SERVICES: ResourceType = ResourceType {
    plural: "services",
    singular: "service",
    kind: "Service",
    verbs: READ,
    namespaced: true,
    short_names: &["svc"],
    categories: &["all"],
    selectable: &[],
    ..NODES
};

pub(super) static DEPLOYMENTS: ResourceType = ResourceType {
    group: "apps",
    plural: "deployments",
    singular: "deployment",
    kind: "Deployment",
    short_names: &["deploy"],
    ..SERVICES
};

pub(super) static REPLICA_SETS: ResourceType = ResourceType {
    plural: "replicasets",
    singular: "replicaset",
    kind: "ReplicaSet",
    short_names: &["rs"],
    ..DEPLOYMENTS
};

pub(super) static CERTIFICATE_SIGNING_REQUESTS: ResourceType = ResourceType {
    group: "certificates.k8s.io",
    plural: "certificatesigningrequests",
    singular: "certificatesigningrequest",
    kind: "CertificateSigningRequest",
    verbs: READ,
    short_names: &["csr"],
    selectable: &["spec.signerName"],
    ..NODES
};

pub(super) static ENDPOINT_SLICES: ResourceType = ResourceType {
    group: "discovery.k8s.io",
    plural: "endpointslices",
    singular: "endpointslice",
    kind: "EndpointSlice",
    short_names: &[],
    categories: &[],
    ..SERVICES
};

pub(super) static CLUSTER_ROLE_BINDINGS: ResourceType = ResourceType {
    group: "rbac.authorization.k8s.io",
    plural: "clusterrolebindings",
    singular: "clusterrolebinding",
    kind: "ClusterRoleBinding",
    verbs: READ,
    short_names: &[],
    selectable: &[],
    ..NODES
};

pub(super) static CLUSTER_ROLES: ResourceType = ResourceType {
    plural: "clusterroles",
    singular: "clusterrole",
    kind: "ClusterRole",
    ..CLUSTER_ROLE_BINDINGS
};

pub(super) static ROLE_BINDINGS: ResourceType = ResourceType {
    plural: "rolebindings",
    singular: "rolebinding",
    kind: "RoleBinding",
    namespaced: true,
    ..CLUSTER_ROLE_BINDINGS
};

pub(super) static LEASES: ResourceType = ResourceType {
    group: "coordination.k8s.io",
    plural: "leases",
    singular: "lease",
    kind: "Lease",
    namespaced: true,
    short_names: &[],
    selectable: &[],
    ..NODES
};

pub(super) static API_SERVICES: ResourceType = ResourceType {
    group: "apiregistration.k8s.io",
    plural: "apiservices",
    singular: "apiservice",
    kind: "APIService",
    verbs: READ,
    short_names: &[],
    categories: &["api-extensions"],
    selectable: &[],
    ..NODES
};

pub(super) static TOKEN_REVIEWS: ResourceType = ResourceType {
    group: "authentication.k8s.io",
    plural: "tokenreviews",
    singular: "tokenreview",
    kind: "TokenReview",
    verbs: CREATE,
    short_names: &[],
    selectable: &[],
    ..NODES
};

pub(super) static SUBJECT_ACCESS_REVIEWS: ResourceType = ResourceType {
    group: "authorization.k8s.io",
    plural: "subjectaccessreviews",
    singular: "subjectaccessreview",
    kind: "SubjectAccessReview",
    ..TOKEN_REVIEWS
};

pub(super) static SELF_SUBJECT_ACCESS_REVIEWS: ResourceType = ResourceType {
    plural: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    kind: "SelfSubjectAccessReview",
    ..SUBJECT_ACCESS_REVIEWS
};

/// All of them, in the order discovery lists them: by group, then by name.
pub(super) static ALL: [&ResourceType; 17] = [
    &CONFIG_MAPS,
    &NAMESPACES,
    &NODES,
    &PODS,
    &SERVICES,
    &API_SERVICES,
    &DEPLOYMENTS,
    &REPLICA_SETS,
    &TOKEN_REVIEWS,
    &SELF_SUBJECT_ACCESS_REVIEWS,
    &SUBJECT_ACCESS_REVIEWS,
    &CERTIFICATE_SIGNING_REQUESTS,
    &LEASES,
    &ENDPOINT_SLICES,
    &CLUSTER_ROLE_BINDINGS,
    &CLUSTER_ROLES,
    &ROLE_BINDINGS,
];

/// The groups beside the core one that the API server serves itself.
pub(super) const GROUPS: [&str; 8] = [
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "rbac.authorization.k8s.io",
];

/// Paths that are no resources.
pub(super) const ROOTS: [&str; 6] = ["/api", "/apis", "/healthz", "/livez", "/readyz", "/version"];

/// Whether the API server serves something at this path: a root, a resource or an object; where
/// the path is not whole, something whose path begins so.
pub fn serves(path: &str, is_whole: bool) -> bool {
    let at_cluster_scope = without_namespace(path);
    let fits = |known: &str, path: &str| {
        let below = path.strip_prefix(known).is_some_and(|rest| rest.starts_with('/'));
        path == known || below || !is_whole && known.starts_with(path)
    };
    let is_root = ROOTS.iter().any(|root| path == *root || !is_whole && root.starts_with(path));
    is_root
        || ALL.into_iter().any(|resource| {
            let prefix = if resource.group.is_empty() { "/api" } else { "/apis" };
            let known = format!("{prefix}/{}/{}", resource.api_version(), resource.plural);
            fits(&known, &at_cluster_scope)
        })
}

/// A path without `/namespaces/NAME` where more follows.
fn without_namespace(path: &str) -> String {
    let parts = path.split_once("/namespaces/").and_then(|(before, rest)| {
        let (_, after) = rest.split_once('/')?;
        Some(format!("{before}/{after}"))
    });
    parts.unwrap_or_else(|| path.to_owned())
}

// === impl ResourceType ===

impl ResourceType {
    pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|resource| {
            resource.group == group && resource.version == version && resource.plural == plural
        })
    }

    /// Whether a field selector can name the field.
    pub(super) fn has_field(&self, field: &str) -> bool {
        field == "metadata.name"
            || field == "metadata.namespace" && self.namespaced
            || self.selectable.contains(&field)
    }

    /// Whether it has the `status` subresource.
    pub(super) fn has_status(&self) -> bool {
        self == &NODES || self == &PODS
    }

    /// Group and version as objects write them.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_served_whole_or_begun() {
        for (path, whole, begun) in [
            ("/api/v1/nodes", true, true),
            ("/api/v1/nodes/node-1/proxy/metrics/resource", true, true),
            ("/api/v1/nod", false, true),
            ("/api/v1/ndoes", false, false),
            ("/api/v1/namespaces/kube-system/configmaps", true, true),
            ("/api/v1/namespaces/kube-system/config", false, true),
            ("/api/v1/namespaces/kube-system/secrets", false, false),
            ("/apis/authorization.k8s.io/v1/subjectaccessreviews", true, true),
            ("/apis/authorization.k8s.io/v1/nodes", false, false),
            ("/version", true, true),
            ("/versions", false, false),
            ("", false, true),
        ] {
            assert_eq!((serves(path, true), serves(path, false)), (whole, begun), "{path}");
        }
    }
}
