//! Nodes, their kubelets and their pods.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    ConfigMistake,
    cluster::ObjectConfig,
    placed::{Place, Placed},
    usage::UsageConfig,
    values::{go_duration, some_moment},
};
use crate::{
    auth::Access,
    certificates::CertificateKind,
    faults::Faults,
    kubelet::KubeletSpec,
    node::{self, Node},
    replay::Recording,
    sampling::Sampling,
    usage::{Usage, UsageSchedule},
};

/// Counters count from a day ago where the file does not say since when, and must have room for a day
/// to come.
const AGE: Duration = Duration::from_hours(24);

/// What is said of usage that no kubelet could count.
const TOO_MUCH: &str = "so much CPU that its counter, 64 bits of nanoseconds, would be full within a day and stand still: write less `cpu`, or a later `started`";

/// A node, its kubelet and the pods on it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeConfig {
    /// The node's name.
    pub(crate) name: Placed<String>,
    /// How many nodes to make of this. `{n}` in the names of nodes, pods and namespaces counts them
    /// from 0. Default: one node, and `{n}` means nothing.
    #[schemars(with = "Option<u32>")]
    pub(super) count: Option<Placed<u32>>,
    /// What of the addresses to listen on is raised by one from node to node. Default: `Port`.
    #[serde(default)]
    pub(crate) raise: Raise,
    /// Where the kubelet listens: IP addresses with ports.
    #[schemars(with = "Vec<String>")]
    pub(crate) listen: Vec<Placed<SocketAddr>>,
    /// When the node started: its counters began then. Default: a day ago.
    #[serde(default, deserialize_with = "some_moment")]
    #[schemars(with = "Option<String>")]
    pub(crate) started: Option<Timestamp>,
    /// What the node uses. Default: the sum of its containers.
    pub(crate) usage: Option<Placed<UsageConfig>>,
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
    pub(crate) replay: Option<Placed<PathBuf>>,
    /// What it does wrong. Default: nothing.
    #[serde(default)]
    #[schemars(with = "Faults")]
    pub(crate) faults: Placed<Faults>,
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
    pub(crate) name: Placed<String>,
    /// Its containers.
    pub(crate) containers: Vec<ContainerConfig>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContainerConfig {
    /// Its name.
    pub(crate) name: Placed<String>,
    /// What it uses.
    pub(crate) usage: Placed<UsageConfig>,
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
    /// Whether each thing is measured at a moment of its own, as by a real kubelet: the node and
    /// each pod in turn, containers when somebody asks. Default: all at once.
    #[serde(default)]
    apart: bool,
}

// === impl NodeConfig ===

impl NodeConfig {
    /// The nodes it stands for.
    pub(super) fn unfold(&self) -> impl Iterator<Item = Self> {
        self.numbers().map(|number| self.numbered(number))
    }

