//! What a scenario says of its cluster, as the objects and kubelets that make it up.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use fake_kubelet::{
    Access, CertificateKind, Container, KubeletSpec, Node, Pod, Recording, Sampling, Usage,
    UsageError, UsageSchedule,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        core::v1::{self as core, NodeStatus, PodSpec, PodStatus},
        rbac::v1::PolicyRule,
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{ObjectMeta, Time},
    },
};

use super::{
    WorldError,
    faults::faults,
    usage::{self, Sources},
};
use crate::file::format;

const DEFAULT_START: Timestamp = Timestamp::constant(1_546_595_580, 0);
const DEFAULT_VERSION: &str = "v1.36.2";
const DEFAULT_PORT: u16 = 10250;
const DEFAULT_NAMESPACE: &str = "default";

/// How long before the cluster's clock starts kubelets did, where they do not say.
const DEFAULT_AGE: SignedDuration = SignedDuration::from_hours(24);

/// When the cluster's clock starts.
pub(super) fn start(spec: &format::Spec) -> Timestamp {
    spec.clock.map_or(DEFAULT_START, |clock| clock.0)
}

/// The nodes, templates unfolded.
pub(super) fn nodes(spec: &format::Spec) -> Vec<format::Node> {
    unfold_all(&spec.nodes)
}

/// Nodes, templates of nodes and pods unfolded.
pub(super) fn unfold_all(nodes: &[format::Node]) -> Vec<format::Node> {
    nodes
        .iter()
        .flat_map(|node| match node.count {
            None => vec![node.clone()],
            Some(count) => (0..count).map(|n| unfold(node, n)).collect(),
        })
        .map(|node| format::Node { pods: unfold_pods(&node.pods), ..node })
        .collect()
}

/// Pods, templates unfolded.
pub(super) fn unfold_pods(pods: &[format::Pod]) -> Vec<format::Pod> {
    pods.iter()
        .flat_map(|pod| match pod.count {
            None => vec![pod.clone()],
            Some(count) => (0..count)
                .map(|p| format::Pod {
                    name: pod.name.replace("{p}", &p.to_string()),
                    count: None,
                    ..pod.clone()
                })
                .collect(),
        })
        .collect()
}

fn unfold(template: &format::Node, n: u32) -> format::Node {
    let mut node = template.clone();
    let number = |text: &mut String| *text = text.replace("{n}", &n.to_string());
    number(&mut node.name);
    for address in &mut node.addresses {
        number(&mut address.address);
        if let Ok(ip) = address.address.parse() {
            address.address = raise(ip, n).to_string();
        }
    }
    for ip in node.ips.iter_mut().flatten() {
        ip.0 = raise(ip.0, n);
    }
    raise_places(&mut node.kubelet.faults, n);
    for pod in &mut node.pods {
        number(&mut pod.name);
        pod.namespace.as_mut().map(number);
    }
    node
}

fn raise_places(faults: &mut format::Faults, n: u32) {
    for ip in faults.at.iter_mut().flatten() {
        ip.0 = raise(ip.0, n);
    }
    for more in &mut faults.also {
        raise_places(more, n);
    }
}

fn raise(ip: IpAddr, by: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).wrapping_add(by)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).wrapping_add(u128::from(by))).into(),
    }
}

pub(super) fn started(node: &format::Node, start: Timestamp) -> Timestamp {
    node.kubelet.started.map_or_else(
        || start.saturating_sub(DEFAULT_AGE).unwrap_or(Timestamp::MIN),
        |started| started.0,
    )
}

/// The kubelet of a node.
pub(super) fn kubelet(
    node: &format::Node,
    sources: Sources<'_>,
    start: Timestamp,
) -> Result<KubeletSpec, WorldError> {
    let started = started(node, start);
    let replay = match &node.kubelet.replay {
        Some(path) => Some(Arc::new(Recording::read(&sources.folder.join(path))?)),
        None => None,
    };
    let pods = node.pods.iter().map(|pod| fake_pod(pod, started, sources, start));
    let pods = pods.collect::<Result<_, UsageError>>()?;
    let course = node.usage.as_ref().map(|usage| usage::course(usage, &node.name, sources));
    let course = course.transpose()?;
    let base = course.as_ref().map(|course| course.base().clone());
    let mut uses = Node::new(started, base, pods);
    if let Some(course) = course.filter(UsageSchedule::changes) {
        uses.set_usage(start, course);
    }
    let a_day_later = start.saturating_add(DEFAULT_AGE).unwrap_or(Timestamp::MAX);
    if uses.is_full(a_day_later) {
        return Err(WorldError::FullCounter { node: node.name.clone() });
    }
    let default = Sampling::default();
    Ok(KubeletSpec {
        name: node.name.clone(),
        listen: listen(node),
        names: names(&node.addresses),
        addresses: ips(&node.addresses),
        node: uses,
        sampling: node.kubelet.sampling.map_or(default, |sampling| Sampling {
            every: sampling.every.0,
            offset: sampling.offset.map_or(default.offset, |offset| offset.0),
            apart: sampling.apart,
        }),
        certificate: match node.kubelet.certificate {
            None | Some(format::Certificate::SelfSigned) => CertificateKind::SelfSigned,
            Some(format::Certificate::Signed) => CertificateKind::Signed,
            Some(format::Certificate::SignedByOtherCa) => CertificateKind::SignedByOtherCa,
        },
        access: match node.kubelet.access {
            None | Some(format::Access::Webhook) => Access::Webhook,
            Some(format::Access::Open) => Access::Open,
        },
        replay,
        faults: faults(&node.kubelet.faults),
    })
}

