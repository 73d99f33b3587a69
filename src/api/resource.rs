//! The two resources of the group.

use apiserver::{Failure, ListOptions, Objects, Resource, ResourceNames};

use super::{Sources, not_found_reason::not_found_reason, objects::Metrics};
use crate::names::GROUP;

/// Which of the two resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nodes,
    Pods,
}

/// A resource with the usage that it serves.
pub(super) struct MetricsResource {
    pub(super) kind: Kind,
    pub(super) sources: Sources,
}

/// As in the Go server, there are no columns in a table without rows.
const COLUMNS: &str = r#"[{"name":"Name","type":"string","format":"name","description":"Name of the resource","priority":0},{"name":"cpu","type":"string","format":"quantity","description":"","priority":0},{"name":"memory","type":"string","format":"quantity","description":"","priority":0},{"name":"Window","type":"string","format":"duration","description":"","priority":0}]"#;

// === impl Kind ===

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Nodes, Self::Pods];

    pub(super) fn names(self) -> ResourceNames {
        let (plural, kind, list_kind) = match self {
            Self::Nodes => ("nodes", "NodeMetrics", "NodeMetricsList"),
            Self::Pods => ("pods", "PodMetrics", "PodMetricsList"),
        };
        let namespaced = self == Self::Pods;
        ResourceNames { plural, kind, list_kind, namespaced, columns: COLUMNS }
    }
}

// === impl MetricsResource ===

impl Resource for MetricsResource {
    fn names(&self) -> ResourceNames {
        self.kind.names()
    }

    fn list(&self, namespace: Option<&str>, options: ListOptions) -> Box<dyn Objects> {
        Box::new(Metrics::list(&self.sources, self.kind, namespace, options))
    }

    fn get(&self, namespace: Option<&str>, name: &str) -> Result<Box<dyn Objects>, Failure> {
        let metrics = Metrics::one(&self.sources, self.kind, namespace, name);
        metrics.map(|metrics| Box::new(metrics) as Box<dyn Objects>).ok_or_else(|| {
            // The Go server's node lister has the resource's name in the singular.
            let kind = if self.kind == Kind::Nodes { "node" } else { "pods" };
            Failure::NotFound { group: "", kind, name: name.to_owned(), reason: String::new() }
        })
    }

    /// The Go server gives no reason.
    fn unavailable(&self, namespace: Option<&str>, name: &str) -> Failure {
        let kind = if self.kind == Kind::Nodes { "nodemetrics" } else { "podmetrics" };
        let reason = not_found_reason(&self.sources, self.kind, namespace, name);
        let name = namespace.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}/{name}"));
        Failure::NotFound { group: GROUP, kind, name, reason }
    }
}
