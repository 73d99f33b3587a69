//! Follows the configuration file of a running fleet: usage and faults change with it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use crate::{
    config::{Config, NodeConfig},
    fleet::Fleet,
    kubelet::FakeKubelet,
};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Lets `fleet` be as the file says, which said `config` at first. Never ends.
pub(crate) async fn follow(file: &Path, mut config: Config, fleet: &Fleet) {
    let mut text = fs::read_to_string(file).unwrap_or_default();
    loop {
        tokio::time::sleep(EVERY).await;
        // While it is being replaced it may not be there, or not whole.
        let Ok(new) = fs::read_to_string(file) else { continue };
        if new == text {
            continue;
        }
        text = new;
        match Config::parse(file, &text) {
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
    let old: BTreeMap<_, _> = old.nodes().map(|node| (node.name.to_string(), node)).collect();
    let mut changed = 0;
    for node in new.nodes() {
        let (Some(before), Some(kubelet)) = (old.get(&*node.name), fleet.get(&node.name)) else {
            tracing::warn!(
                node = *node.name,
                "A node is new in the configuration: start anew to have it"
            );
            continue;
        };
        if *before == node {
            continue;
        }
        changed += 1;
        if let Err(error) = kubelet.set_faults(node.faults.clone()).await {
            tracing::warn!(node = *node.name, err = %error, "Faults cannot be as the configuration says");
        }
        if let Err(reason) = change_usage(&kubelet, before, &node, folder) {
            tracing::warn!(node = *node.name, err = %reason, "Usage cannot be as the configuration says");
        }
    }
    tracing::info!(nodes = changed, "The configuration has changed");
}

fn change_usage(
    kubelet: &FakeKubelet,
    before: &NodeConfig,
    node: &NodeConfig,
    folder: &Path,
) -> Result<(), crate::usage::CourseError> {
    if let Some(usage) = node.usage.as_ref().filter(|usage| before.usage.as_ref() != Some(usage)) {
        kubelet.set_usage(usage.course(folder)?);
    }
    for pod in node.pods.iter().filter(|pod| !before.pods.contains(pod)) {
        let same = |old: &&crate::config::PodConfig| {
            old.name == pod.name && old.namespace() == pod.namespace()
        };
        let old = before.pods.iter().find(same);
        for container in &pod.containers {
            if old.is_none_or(|old| !old.containers.contains(container)) {
                let course = container.usage.course(folder)?;
                kubelet.set_container_usage(pod.namespace(), &pod.name, &container.name, course);
            }
        }
    }
    Ok(())
}