pub(super) fn fake_pod(
    pod: &format::Pod,
    node_started: Timestamp,
    sources: Sources<'_>,
    start: Timestamp,
) -> Result<Pod, UsageError> {
    let container = |container: &format::Container| {
        let who = format!("{}/{}/{}", namespace(pod), pod.name, container.name);
        let course = usage::course(&container.usage, &who, sources)?;
        let started = container.started.map_or(node_started, |at| at.0);
        let usage = Usage::following(started, start, &course);
        Ok::<_, UsageError>(Container { name: container.name.as_str().into(), usage })
    };
    Ok(Pod {
        namespace: namespace(pod).into(),
        name: pod.name.as_str().into(),
        containers: pod.containers.iter().map(container).collect::<Result<_, _>>()?,
    })
}

/// Where a kubelet listens: on every IP address of its machine.
pub(super) fn listen(node: &format::Node) -> Vec<SocketAddr> {
    let ips = match &node.ips {
        Some(ips) => ips.iter().map(|ip| ip.0).collect(),
        None => ips(&node.addresses),
    };
    let port = node.kubelet.port.unwrap_or(DEFAULT_PORT);
    let mut listen: Vec<_> = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    listen.sort_unstable();
    listen.dedup();
    listen
}

pub(super) fn ips(addresses: &[format::Address]) -> Vec<IpAddr> {
    addresses.iter().filter_map(|address| address.address.parse().ok()).collect()
}

pub(super) fn names(addresses: &[format::Address]) -> Vec<String> {
    let is_name = |address: &&format::Address| address.address.parse::<IpAddr>().is_err();
    addresses.iter().filter(is_name).map(|address| address.address.clone()).collect()
}

pub(super) fn namespace(pod: &format::Pod) -> &str {
    pod.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
}

/// The Node object.
pub(super) fn node_object(node: &format::Node, start: Timestamp) -> core::Node {
    let mut labels = BTreeMap::from([
        ("kubernetes.io/hostname".to_owned(), node.name.clone()),
        ("kubernetes.io/os".to_owned(), "linux".to_owned()),
    ]);
    labels.extend(node.labels.clone());
    let resources = node.allocatable.as_ref().map_or_else(default_resources, |allocatable| {
        resources(&allocatable.cpu.0.to_string(), &allocatable.memory.0.to_string())
    });
    let ready = node.ready.unwrap_or(true);
    core::Node {
        metadata: ObjectMeta {
            name: Some(node.name.clone()),
            labels: Some(labels),
            annotations: Some(node.annotations.clone())
                .filter(|annotations| !annotations.is_empty()),
            creation_timestamp: Some(Time(started(node, start))),
            ..ObjectMeta::default()
        },
        status: Some(NodeStatus {
            addresses: Some(node.addresses.iter().map(node_address).collect()),
            allocatable: Some(resources.clone()),
            capacity: Some(resources),
            conditions: Some(vec![core::NodeCondition {
                type_: "Ready".to_owned(),
                status: if ready { "True" } else { "False" }.to_owned(),
                reason: Some(if ready { "KubeletReady" } else { "KubeletNotReady" }.to_owned()),
                ..core::NodeCondition::default()
            }]),
            daemon_endpoints: Some(core::NodeDaemonEndpoints {
                kubelet_endpoint: Some(core::DaemonEndpoint {
                    port: i32::from(node.kubelet.port.unwrap_or(DEFAULT_PORT)),
                }),
            }),
            node_info: Some(core::NodeSystemInfo {
                kubelet_version: node.version.clone().unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
                operating_system: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                ..core::NodeSystemInfo::default()
            }),
            ..NodeStatus::default()
        }),
        ..core::Node::default()
    }
}

