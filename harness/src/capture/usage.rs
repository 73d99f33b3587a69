//! Pods, and what they and nodes use.

use std::collections::BTreeMap;

use diagnosis::Cause;
use serde_json::Value;

use super::{
    node::{quantity, scalar},
    objects::{Objects, items, name_of, namespace_of},
    observed::Observed,
};

/// The most pods that are written.
const MOST_PODS: usize = 2_000;

/// What a container uses if nothing is known.
const CONTAINER_USAGE: &str = "{cpu: 10m, memory: 16Mi}";

/// What the metrics API says is used, in YAML's flow style.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) nodes: BTreeMap<String, String>,
    /// By namespace, pod and container.
    containers: BTreeMap<(String, String, String), String>,
}

// === impl Usage ===

impl Usage {
    pub(super) fn of(objects: &Objects, observed: &Observed) -> Self {
        let mut usage = Self::default();
        for seen in observed.nodes.values().flatten().chain(&observed.cluster) {
            let used = match seen.cause {
                Cause::ContainerIncomplete if seen.line.contains("CPU usage") => {
                    "{cpu: 0, memory: 16Mi}"
                }
                Cause::ContainerIncomplete => "{cpu: 10m, memory: 0}",
                Cause::CpuBeyondCapacity => "{cpu: 100000, memory: 16Mi}",
                Cause::MemoryBeyondCapacity => "{cpu: 10m, memory: 1Pi}",
                _ => continue,
            };
            if let Some((pod, container)) = &seen.container
                && let Some((namespace, pod)) = pod.split_once('/')
            {
                let key = (namespace.to_owned(), pod.to_owned(), container.clone());
                usage.containers.insert(key, used.to_owned());
            }
        }
        for node in objects.of("NodeMetrics") {
            usage.nodes.extend(amounts(node).map(|amounts| (name_of(node).to_owned(), amounts)));
        }
        for pod in objects.of("PodMetrics") {
            for container in items(&pod["containers"]) {
                let name = container["name"].as_str().unwrap_or_default().to_owned();
                let key = (namespace_of(pod).to_owned(), name_of(pod).to_owned(), name);
                usage.containers.extend(amounts(container).map(|amounts| (key, amounts)));
            }
        }
        usage
    }
}

fn amounts(measured: &Value) -> Option<String> {
    let amount = |name: &str| measured["usage"][name].as_str().map(quantity);
    Some(format!("{{cpu: {}, memory: {}}}", amount("cpu")?, amount("memory")?))
}

/// The running pods of each node, in YAML's flow style.
pub(super) fn pods(
    objects: &Objects,
    usage: &Usage,
    questions: &mut Vec<String>,
) -> BTreeMap<String, Vec<String>> {
    let mut pods: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut left_out = 0;
    for (count, pod) in objects.of("Pod").into_iter().filter(|pod| is_running(pod)).enumerate() {
        if count >= MOST_PODS {
            left_out += 1;
            continue;
        }
        let (namespace, name) = (namespace_of(pod), name_of(pod));
        let containers: Vec<_> = items(&pod["spec"]["containers"])
            .filter_map(|container| container["name"].as_str())
            .map(|container| {
                let key = (namespace.to_owned(), name.to_owned(), container.to_owned());
                let used = usage.containers.get(&key).map_or(CONTAINER_USAGE, String::as_str);
                format!("{{name: {}, usage: {used}}}", scalar(container))
            })
            .collect();
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        if !containers.is_empty() {
            let namespace = match namespace {
                "default" | "" => String::new(),
                other => format!("namespace: {}, ", scalar(other)),
            };
            let containers = containers.join(", ");
            let text = format!("{{{namespace}name: {}, containers: [{containers}]}}", scalar(name));
            pods.entry(node.to_owned()).or_default().push(text);
        }
    }
    if left_out > 0 {
        questions.push(format!("do {left_out} further pods matter? They are left out"));
    }
    pods
}

fn is_running(pod: &Value) -> bool {
    let phase = pod["status"]["phase"].as_str();
    phase.is_none_or(|phase| phase == "Running")
}
