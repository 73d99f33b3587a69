//! Reloads the configuration file of a running fleet: usage and faults change with it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use cluster_format::Pod;
use net::Clock;

use crate::{
    config::{Config, FleetNode, folder},
    fleet::Fleet,
    kubelet::FakeKubelet,
    spec::Sources,
    usage::{UsageError, UsageSchedule},
};

/// How often the file is read.
const EVERY: Duration = Duration::from_secs(1);

/// Applies each change of the file to `fleet`, which was started with `config`. Never ends.
pub(crate) async fn reload(file: &Path, mut config: Config, fleet: &Fleet, clock: &Clock) {
    let mut text = fs::read_to_string(file).unwrap_or_default();
    loop {
        tokio::time::sleep(EVERY).await;
        // While it is being replaced it may not be there, or not whole.
        let Ok(new) = fs::read_to_string(file) else { continue };
        if new == text {
            continue;
        }
        text = new;
        let now = clock.now();
        match Config::parse(file, text.clone(), now) {
            Ok(new) => {
                let sources = Sources { folder: folder(file), seed: 0, start: now };
                apply(sources, &config, &new, fleet).await;
                config = new;
            }
            Err(errors) => {
                tracing::warn!(err = %errors, "Failed to load the changed configuration, keeping the previous one");
            }
        }
    }
}

async fn apply(sources: Sources<'_>, old: &Config, new: &Config, fleet: &Fleet) {
    let mut old: BTreeMap<_, _> = old.nodes().map(|node| (node.node.name.clone(), node)).collect();
    let mut changed = 0;
    for node in new.nodes() {
        let name = &node.node.name;
        // None for a node that was not in the file for a while.
        let before = old.remove(name);
        let Some(kubelet) = fleet.get(name) else {
            tracing::warn!(
                node = name,
                "Node was added to the configuration, restart fake-kubelet to run it"
            );
            continue;
        };
        if before.as_ref() == Some(&node) {
            continue;
        }
        changed += 1;
        if before.as_ref().is_some_and(|before| !node.is_reloadable_from(before)) {
            tracing::warn!(
                node = name,
                "More than faults and usage has changed, restart fake-kubelet to apply the rest"
            );
        }
        if let Err(error) = kubelet.set_faults(node.node.kubelet.faults.clone()).await {
            tracing::warn!(node = name, err = %error, "Failed to apply faults of the configuration");
        }
        if let Err(reason) = change_usage(&kubelet, before.as_ref(), &node, sources) {
            tracing::warn!(node = name, err = %reason, "Failed to apply usage of the configuration");
        }
    }
    for node in old.into_keys().filter(|node| fleet.get(node).is_some()) {
        tracing::warn!(node, "Node was removed from the configuration, it keeps running as before");
    }
    tracing::info!(nodes = changed, "Reloaded the configuration");
}

/// Starts the usage that has changed in the configuration.
fn change_usage(
    kubelet: &FakeKubelet,
    before: Option<&FleetNode>,
    node: &FleetNode,
    sources: Sources<'_>,
) -> Result<(), UsageError> {
    let (before, node) = (before.map(|before| &before.node), &node.node);
    let usage_before = before.and_then(|before| before.usage.as_ref());
    if let Some(usage) = node.usage.as_ref().filter(|usage| usage_before != Some(usage)) {
        kubelet.set_usage(UsageSchedule::new(usage, &node.name, sources)?);
    }
    let pods_before = before.map_or(&[][..], |before| &before.pods);
    for pod in node.pods.iter().filter(|pod| !pods_before.contains(pod)) {
        let same = |old: &&Pod| old.name == pod.name && old.namespace() == pod.namespace();
        let old = pods_before.iter().find(same);
        for container in &pod.containers {
            if old.is_none_or(|old| !old.containers.contains(container)) {
                let (namespace, name) = (pod.namespace(), &container.name);
                let path = format!("{namespace}/{}/{name}", pod.name);
                let usage = UsageSchedule::new(&container.usage, &path, sources)?;
                kubelet.set_container_usage(namespace, &pod.name, name, usage);
            }
        }
    }
    Ok(())
}