fn default_resources() -> BTreeMap<String, Quantity> {
    resources("4", "8Gi")
}

fn resources(cpu: &str, memory: &str) -> BTreeMap<String, Quantity> {
    let quantity = |text: &str| Quantity(text.to_owned());
    BTreeMap::from([("cpu".to_owned(), quantity(cpu)), ("memory".to_owned(), quantity(memory))])
}

fn node_address(address: &format::Address) -> core::NodeAddress {
    let kind = match address.kind {
        format::AddressType::Hostname => "Hostname",
        format::AddressType::InternalIp => "InternalIP",
        format::AddressType::ExternalIp => "ExternalIP",
        format::AddressType::InternalDns => "InternalDNS",
        format::AddressType::ExternalDns => "ExternalDNS",
    };
    core::NodeAddress { type_: kind.to_owned(), address: address.address.clone() }
}

/// The Pod objects of a node.
pub(super) fn pod_objects(node: &format::Node, start: Timestamp) -> Vec<core::Pod> {
    node.pods.iter().map(|pod| pod_object(pod, &node.name, started(node, start))).collect()
}

pub(super) fn pod_object(pod: &format::Pod, node: &str, started: Timestamp) -> core::Pod {
    let since = |container: &format::Container| container.started.map_or(started, |at| at.0);
    let created = pod.containers.iter().map(since).min().unwrap_or(started);
    let status = |container: &format::Container| core::ContainerStatus {
        name: container.name.clone(),
        ready: true,
        started: Some(true),
        state: Some(core::ContainerState {
            running: Some(core::ContainerStateRunning { started_at: Some(Time(since(container))) }),
            ..core::ContainerState::default()
        }),
        ..core::ContainerStatus::default()
    };
    core::Pod {
        metadata: ObjectMeta {
            name: Some(pod.name.clone()),
            namespace: Some(namespace(pod).to_owned()),
            labels: Some(pod.labels.clone()).filter(|labels| !labels.is_empty()),
            creation_timestamp: Some(Time(created)),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            node_name: Some(node.to_owned()),
            containers: pod
                .containers
                .iter()
                .map(|container| core::Container {
                    name: container.name.clone(),
                    ..core::Container::default()
                })
                .collect(),
            ..PodSpec::default()
        }),
        status: Some(PodStatus {
            phase: Some("Running".to_owned()),
            start_time: Some(Time(created)),
            container_statuses: Some(pod.containers.iter().map(status).collect()),
            ..PodStatus::default()
        }),
    }
}

/// Rules of a scenario, as RBAC has them.
pub(super) fn rules(rules: &[format::Rule]) -> Vec<PolicyRule> {
    let some = |list: &[String]| Some(list.to_vec()).filter(|list| !list.is_empty());
    rules
        .iter()
        .map(|rule| PolicyRule {
            api_groups: Some(rule.api_groups.clone().unwrap_or_else(|| vec![String::new()])),
            resources: some(&rule.resources),
            non_resource_urls: some(&rule.non_resource_urls),
            verbs: rule.verbs.clone(),
            ..PolicyRule::default()
        })
        .collect()
}

/// The rules of the metrics server's role: those given, or those of the Go server's manifests.
pub(super) fn role(given: Option<&[format::Rule]>) -> Vec<PolicyRule> {
    let rule = |resources: &[&str], verbs: &[&str]| PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(resources.iter().map(ToString::to_string).collect()),
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..PolicyRule::default()
    };
    match given {
        Some(given) => rules(given),
        None => vec![
            rule(&["nodes/metrics"], &["get"]),
            rule(&["pods", "nodes"], &["get", "list", "watch"]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_template_makes_nodes_that_differ_in_name_and_address() {
        let text = "\
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: many}
spec:
  about: Many nodes.
  nodes:
    - name: node-{n}
      count: 300
      addresses: [{type: Hostname, address: 'node-{n}'}, {type: InternalIP, address: 10.1.0.0}]
      pods: [{name: 'app-{n}', containers: [{name: c, usage: {cpu: 1m, memory: 1Mi}}]}]
";
        let file = crate::file::parse(Path::new("many.yaml"), text.to_owned()).unwrap().remove(0);
        let nodes = nodes(&file.scenario.spec);
        assert_eq!(nodes.len(), 300);
        let last = &nodes[299];
        assert_eq!((last.name.as_str(), last.pods[0].name.as_str()), ("node-299", "app-299"));
        assert_eq!(last.addresses[0].address, "node-299");
        assert_eq!(last.addresses[1].address, "10.1.1.43");
    }
}
