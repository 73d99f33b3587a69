//! Follows the configuration file of a running fleet: usage and faults change with it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use net::Clock;

use crate::{
    config::{Config, NodeConfig, PodConfig},
    fleet::Fleet,
    kubelet::FakeKubelet,
};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Lets `fleet` be as the file says, which said `config` at first. Never ends.
pub(crate) async fn follow(file: &Path, mut config: Config, fleet: &Fleet, clock: &Clock) {
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
                change(file, &config, &new, fleet).await;
                config = new;
            }
            Err(error) => {
                tracing::warn!(err = %error, "The changed configuration cannot be used: all stays as it was");
            }
        }
    }
}

async fn change(file: &Path, old: &Config, new: &Config, fleet: &Fleet) {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut old: BTreeMap<_, _> = old.nodes().map(|node| (node.name.to_string(), node)).collect();
    let mut changed = 0;
    for node in new.nodes() {
        // That of a node which was not in the file for a while is not known any more.
        let before = old.remove(node.name.as_str());
        let Some(kubelet) = fleet.get(&node.name) else {
            tracing::warn!(
                node = *node.name,
                "A node is new in the configuration: start anew to have it"
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
                "More has changed than faults and usage: start anew to have the rest"
            );
        }
        if let Err(error) = kubelet.set_faults((*node.faults).clone()).await {
            tracing::warn!(node = *node.name, err = %error, "Faults cannot be as the configuration says");
        }
        if let Err(reason) = change_usage(&kubelet, before.as_ref(), &node, folder) {
            tracing::warn!(node = *node.name, err = %reason, "Usage cannot be as the configuration says");
        }
    }
    for node in old.into_keys().filter(|node| fleet.get(node).is_some()) {
        tracing::warn!(node, "A node is no longer in the configuration: it stays as it was");
    }
    tracing::info!(nodes = changed, "The configuration has changed");
}

/// Lets what the configuration says anew of usage begin.
fn change_usage(
    kubelet: &FakeKubelet,
    before: Option<&NodeConfig>,
    node: &NodeConfig,
    folder: &Path,
) -> Result<(), crate::usage::CourseError> {
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
