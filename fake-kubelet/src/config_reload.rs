//! Follows the configuration file of a running fleet: nodes come, go and change with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use cluster_format::Pod;
use net::Clock;

use crate::{
    api_server::LocalApiServer,
    cluster::{ClusterNode, NodeController},
    config::{Config, FleetNode, Hosting, folder},
    fleet::Fleet,
    kubelet::{FakeKubelet, KubeletError},
    node,
    spec::{Sources, SpecError},
    usage::{UsageError, UsageSchedule},
};

/// How often the file is read.
const EVERY: Duration = Duration::from_secs(1);

/// A running fleet, and what its file is applied to.
pub(crate) struct Reloader<'a> {
    pub(crate) file: &'a Path,
    pub(crate) fleet: &'a Fleet,
    pub(crate) clock: &'a Clock,
    pub(crate) hosting: Hosting,
    /// The cluster that the nodes are in.
    pub(crate) controller: Option<&'a NodeController>,
    /// The API server of `--out`, and its folder.
    pub(crate) local: Option<(&'a LocalApiServer, &'a Path)>,
}

/// Why a node is not as the file has it.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Kubelet(#[from] KubeletError),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error("it listens on all addresses: say with --address where the cluster reaches it")]
    NoAddress,
}

/// How many nodes have changed.
#[derive(Default)]
struct Applied {
    added: usize,
    changed: usize,
    removed: usize,
}

// === impl Reloader ===

