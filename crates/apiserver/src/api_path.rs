//! Parses a path under `/apis`.

use std::{fmt, sync::Arc};

use percent_encoding::percent_decode_str;

use crate::group::{ApiGroup, GroupVersion, Resource};

/// The meaning of a path under `/apis`.
#[derive(Clone)]
pub(crate) enum ApiPath {
    /// The groups that are served.
    Groups,
    /// The group and its versions.
    Group,
    /// A version's resources.
    Resources(GroupVersion),
    /// All objects of a resource, or those of a namespace.
    List { version: GroupVersion, resource: Arc<dyn Resource>, namespace: Option<String> },
    /// One object.
    Object {
        version: GroupVersion,
        resource: Arc<dyn Resource>,
        namespace: Option<String>,
        name: String,
    },
    /// Nothing that there is, but within the group.
    Unknown,
}

// === impl ApiPath ===

impl ApiPath {
    /// Parses `path`; `None` when it is not below the group. Paths are compared decoded, and
    /// trailing slashes are ignored.
    pub(crate) fn of(path: &str, group: &ApiGroup) -> Option<Self> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        if matches!(&*path, "/apis" | "/apis/") {
            return Some(Self::Groups);
        }
        let rest = path.strip_prefix("/apis/")?.strip_prefix(group.name)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let parts: Vec<_> = rest.trim_matches('/').split('/').collect();
        Some(Self::within(group, &parts).unwrap_or(Self::Unknown))
    }

    fn within(group: &ApiGroup, parts: &[&str]) -> Option<Self> {
        let (version, parts) = match parts {
            [""] => return Some(Self::Group),
            [version, parts @ ..] => (group.version(version)?, parts),
            [] => return None,
        };
        let resource = |plural: &str, namespaced| group.resource(plural, namespaced).cloned();
        let is_namespaced = |resource: &Arc<dyn Resource>| resource.names().namespaced;
        Some(match *parts {
            [] => Self::Resources(version),
            [plural] => Self::List { version, resource: resource(plural, false)?, namespace: None },
            [plural, name] if !name.is_empty() => {
                let resource =
                    resource(plural, false).filter(|resource| !is_namespaced(resource))?;
                Self::Object { version, resource, namespace: None, name: name.to_owned() }
            }
            ["namespaces", namespace, plural] if !namespace.is_empty() => {
                let (resource, namespace) = (resource(plural, true)?, Some(namespace.to_owned()));
                Self::List { version, resource, namespace }
            }
            ["namespaces", namespace, plural, name]
                if !namespace.is_empty() && !name.is_empty() =>
            {
                let (resource, namespace) = (resource(plural, true)?, Some(namespace.to_owned()));
                Self::Object { version, resource, namespace, name: name.to_owned() }
            }
            _ => return None,
        })
    }
}

impl fmt::Debug for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups => f.write_str("groups"),
            Self::Group => f.write_str("group"),
            Self::Resources(version) => write!(f, "resources of {}", version.version),
            Self::List { version, resource, namespace } => {
                let plural = resource.names().plural;
                write!(f, "list {plural} of {} in {namespace:?}", version.version)
            }
            Self::Object { version, resource, namespace, name } => {
                let plural = resource.names().plural;
                write!(f, "get {plural} {name} of {} in {namespace:?}", version.version)
            }
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ListOptions,
        group::{Objects, ResourceNames},
        openapi::Description,
        status::Failure,
    };

    struct Named(ResourceNames);

    impl Resource for Named {
        fn names(&self) -> ResourceNames {
            self.0
        }

        fn list(&self, _: Option<&str>, _: ListOptions) -> Box<dyn Objects> {
            unreachable!("paths are only read")
        }

        fn get(&self, _: Option<&str>, _: &str) -> Result<Box<dyn Objects>, Failure> {
            unreachable!("paths are only read")
        }

        fn unavailable(&self, _: Option<&str>, _: &str) -> Failure {
            unreachable!("paths are only read")
        }
    }

    fn group() -> ApiGroup {
        let resource = |plural, namespaced| {
            let (kind, list_kind, columns) = ("Kind", "KindList", "[]");
            let names = ResourceNames { plural, kind, list_kind, namespaced, columns };
            Arc::new(Named(names)) as Arc<dyn Resource>
        };
        ApiGroup {
            name: "metrics.k8s.io",
            versions: vec![
                GroupVersion { version: "v1beta1", group_version: "metrics.k8s.io/v1beta1" },
                GroupVersion { version: "v1", group_version: "metrics.k8s.io/v1" },
            ],
            resources: vec![resource("nodes", false), resource("pods", true)],
            server_address: String::new(),
            openapi: || Description { title: "", release: "", group: "", versions: Vec::new() },
        }
    }

    #[test]
    fn paths_are_understood_as_the_go_server_understands_them() {
        let cases = [
            ("/apis", Some("groups")),
            ("/apis/", Some("groups")),
            ("/apis//", None),
            ("/apis/apps", None),
            ("/apis/metrics.k8s.iox", None),
            ("/apis/metrics.k8s.io", Some("group")),
            ("/apis/metrics.k8s.io/", Some("group")),
            ("/apis/metrics.k8s.io/v2", Some("unknown")),
            ("/apis/metrics.k8s.io/v1/", Some("resources of v1")),
            ("/apis/metrics.k8s.io/v1/pods", Some("list pods of v1 in None")),
            ("/apis/metrics.k8s.io/v1beta1/nodes/a/", Some("get nodes a of v1beta1 in None")),
            ("/apis/metrics.k8s.io/v1beta1/nodes/a%62", Some("get nodes ab of v1beta1 in None")),
            ("/apis/metrics.k8s.io/v1beta1/nodes/a%2Fb", Some("unknown")),
            ("/apis/metrics.k8s.io/v1beta1/nodes//a", Some("unknown")),
            ("/apis/metrics.k8s.io/v1beta1/pods/a", Some("unknown")),
            ("/apis/metrics.k8s.io/v1beta1/namespaces/a", Some("unknown")),
            (
                "/apis/metrics.k8s.io/v1/namespaces/a/pods/b",
                Some("get pods b of v1 in Some(\"a\")"),
            ),
            ("/apis/metrics.k8s.io/v1beta1/namespaces//pods", Some("unknown")),
            ("/apis/metrics.k8s.io/v1beta1/namespaces/a/nodes", Some("unknown")),
            ("/apis/metrics.k8s.io/v1beta1/watch/nodes", Some("unknown")),
        ];
        for (path, expected) in cases {
            let read = ApiPath::of(path, &group()).map(|path| format!("{path:?}"));
            assert_eq!(read.as_deref(), expected, "{path}");
        }
    }
}
