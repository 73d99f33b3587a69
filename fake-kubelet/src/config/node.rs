//! Nodes, their kubelets and their pods.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    NodeError,
    cluster::ObjectConfig,
    usage::UsageConfig,
    values::{go_duration, some_moment},
};
use crate::{
    access::Access,
    certificates::CertificateKind,
    faults::Faults,
    kubelet::KubeletSpec,
    node::{self, Node},
    replay::Recording,
    sampling::Sampling,
    usage::{Course, CourseError, Usage},
};

/// Counters count from a day ago where the file does not say since when.
const AGE: Duration = Duration::from_hours(24);

/// A node, its kubelet and the pods on it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeConfig {
    /// The node's name.
    pub(crate) name: String,
    /// How many nodes to make of this. `{n}` in the names of nodes, pods and namespaces counts them
    /// from 0. Default: one node, and `{n}` means nothing.
    pub(crate) count: Option<u32>,
    /// What of the addresses to listen on is raised by one from node to node. Default: `Port`.
    #[serde(default)]
    pub(crate) raise: Raise,
    /// Where the kubelet listens: IP addresses with ports.
    #[schemars(with = "Vec<String>")]
    pub(crate) listen: Vec<SocketAddr>,
    /// When the node started: its counters began then. Default: a day ago.
    #[serde(default, deserialize_with = "some_moment")]
    #[schemars(with = "Option<String>")]
    pub(crate) started: Option<Timestamp>,
    /// What the node uses. Default: the sum of its containers.
    pub(crate) usage: Option<UsageConfig>,
    /// The pods on it. In a cluster they are made there, bound to the node.
    #[serde(default)]
    pub(crate) pods: Vec<PodConfig>,
    /// When the kubelet measures. Default: each 10 s.
    pub(crate) sampling: Option<SamplingConfig>,
    /// Its serving certificate. Default: `SelfSigned`.
    #[serde(default)]
    pub(crate) certificate: CertificateKind,
    /// Who may ask it. Default: `Webhook`.
    #[serde(default)]
    pub(crate) access: Access,
    /// A folder with recorded scrapes to answer with, relative to this file.
    pub(crate) replay: Option<PathBuf>,
    /// What it does wrong. Default: nothing.
    #[serde(default)]
    pub(crate) faults: Faults,
    /// Its Node object in a cluster.
    #[serde(default)]
    pub(crate) object: ObjectConfig,
}

/// What differs between the nodes of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Raise {
    /// The port.
    #[default]
    Port,
    /// The IP address.
    Address,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PodConfig {
    /// Its namespace. Default: `default`.
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// Its containers.
    pub(crate) containers: Vec<ContainerConfig>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContainerConfig {
    /// Its name.
    pub(crate) name: String,
    /// What it uses.
    pub(crate) usage: UsageConfig,
    /// When it started. Default: when its node did; in a cluster, when the pod began to run.
    #[serde(default, deserialize_with = "some_moment")]
    #[schemars(with = "Option<String>")]
    started: Option<Timestamp>,
}

/// When a kubelet measures: what it serves is what it measured last.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SamplingConfig {
    /// From one sample to the next; `0s` is at every request.
    #[serde(deserialize_with = "go_duration")]
    #[schemars(with = "String")]
    every: Duration,
    /// How far samples lie behind whole multiples of `every`. Default: `0s`.
    #[serde(default, deserialize_with = "go_duration")]
    #[schemars(with = "Option<String>")]
    offset: Duration,
}

// === impl NodeConfig ===

impl NodeConfig {
    /// The nodes it stands for.
    pub(super) fn unfold(&self) -> impl Iterator<Item = Self> {
        (0..self.count.unwrap_or(1)).map(|n| match self.count {
            None => self.clone(),
            Some(_) => self.numbered(n),
        })
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        (0..self.count.unwrap_or(1)).map(|n| match self.count {
            None => self.name.clone(),
            Some(_) => self.name.replace("{n}", &n.to_string()),
        })
    }

    fn numbered(&self, n: u32) -> Self {
        let mut node = self.clone();
        node.count = None;
        let number = |text: &mut String| *text = text.replace("{n}", &n.to_string());
        number(&mut node.name);
        for address in &mut node.listen {
            match node.raise {
                // Port 0 is any that is free.
                Raise::Port if address.port() == 0 => {}
                Raise::Port => address.set_port(address.port().wrapping_add(n as u16)),
                Raise::Address => address.set_ip(raised(address.ip(), n)),
            }
        }
        for pod in &mut node.pods {
            number(&mut pod.name);
            pod.namespace.as_mut().map(number);
        }
        node
    }

    /// The kubelet to start. In a cluster it has no pods yet: they come from there.
    pub(super) fn spec(
        &self,
        folder: &Path,
        now: Timestamp,
        in_cluster: bool,
    ) -> Result<KubeletSpec, NodeError> {
        let started = self.started.unwrap_or(now - AGE);
        let pods = self.pods.iter().map(|pod| pod.pod(started, folder, now));
        let mut pods = pods.collect::<Result<Vec<_>, CourseError>>()?;
        if in_cluster {
            pods.clear();
        }
        let replay = self
            .replay
            .as_ref()
            .map(|path| Recording::read(&folder.join(path)).map(Arc::new))
            .transpose()?;
        let course = self.usage.as_ref().map(|usage| usage.course(folder)).transpose()?;
        let base = course.as_ref().map(|course| course.base().clone());
        let mut node = Node::new(started, base, pods);
        if let Some(course) = course.filter(Course::changes) {
            node.set_usage(now, course);
        }
        Ok(KubeletSpec {
            addresses: self.listen.iter().map(SocketAddr::ip).collect(),
            listen: self.listen.clone(),
            names: vec![self.name.clone()],
            name: self.name.clone(),
            node,
            sampling: self.sampling.map_or_else(Sampling::default, SamplingConfig::sampling),
            certificate: self.certificate,
            access: self.access,
            replay,
            faults: self.faults.clone(),
        })
    }
}

fn raised(ip: IpAddr, by: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).wrapping_add(by)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).wrapping_add(u128::from(by))).into(),
    }
}

// === impl PodConfig ===

impl PodConfig {
    /// Where it lives.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    fn pod(
        &self,
        node_started: Timestamp,
        folder: &Path,
        now: Timestamp,
    ) -> Result<node::Pod, CourseError> {
        let container = |config: &ContainerConfig| {
            let course = config.usage.course(folder)?;
            let started = config.started.unwrap_or(node_started);
            let usage = Usage::following(started, now, &course);
            Ok::<_, CourseError>(node::Container { name: config.name.as_str().into(), usage })
        };
        Ok(node::Pod {
            namespace: self.namespace().into(),
            name: self.name.as_str().into(),
            containers: self.containers.iter().map(container).collect::<Result<_, _>>()?,
        })
    }
}

// === impl SamplingConfig ===

impl SamplingConfig {
    fn sampling(self) -> Sampling {
        Sampling { every: self.every, offset: self.offset }
    }
}