impl Reloader<'_> {
    /// Applies each change of the file to the fleet, which was started with `config`, when the file
    /// had this text. Never ends.
    pub(crate) async fn run(&self, mut text: String, mut config: Config) {
        loop {
            tokio::time::sleep(EVERY).await;
            // While it is being replaced it may not be there, or not whole.
            let Ok(new) = fs::read_to_string(self.file) else { continue };
            if new == text {
                continue;
            }
            text = new;
            match Config::parse(self.file, text.clone(), self.clock.now()) {
                Ok(new) => {
                    self.apply(&config, &new).await;
                    config = new;
                }
                Err(errors) => {
                    tracing::warn!(err = %errors, "Failed to load the changed configuration, keeping the previous one");
                }
            }
        }
    }

    async fn apply(&self, old: &Config, new: &Config) {
        if old.cluster != new.cluster {
            tracing::warn!(
                "The configuration's cluster has changed, restart fake-kubelet to apply it"
            );
        }
        let name = |node: FleetNode| node.node.name;
        let stay: BTreeSet<_> = new.nodes().map(name).collect();
        // None for a node that was not in the file for a while.
        let mut old: BTreeMap<_, _> =
            old.nodes().map(|node| (node.node.name.clone(), node)).collect();
        // First, because another node may take a port.
        let running = self.fleet.all();
        let gone = running.iter().map(|it| it.name()).filter(|name| !stay.contains(*name));
        let gone: BTreeSet<_> = gone.map(str::to_owned).collect();
        self.remove(&gone).await;

        let mut applied = Applied { removed: gone.len(), ..Applied::default() };
        let mut registered = Vec::new();
        for node in new.nodes() {
            let name = node.node.name.clone();
            let before = old.remove(&name);
            let kubelet = self.fleet.get(&name);
            if before.as_ref() == Some(&node) && kubelet.is_some() {
                continue;
            }
            let (is_as_before, started) = if let (Some(before), Some(kubelet)) = (&before, kubelet)
            {
                applied.changed += 1;
                let is_as_before = node.is_reloadable_from(before);
                (is_as_before, self.change(kubelet, before, &node).await)
            } else {
                applied.added += 1;
                (false, self.start(&node).await)
            };
            let placed = match started {
                Ok(kubelet) => self.place(&kubelet, node, is_as_before).await,
                Err(error) => Err(error),
            };
            match placed {
                Ok(node) => registered.extend(node),
                Err(error) => {
                    tracing::warn!(node = name, err = %error, "Failed to apply the configuration");
                }
            }
        }
        if let Some(controller) = self.controller {
            controller.put(registered).await;
            controller.changed.notify_one();
        }
        if let Err(error) = self.write_nodes() {
            tracing::warn!(err = %error, "Failed to write the list of nodes");
        }
        let Applied { added, changed, removed } = applied;
        tracing::info!(added, changed, removed, "Reloaded the configuration");
    }

    async fn remove(&self, names: &BTreeSet<String>) {
        if names.is_empty() {
            return;
        }
        // The Node goes before its kubelet: no client is to see a node that does not answer.
        if let Some(controller) = self.controller
            && let Err(error) = controller.remove(names).await
        {
            tracing::warn!(err = %error, "Failed to delete nodes that the configuration no longer has");
        }
        for name in names {
            self.fleet.remove(name).await;
        }
    }

    async fn start(&self, node: &FleetNode) -> Result<Arc<FakeKubelet>, ReloadError> {
        let spec = node.hosted_spec(self.hosting, self.sources())?;
        Ok(self.fleet.add(spec).await?)
    }

    /// Makes the node of a running kubelet the one of the file. Without a new kubelet, if it can be.
    async fn change(
        &self,
        kubelet: Arc<FakeKubelet>,
        before: &FleetNode,
        node: &FleetNode,
    ) -> Result<Arc<FakeKubelet>, ReloadError> {
        let sources = self.sources();
        let kubelet = if node.has_kubelet_of(before) {
            kubelet.set_faults(node.node.kubelet.faults.clone()).await?;
            kubelet
        } else {
            let mut spec = node.hosted_spec(self.hosting, sources)?;
            // A kubelet that starts again finds what ran before.
            spec.node = kubelet.model();
            if node.node.usage.is_none() {
                spec.node.end_usage();
            }
            self.fleet.add(spec).await?
        };
        let usage = node.node.usage.as_ref();
        if let Some(usage) = usage.filter(|usage| before.node.usage.as_ref() != Some(usage)) {
            kubelet.set_usage(UsageSchedule::new(usage, &node.node.name, sources)?);
        }
        if !self.hosting.pods_from_cluster {
            change_pods(&kubelet, &before.node.pods, node, sources)?;
        }
        Ok(kubelet)
    }

    /// The node to put into the cluster, where its object is to change.
    async fn place(
        &self,
        kubelet: &FakeKubelet,
        node: FleetNode,
        is_as_before: bool,
    ) -> Result<Option<ClusterNode>, ReloadError> {
        let Some(controller) = self.controller else { return Ok(None) };
        if is_as_before {
            controller.set_config(kubelet.name(), node);
            return Ok(None);
        }
        if let Some((local, _)) = self.local {
            local.add_namespaces(&node.node.pods);
        }
        let placed = controller.place(kubelet, node).await;
        placed.map(Some).ok_or(ReloadError::NoAddress)
    }

    /// Writes `nodes` into the folder of `--out`.
    pub(crate) fn write_nodes(&self) -> io::Result<()> {
        let (Some((_, folder)), Some(controller)) = (self.local, self.controller) else {
            return Ok(());
        };
        fs::write(folder.join("nodes"), controller.lines())
    }

    fn sources(&self) -> Sources<'_> {
        Sources { folder: folder(self.file), seed: 0, start: self.clock.now() }
    }
}

/// Starts and ends pods of a fleet without a cluster, and starts the usage that has changed.
fn change_pods(
    kubelet: &FakeKubelet,
    before: &[Pod],
    node: &FleetNode,
    sources: Sources<'_>,
) -> Result<(), ReloadError> {
    let pods = &node.node.pods;
    let same = |a: &Pod, b: &Pod| a.name == b.name && a.namespace() == b.namespace();
    for old in before.iter().filter(|old| !pods.iter().any(|pod| same(old, pod))) {
        kubelet.remove_pod(old.namespace(), &old.name);
    }
    let containers = |pod: &Pod| -> Vec<_> {
        pod.containers.iter().map(|it| (it.name.clone(), it.started)).collect()
    };
    for pod in pods.iter().filter(|pod| !before.contains(pod)) {
        let old = before.iter().find(|old| same(old, pod) && containers(old) == containers(pod));
        let Some(old) = old else {
            kubelet.add_pod(node::Pod::new(pod, sources.start, sources)?);
            continue;
        };
        for container in pod.containers.iter().filter(|it| !old.containers.contains(it)) {
            let (namespace, name) = (pod.namespace(), &container.name);
            let path = format!("{namespace}/{}/{name}", pod.name);
            let usage = UsageSchedule::new(&container.usage, &path, sources)?;
            kubelet.set_container_usage(namespace, &pod.name, name, usage);
        }
    }
    Ok(())
}
