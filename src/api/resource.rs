/// One of the two resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Nodes,
    Pods,
}

// === impl Resource ===

impl Resource {
    pub(super) const ALL: [Self; 2] = [Self::Nodes, Self::Pods];

    /// As it stands in paths.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Pods => "pods",
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Nodes => "NodeMetrics",
            Self::Pods => "PodMetrics",
        }
    }

    pub(super) fn list_kind(self) -> &'static str {
        match self {
            Self::Nodes => "NodeMetricsList",
            Self::Pods => "PodMetricsList",
        }
    }

    /// What messages about missing metrics call it.
    pub(super) fn metrics_name(self) -> &'static str {
        match self {
            Self::Nodes => "nodemetrics",
            Self::Pods => "podmetrics",
        }
    }

    pub(super) fn is_namespaced(self) -> bool {
        self == Self::Pods
    }
}
