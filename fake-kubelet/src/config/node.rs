//! A node of a fleet: the node format of scenarios, with what only a fleet on real sockets and in a
//! real cluster needs.

use std::{
    borrow::{Borrow, Cow},
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use cluster_format::{Access, Faults, In, Kubelet, Node, raised};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};

use crate::spec::{KubeletSpec, Sources, SpecError, resource_path};

/// A node, its kubelet and the pods on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FleetNode {
    pub(crate) node: Node,
    pub(crate) host: HostConfig,
}

/// Where kubelets run, as far as the configuration does not say it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hosting {
    /// Pods come from a cluster: kubelets start without them.
    pub(crate) pods_from_cluster: bool,
    /// `--address`: what signed certificates are for.
    pub(crate) address: Option<IpAddr>,
}

/// What scenarios do not have.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HostConfig {
    /// Where the kubelet listens: IP addresses with ports, port 0 for any free one. Default: the IP
    /// addresses of the node, at its kubelet's port.
    pub(crate) listen: Option<Vec<In<SocketAddr>>>,
    /// What differs between the addresses to listen on of a template's nodes. Default: `Port`.
    #[serde(default)]
    raise: Raise,
    /// What the machine has. Default: 4 cores, 16Gi of memory, 110 pods.
    pub(super) capacity: Option<BTreeMap<String, String>>,
    /// Taints. Default: `fake-kubelet.dev/node` with the owner as its value and the effect
    /// `NoSchedule`, so that only pods that tolerate it come here.
    pub(crate) taints: Option<Vec<TaintConfig>>,
}

/// What differs between the addresses to listen on of a template's nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Raise {
    /// The port, which is raised by one from node to node.
    #[default]
    Port,
    /// The IP address, which is raised by one from node to node.
    Address,
}

/// A taint.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaintConfig {
    /// Its key.
    pub(crate) key: String,
    /// Its value. Default: none.
    pub(crate) value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub(crate) effect: String,
}

// === impl HostConfig ===

impl HostConfig {
    /// What the machine has, by the name of the resource.
    pub(crate) fn capacity(&self) -> BTreeMap<String, String> {
        let default = || {
            let resources = [("cpu", "4"), ("memory", "16Gi"), ("pods", "110")];
            resources.map(|(name, amount)| (name.to_owned(), amount.to_owned())).into()
        };
        self.capacity.clone().unwrap_or_else(default)
    }
}

// === impl FleetNode ===

impl Borrow<Node> for FleetNode {
    fn borrow(&self) -> &Node {
        &self.node
    }
}

/// Two structs share the fields of one map. serde's `flatten` would do it without `deny_unknown_fields`.
impl<'de> Deserialize<'de> for FleetNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let own = ["listen", "raise", "capacity", "taints"];
        let (host, node): (Map<_, _>, Map<_, _>) =
            fields.into_iter().partition(|(name, _)| own.contains(&name.as_str()));
        let host = serde_json::from_value(Value::Object(host)).map_err(D::Error::custom)?;
        let node = serde_json::from_value(Value::Object(node)).map_err(D::Error::custom)?;
        Ok(Self { node, host })
    }
}

impl JsonSchema for FleetNode {
    fn schema_name() -> Cow<'static, str> {
        Node::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Node::json_schema(generator);
        let mut host = HostConfig::json_schema(generator);
        let own = host.get_mut("properties").and_then(Value::as_object_mut).map(std::mem::take);
        let all = schema.get_mut("properties").and_then(Value::as_object_mut);
        if let (Some(all), Some(own)) = (all, own) {
            all.extend(own);
        }
        schema
    }
}

impl FleetNode {
    /// The nodes it stands for.
    pub(crate) fn expand(&self) -> impl Iterator<Item = Self> {
        self.node.expand().zip(0..).map(|(node, number)| {
            let listen = self
                .host
                .listen
                .as_ref()
                .map(|all| all.iter().map(|at| In(self.raised(at.0, number))).collect());
            Self { node, host: HostConfig { listen, ..self.host.clone() } }
        })
    }

    /// Where the node with this number listens instead of at `first`.
    pub(super) fn raised(&self, first: SocketAddr, number: u32) -> SocketAddr {
        let mut address = first;
        match self.host.raise {
            // Port 0 is any free one.
            Raise::Port if address.port() == 0 => {}
            Raise::Port => address.set_port(address.port().wrapping_add(number as u16)),
            Raise::Address => address.set_ip(raised(address.ip(), number)),
        }
        address
    }

    pub(super) fn raises_ports(&self) -> bool {
        self.host.raise == Raise::Port
    }

    /// Where its kubelet listens.
    pub(crate) fn listen(&self) -> Vec<SocketAddr> {
        match &self.host.listen {
            Some(listen) => listen.iter().map(|at| at.0).collect(),
            None => self.node.listen(),
        }
    }

    /// How its kubelet authenticates and authorizes requests.
    pub(crate) fn access(&self) -> Access {
        self.node.kubelet.access.unwrap_or_default()
    }

    /// Whether a running kubelet of `before` becomes this one by other faults and usage.
    pub(crate) fn is_reloadable_from(&self, before: &Self) -> bool {
        let containers = |node: &Self| {
            let of = |pod: &cluster_format::Pod| {
                let each = pod.containers.iter().map(|it| (it.name.clone(), it.started));
                (pod.namespace().to_owned(), pod.name.clone(), each.collect::<Vec<_>>())
            };
            node.node.pods.iter().map(of).collect::<Vec<_>>()
        };
        // What a node uses of its own can change, but not end.
        let ends = before.node.usage.is_some() && self.node.usage.is_none();
        let mut rest = self.clone();
        rest.node.kubelet.faults.clone_from(&before.node.kubelet.faults);
        rest.node.usage.clone_from(&before.node.usage);
        rest.node.pods.clone_from(&before.node.pods);
        containers(self) == containers(before) && !ends && rest == *before
    }

    /// Whether a kubelet of `before` need not start again to be this node's: faults and usage apart.
    pub(crate) fn has_kubelet_of(&self, before: &Self) -> bool {
        let kubelet = |node: &Self| {
            let kubelet = Kubelet { faults: Faults::default(), ..node.node.kubelet.clone() };
            (node.listen(), kubelet, node.node.addresses.clone(), resource_path(&node.node))
        };
        let ends = before.node.usage.is_some() && self.node.usage.is_none();
        kubelet(self) == kubelet(before) && !ends
    }

    /// The kubelet to start in these surroundings.
    pub(crate) fn hosted_spec(
        &self,
        hosting: Hosting,
        sources: Sources<'_>,
    ) -> Result<KubeletSpec, SpecError> {
        let mut node = self.clone();
        if hosting.pods_from_cluster {
            node.node.pods.clear();
        }
        let mut spec = node.spec(sources)?;
        if let Some(address) = hosting.address {
            spec.addresses = vec![address];
        }
        Ok(spec)
    }

    /// The kubelet to start.
    pub(crate) fn spec(&self, sources: Sources<'_>) -> Result<KubeletSpec, SpecError> {
        let mut spec = KubeletSpec::new(&self.node, sources)?;
        spec.listen = self.listen();
        if self.node.addresses.is_empty() {
            spec.names = vec![self.node.name.clone()];
            spec.addresses = spec.listen.iter().map(SocketAddr::ip).collect();
        }
        Ok(spec)
    }
}
