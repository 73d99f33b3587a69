use percent_encoding::percent_decode_str;

use super::{GROUP, resource::Resource, version::Version};

/// What a path under `/apis` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The groups that are served.
    Groups,
    /// The group and its versions.
    Group,
    /// A version's resources.
    Resources(Version),
    /// All objects of a resource, or those of a namespace.
    List { version: Version, resource: Resource, namespace: Option<String> },
    /// One object.
    Object { version: Version, resource: Resource, namespace: Option<String>, name: String },
    /// Nothing that there is, but within the group.
    Nothing,
}

// === impl Target ===

impl Target {
    /// What `path` stands for; `None` when it is not the group's business. Paths are compared
    /// decoded, and slashes at the end do not count.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        if matches!(&*path, "/apis" | "/apis/") {
            return Some(Self::Groups);
        }
        let rest = path.strip_prefix("/apis/")?.strip_prefix(GROUP)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let parts: Vec<_> = rest.trim_matches('/').split('/').collect();
        Some(Self::within_group(&parts))
    }

    fn within_group(parts: &[&str]) -> Self {
        let (version, parts) = match parts {
            [""] => return Self::Group,
            [version, parts @ ..] => (version.parse(), parts),
            [] => return Self::Nothing,
        };
        let Ok(version) = version else { return Self::Nothing };
        let owned = |text: &str| text.to_owned();
        let (nodes, pods) = (Resource::Nodes, Resource::Pods);
        match parts {
            [] => Self::Resources(version),
            ["nodes"] => Self::List { version, resource: nodes, namespace: None },
            ["pods"] => Self::List { version, resource: pods, namespace: None },
            ["nodes", name] if !name.is_empty() => {
                Self::Object { version, resource: nodes, namespace: None, name: owned(name) }
            }
            ["namespaces", namespace, "pods"] if !namespace.is_empty() => {
                Self::List { version, resource: pods, namespace: Some(owned(namespace)) }
            }
            ["namespaces", namespace, "pods", name]
                if !namespace.is_empty() && !name.is_empty() =>
            {
                let namespace = Some(owned(namespace));
                Self::Object { version, resource: pods, namespace, name: owned(name) }
            }
            _ => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_understood_as_the_go_server_understands_them() {
        let version = Version::V1Beta1;
        let node = |name: &str| Target::Object {
            version,
            resource: Resource::Nodes,
            namespace: None,
            name: name.into(),
        };
        let cases = [
            ("/apis", Some(Target::Groups)),
            ("/apis/", Some(Target::Groups)),
            ("/apis//", None),
            ("/apis/apps", None),
            ("/apis/metrics.k8s.iox", None),
            ("/apis/metrics.k8s.io", Some(Target::Group)),
            ("/apis/metrics.k8s.io/", Some(Target::Group)),
            ("/apis/metrics.k8s.io/v2", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1/", Some(Target::Resources(Version::V1))),
            ("/apis/metrics.k8s.io/v1beta1/nodes/a/", Some(node("a"))),
            ("/apis/metrics.k8s.io/v1beta1/nodes/a%62", Some(node("ab"))),
            ("/apis/metrics.k8s.io/v1beta1/nodes/a%2Fb", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1beta1/nodes//a", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1beta1/pods/a", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1beta1/namespaces/a", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1beta1/namespaces//pods", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1beta1/namespaces/a/nodes", Some(Target::Nothing)),
            ("/apis/metrics.k8s.io/v1beta1/watch/nodes", Some(Target::Nothing)),
        ];
        for (path, target) in cases {
            assert_eq!(Target::of(path), target, "{path}");
        }
    }
}
