use clap::Args;
use serde::Serialize;

/// As many namespaces as the Go server was measured with.
const NAMESPACES: u32 = 20;

/// Pods of one workload: as many as an autoscaler requests at once.
const REPLICAS: u32 = 50;

/// How large a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args, Serialize)]
pub struct Size {
    /// How many nodes the cluster has.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) nodes: u32,
    /// How many pods run on a node.
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pods: u32,
    /// How many containers a pod has.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) containers: u32,
}

/// What a pod of the cluster is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodNames {
    /// Counts all pods of the cluster.
    pub(crate) number: u32,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The value of its label `app`.
    pub(crate) app: String,
}

// === impl Size ===

impl Size {
    /// The name of a node.
    pub(crate) fn node(number: u32) -> String {
        format!("node-{number:05}")
    }

    /// Names a pod of a node. Workloads are spread over nodes and namespaces, as schedulers do.
    pub(crate) fn pod(self, node: u32, pod: u32) -> PodNames {
        let number = node * self.pods + pod;
        let app = number % self.apps();
        PodNames {
            number,
            namespace: format!("team-{:02}", app % NAMESPACES),
            name: format!("app-{app:04}-5d4f7c9b86-{number:07}"),
            app: format!("app-{app:04}"),
        }
    }

    /// How many pods there are in all.
    pub(crate) fn all_pods(self) -> u32 {
        self.nodes * self.pods
    }

    fn apps(self) -> u32 {
        (self.all_pods() / REPLICAS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_shared_out_over_workloads_and_namespaces() {
        let size = Size { nodes: 100, pods: 30, containers: 2 };
        let pods: Vec<_> =
            (0..100).flat_map(|node| (0..30).map(move |pod| size.pod(node, pod))).collect();
        let first = &pods[0];
        assert_eq!(first.name, "app-0000-5d4f7c9b86-0000000");
        assert_eq!(pods.iter().filter(|pod| pod.app == first.app).count(), 50);
        let namespace: Vec<_> =
            pods.iter().filter(|pod| pod.namespace == first.namespace).collect();
        assert_eq!(namespace.len(), 150);
        assert_eq!(pods.last().map(|pod| pod.number), Some(2_999));
    }
}