    /// The numbers of the nodes it stands for; none where it is a single one.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Option<u32>> {
        let count = self.count();
        (0..count.unwrap_or(1)).map(move |n| count.map(|_| n))
    }

    /// How many nodes to make of it, where it is a template.
    pub(super) fn count(&self) -> Option<u32> {
        self.count.as_deref().copied()
    }

    fn numbered(&self, number: Option<u32>) -> Self {
        let mut node = self.clone();
        node.count = None;
        let change = |text: &mut String| *text = numbered(text, number);
        node.name.change(change);
        for listen in &mut node.listen {
            listen.change(|address| *address = self.listens_at(*address, number));
        }
        for pod in &mut node.pods {
            pod.name.change(change);
            pod.namespace.as_mut().map(change);
        }
        node
    }

    /// Where the node with this number listens instead of at `first`.
    pub(super) fn listens_at(&self, first: SocketAddr, number: Option<u32>) -> SocketAddr {
        let mut address = first;
        match (number, self.raise) {
            // Port 0 is any that is free.
            (Some(_), Raise::Port) if address.port() == 0 => {}
            (Some(n), Raise::Port) => address.set_port(address.port().wrapping_add(n as u16)),
            (Some(n), Raise::Address) => address.set_ip(raised(address.ip(), n)),
            (None, _) => {}
        }
        address
    }

    /// Whether a running kubelet that is as `before` becomes like this by other faults and usage.
    pub(crate) fn follows(&self, before: &Self) -> bool {
        let shape = |node: &Self| {
            let containers = |pod: &PodConfig| {
                let each = pod.containers.iter();
                each.map(|it| (it.name.to_string(), it.started)).collect::<Vec<_>>()
            };
            let pod = |pod: &PodConfig| {
                (pod.namespace().to_owned(), pod.name.to_string(), containers(pod))
            };
            (
                node.pods.iter().map(pod).collect::<Vec<_>>(),
                // What a node uses of its own can change, and not end.
                node.usage.is_some() && self.usage.is_none(),
            )
        };
        let rest = Self {
            faults: before.faults.clone(),
            usage: before.usage.clone(),
            pods: before.pods.clone(),
            ..self.clone()
        };
        shape(self) == shape(before) && rest == *before
    }

    /// The kubelet to start. In a cluster it has no pods yet: they come from there.
    pub(super) fn spec(
        &self,
        folder: &Path,
        now: Timestamp,
        in_cluster: bool,
    ) -> Result<KubeletSpec, ConfigMistake> {
        let wrong = |place: Place, reason: &dyn fmt::Display| ConfigMistake {
            place,
            message: format!("node {:?}: {reason}", *self.name),
        };
        let started = self.started.unwrap_or(now - AGE);
        let until = now.saturating_add(AGE).unwrap_or(Timestamp::MAX);
        let mut pods = Vec::with_capacity(self.pods.len());
        for pod in &self.pods {
            let mut containers = Vec::with_capacity(pod.containers.len());
            for config in &pod.containers {
                let place = config.usage.place;
                let course = config.usage.course(folder).map_err(|error| wrong(place, &error))?;
                let usage = Usage::following(config.started.unwrap_or(started), now, &course);
                if usage.is_full(until) {
                    return Err(wrong(place, &TOO_MUCH));
                }
                let name = config.name.as_str().into();
                containers.push(node::Container { name, usage });
            }
            let (namespace, name) = (pod.namespace().into(), pod.name.as_str().into());
            pods.push(node::Pod { namespace, name, containers });
        }
        if in_cluster {
            pods.clear();
        }
        let replay = self.replay.as_ref().map(|path| {
            let recording = Recording::read(&folder.join(&**path)).map(Arc::new);
            recording.map_err(|error| wrong(path.place, &error))
        });
        let course = self
            .usage
            .as_ref()
            .map(|usage| usage.course(folder).map_err(|error| wrong(usage.place, &error)));
        let course = course.transpose()?;
        let base = course.as_ref().map(|course| course.base().clone());
        let mut node = Node::new(started, base, pods);
        if let Some(course) = course.filter(UsageSchedule::changes) {
            node.set_usage(now, course);
        }
        if node.is_full(until) {
            let place = self.usage.as_ref().map_or(self.name.place, |usage| usage.place);
            return Err(wrong(place, &TOO_MUCH));
        }
        let listen: Vec<SocketAddr> = self.listen.iter().map(|listen| **listen).collect();
        Ok(KubeletSpec {
            addresses: listen.iter().map(SocketAddr::ip).collect(),
            listen,
            names: vec![self.name.to_string()],
            name: self.name.to_string(),
            node,
            sampling: self.sampling.map_or_else(Sampling::default, SamplingConfig::sampling),
            certificate: self.certificate,
            access: self.access,
            replay: replay.transpose()?,
            faults: (*self.faults).clone(),
        })
    }
}

/// A name in a template, of the node with this number.
pub(super) fn numbered(text: &str, number: Option<u32>) -> String {
    number.map_or_else(|| text.to_owned(), |n| text.replace("{n}", &n.to_string()))
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
}

// === impl SamplingConfig ===

impl SamplingConfig {
    fn sampling(self) -> Sampling {
        Sampling { every: self.every, offset: self.offset, apart: self.apart }
    }
}
