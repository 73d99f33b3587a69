//! Reloads the configuration file of a running fleet: usage and faults change with it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use net::Clock;

use crate::{
    config::{Config, NodeConfig, PodConfig},
    fleet::Fleet,
    kubelet::FakeKubelet,
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
        let read = Config::parse(file, &text);
        match read.and_then(|new| new.check(file, clock.now()).map(|()| new)) {
            Ok(new) => {
                apply(file, &config, &new, fleet).await;
                config = new;
            }
            Err(error) => {
                tracing::warn!(err = %error, "Failed to load the changed configuration, keeping the previous one");
            }
        }
    }
}

async fn apply(file: &Path, old: &Config, new: &Config, fleet: &Fleet) {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut old: BTreeMap<_, _> = old.nodes().map(|node| (node.name.to_string(), node)).collect();
    let mut changed = 0;
    for node in new.nodes() {
        // None for a node that was not in the file for a while.
        let before = old.remove(node.name.as_str());
        let Some(kubelet) = fleet.get(&node.name) else {
            tracing::warn!(
                node = *node.name,
                "Node was added to the configuration, restart fake-kubelet to run it"
            );
            continue;
        };
        if before.as_ref() == Some(&node) {
            continue;
        }
        changed += 1;
        if before.as_ref().is_some_and(|before| !node.follows(before)) {
            tracing::warn!(
                node = *node.name,
                "More than faults and usage has changed, restart fake-kubelet to apply the rest"
            );
        }
        if let Err(error) = kubelet.set_faults((*node.faults).clone()).await {
            tracing::warn!(node = *node.name, err = %error, "Failed to apply faults of the configuration");
        }
        if let Err(reason) = change_usage(&kubelet, before.as_ref(), &node, folder) {
            tracing::warn!(node = *node.name, err = %reason, "Failed to apply usage of the configuration");
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
    before: Option<&NodeConfig>,
    node: &NodeConfig,
    folder: &Path,
) -> Result<(), crate::usage::UsageError> {
    let usage_before = before.and_then(|before| before.usage.as_ref());
    if let Some(usage) = node.usage.as_ref().filter(|usage| usage_before != Some(usage)) {
        kubelet.set_usage(usage.course(folder)?);
    }
    let pods_before = before.map_or(&[][..], |before| &before.pods);
    for pod in node.pods.iter().filter(|pod| !pods_before.contains(pod)) {
        let same = |old: &&PodConfig| *old.name == *pod.name && old.namespace() == pod.namespace();
        let old = pods_before.iter().find(same);
        for container in &pod.containers {
            if old.is_none_or(|old| !old.containers.contains(container)) {
                let course = container.usage.course(folder)?;
                kubelet.set_container_usage(pod.namespace(), &pod.name, &container.name, course);
            }
        }
    }
    Ok(())
}
