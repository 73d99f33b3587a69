//! What steps change about nodes, their kubelets and their pods.

use std::net::IpAddr;

use cluster_format::In;
use fake_kubelet::{KubeletSpec, Sources, UsageSchedule, resource_path};
use jiff::Timestamp;

use super::{WorldError, cluster::Cluster, describe, objects};
use crate::file::format::{self, NodeChange};

// === impl Cluster ===

impl Cluster {
    /// A node joins.
    pub(super) async fn add_node(&mut self, node: format::Node) -> Result<(), WorldError> {
        self.note(format!("node {} joins", node.name));
        let sources = self.sources(self.environment.start);
        self.fleet.add(KubeletSpec::new(&node, sources)?).await?;
        self.api_server.upsert_node(objects::node_object(&node, sources));
        for pod in objects::pod_objects(&node, sources) {
            self.api_server.upsert_pod(pod);
        }
        self.nodes.push(node);
        Ok(())
    }

    /// Changes a node and returns the addresses that no machine has any longer.
    pub(super) async fn change_node(
        &mut self,
        name: &str,
        change: &NodeChange,
    ) -> Result<Vec<IpAddr>, WorldError> {
        let Some(at) = self.nodes.iter().position(|node| node.name == name) else {
            return Ok(Vec::new());
        };
        let had = self.nodes[at].listen();
        if change.removed {
            self.note(format!("node {name} is removed"));
            let node = self.nodes.remove(at);
            self.remove_node(&node).await;
            return Ok(had.into_iter().map(|address| address.ip()).collect());
        }
        self.note(format!("node {name}: {}", describe::node(change)));
        let mut node = self.nodes[at].clone();
        take_over(&mut node, change);
        self.change_kubelet(&node, change).await?;
        self.change_pods(&mut node, change)?;
        self.api_server
            .upsert_node(objects::node_object(&node, self.sources(self.environment.start)));
        let has = node.listen();
        self.nodes[at] = node;
        let gone = had.into_iter().map(|address| address.ip());
        Ok(gone.filter(|ip| !has.iter().any(|address| address.ip() == *ip)).collect())
    }

    async fn change_kubelet(
        &self,
        node: &format::Node,
        change: &NodeChange,
    ) -> Result<(), WorldError> {
        let Some(mut kubelet) = self.fleet.get(&node.name) else { return Ok(()) };
        if change.restarted
            || change.certificate.is_some()
            || change.x509.is_some()
            || change.port.is_some()
        {
            let mut spec = KubeletSpec::new(node, self.sources(self.environment.start))?;
            spec.node = kubelet.model();
            kubelet = self.fleet.add(spec).await?;
        } else {
            if change.addresses.is_some() || change.ips.is_some() {
                let names = node.host_names().map(str::to_owned).collect();
                let ips = node.ip_addresses().collect();
                kubelet.set_addresses(&node.listen(), names, ips).await?;
            }
            if let Some(changed) = &change.faults {
                kubelet.set_faults(changed.clone()).await?;
            }
        }
        kubelet.set_resource_path(resource_path(node));
        let sources = self.sources(self.environment.start);
        if let Some(changed) = &change.usage {
            kubelet.set_usage(UsageSchedule::new(changed, &node.name, sources)?);
        }
        for (path, changed) in &change.containers {
            let parts: Vec<_> = path.splitn(3, '/').collect();
            let [namespace, pod, container] = parts.as_slice() else { continue };
            let schedule = UsageSchedule::new(changed, path, sources)?;
            if !kubelet.set_container_usage(namespace, pod, container, schedule) {
                return Err(WorldError::NoContainer {
                    node: node.name.clone(),
                    path: path.clone(),
                });
            }
        }
        Ok(())
    }

    fn change_pods(&self, node: &mut format::Node, change: &NodeChange) -> Result<(), WorldError> {
        let kubelet = self.fleet.get(&node.name);
        for path in &change.remove_pods {
            let (namespace, name) = path.split_once('/').unwrap_or(("default", path));
            let is_it = |pod: &format::Pod| pod.namespace() == namespace && pod.name == name;
            if !node.pods.iter().any(is_it) {
                return Err(WorldError::NoPod { node: node.name.clone(), path: path.clone() });
            }
            node.pods.retain(|pod| !is_it(pod));
            if let Some(kubelet) = &kubelet {
                kubelet.remove_pod(namespace, name);
            }
            // It may run elsewhere by now.
            let moved = self
                .nodes
                .iter()
                .any(|other| other.name != node.name && other.pods.iter().any(is_it));
            if !moved {
                self.api_server.remove_pod(namespace, name);
            }
        }
        let now = self.environment.clock.now();
        for mut pod in change.add_pods.iter().flat_map(format::Pod::expand) {
            for container in &mut pod.containers {
                container.started.get_or_insert(In(now));
            }
            if let Some(kubelet) = &kubelet {
                let started = self.sources(self.environment.start).started(node);
                kubelet.add_pod(fake_kubelet::Pod::new(&pod, started, self.sources(now))?);
            }
            self.api_server.upsert_pod(objects::pod_object(&pod, &node.name, now));
            node.pods.push(pod);
        }
        Ok(())
    }

    async fn remove_node(&self, node: &format::Node) {
        self.fleet.remove(&node.name).await;
        for pod in &node.pods {
            self.api_server.remove_pod(pod.namespace(), &pod.name);
        }
        self.api_server.remove_node(&node.name);
    }

    /// What the file leaves to its reader; changes of usage begin at `start`.
    fn sources(&self, start: Timestamp) -> Sources<'_> {
        Sources { folder: &self.folder, seed: self.seed, start }
    }
}

/// What the Node object and the kubelet are like from now on.
fn take_over(node: &mut format::Node, change: &NodeChange) {
    if let Some(addresses) = &change.addresses {
        node.addresses.clone_from(addresses);
    }
    if change.addresses.is_some() || change.ips.is_some() {
        node.ips.clone_from(&change.ips);
    }
    if let Some(labels) = &change.labels {
        node.labels.clone_from(labels);
    }
    if let Some(annotations) = &change.annotations {
        node.annotations.clone_from(annotations);
    }
    if let Some(faults) = &change.faults {
        node.kubelet.faults.clone_from(faults);
    }
    node.ready = change.ready.or(node.ready);
    node.kubelet.port = change.port.or(node.kubelet.port);
    node.kubelet.x509 = change.x509.or(node.kubelet.x509);
    node.kubelet.certificate = change.certificate.or(node.kubelet.certificate);
}
