//! What a kubelet is started with, made from a node of the file format.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use cluster_format::{Access, CertificateKind, Faults, X509};
use jiff::Timestamp;

use crate::{
    node::{Container, Node, Pod},
    replay::{Recording, RecordingError},
    sampling::Sampling,
    usage::{Usage, UsageError, UsageSchedule},
};

/// Counters count from a day ago where the file has no `started`, and must not be full within a day.
const AGE: Duration = Duration::from_hours(24);

/// What a kubelet is like when it starts.
#[derive(Clone, Debug)]
pub struct KubeletSpec {
    /// The node's name.
    pub name: String,
    /// The address that it listens on; with port 0 the system chooses the port.
    pub listen: Vec<SocketAddr>,
    /// All names of the node that a signed certificate is for.
    pub names: Vec<String>,
    /// All addresses of the node that a signed certificate is for.
    pub addresses: Vec<IpAddr>,
    /// What the node and its pods use.
    pub node: Node,
    /// When it measures.
    pub sampling: Sampling,
    /// Its serving certificate.
    pub certificate: CertificateKind,
    /// Its version and key.
    pub x509: X509,
    /// How requests are authenticated and authorized.
    pub access: Access,
    /// Another path where its `/metrics/resource` is too.
    pub resource_path: Option<String>,
    /// Answers with this instead of what the node uses.
    pub replay: Option<Arc<Recording>>,
    /// What it does wrong.
    pub faults: Faults,
}

/// The annotation with the path of a node's metrics, which metrics servers read.
const RESOURCE_PATH: &str = "metrics.k8s.io/resource-metrics-path";

/// What a file leaves to its reader.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// Paths are relative to it.
    pub folder: &'a Path,
    /// The seed of random walks without one.
    pub seed: u64,
    /// The present: changes of usage begin here.
    pub start: Timestamp,
}

/// Why a node of a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Its recording cannot be read.
    #[error("node {node:?}: {source}")]
    Recording {
        /// The node.
        node: String,
        /// Why not.
        source: RecordingError,
    },
    /// Usage that cannot be read.
    #[error("usage of {name:?}: {source}")]
    Usage {
        /// The node, or `namespace/pod/container`.
        name: String,
        /// Why not.
        source: UsageError,
    },
    /// Usage that no kubelet could count.
    #[error(
        "{name:?} uses so much CPU that its counter, 64 bits of nanoseconds, would be full within a day: write less `cpu`, or a later `started`"
    )]
    FullCounter {
        /// The node, or `namespace/pod/container`.
        name: String,
    },
}

// === impl Sources ===

impl Sources<'_> {
    /// When a node started.
    pub fn started(self, node: &cluster_format::Node) -> Timestamp {
        let default = || self.start.saturating_sub(AGE).unwrap_or(Timestamp::MIN);
        node.kubelet.started.map_or_else(default, |started| started.0)
    }

    fn a_day_later(self) -> Timestamp {
        self.start.saturating_add(AGE).unwrap_or(Timestamp::MAX)
    }
}

// === impl KubeletSpec ===

impl KubeletSpec {
    /// The kubelet of a node that is not a template.
    pub fn new(node: &cluster_format::Node, sources: Sources<'_>) -> Result<Self, SpecError> {
        let (started, kubelet) = (sources.started(node), &node.kubelet);
        let replay = kubelet.replay.as_ref().map(|path| {
            Recording::read(&sources.folder.join(path))
                .map(Arc::new)
                .map_err(|source| SpecError::Recording { node: node.name.clone(), source })
        });
        let pods = node.pods.iter().map(|pod| Pod::new(pod, started, sources));
        let pods = pods.collect::<Result<_, _>>()?;
        let usage = node.usage.as_ref();
        let usage = usage.map(|usage| UsageSchedule::new(usage, &node.name, sources));
        let usage = usage
            .transpose()
            .map_err(|source| SpecError::Usage { name: node.name.clone(), source })?;
        let base = usage.as_ref().map(|usage| usage.base().clone());
        let mut model = Node::new(started, base, pods);
        if let Some(usage) = usage.filter(UsageSchedule::changes) {
            model.set_usage(sources.start, usage);
        }
        if model.is_full(sources.a_day_later()) {
            return Err(SpecError::FullCounter { name: node.name.clone() });
        }
        Ok(Self {
            name: node.name.clone(),
            listen: node.listen(),
            names: node.host_names().map(str::to_owned).collect(),
            addresses: node.ip_addresses().collect(),
            node: model,
            sampling: kubelet.sampling.map_or_else(Sampling::default, Sampling::from),
            certificate: kubelet.certificate.unwrap_or_default(),
            x509: kubelet.x509.unwrap_or_default(),
            access: kubelet.access.unwrap_or_default(),
            resource_path: resource_path(node),
            replay: replay.transpose()?,
            faults: kubelet.faults.clone(),
        })
    }
}

/// The path of a node's metrics in an annotation, if it is below `/metrics`, as KWOK has it. The
/// metrics server puts a slash before a path that has none.
pub fn resource_path(node: &cluster_format::Node) -> Option<String> {
    let path = node.annotations.get(RESOURCE_PATH)?;
    let path = path.strip_prefix('/').unwrap_or(path);
    path.starts_with("metrics/").then(|| format!("/{path}"))
}

// === impl Pod ===

impl Pod {
    /// A pod of a node that started then.
    pub fn new(
        pod: &cluster_format::Pod,
        node_started: Timestamp,
        sources: Sources<'_>,
    ) -> Result<Self, SpecError> {
        let container = |container: &cluster_format::Container| {
            let name = format!("{}/{}/{}", pod.namespace(), pod.name, container.name);
            let schedule = UsageSchedule::new(&container.usage, &name, sources)
                .map_err(|source| SpecError::Usage { name: name.clone(), source })?;
            let started = container.started.map_or(node_started, |at| at.0);
            let usage = Usage::following(started, sources.start, &schedule);
            if usage.is_full(sources.a_day_later()) {
                return Err(SpecError::FullCounter { name });
            }
            Ok(Container { name: container.name.as_str().into(), usage })
        };
        Ok(Self {
            namespace: pod.namespace().into(),
            name: pod.name.as_str().into(),
            containers: pod.containers.iter().map(container).collect::<Result<_, _>>()?,
        })
    }
}

// === impl Sampling ===

impl From<cluster_format::Sampling> for Sampling {
    fn from(sampling: cluster_format::Sampling) -> Self {
        Self {
            every: sampling.every.0,
            offset: sampling.offset.map(|offset| offset.0).unwrap_or_default(),
            apart: sampling.apart,
        }
    }
}
