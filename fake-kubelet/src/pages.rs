//! What else people read from a kubelet: enough of it for those who do, and true in form.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{
    number::write_float,
    sample::{Measured, NodeSample},
    summary::uid,
};

/// `/metrics`: the kubelet about itself.
pub(crate) fn metrics(node: &str, started: i64, sample: &NodeSample) -> String {
    let pods = sample.pods.len();
    let containers: usize = sample.pods.iter().map(|pod| pod.containers.len()).sum();
    let mut out = String::new();
    let written = write!(
        out,
        "# HELP kubelet_node_name [ALPHA] The node's name. The count is always 1.\n\
         # TYPE kubelet_node_name gauge\n\
         kubelet_node_name{{node=\"{node}\"}} 1\n\
         # HELP kubelet_running_containers [ALPHA] Number of containers currently running\n\
         # TYPE kubelet_running_containers gauge\n\
         kubelet_running_containers{{container_state=\"running\"}} {containers}\n\
         # HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox\n\
         # TYPE kubelet_running_pods gauge\n\
         kubelet_running_pods {pods}\n\
         # HELP process_start_time_seconds [STABLE] Start time of the process since unix epoch in seconds.\n\
         # TYPE process_start_time_seconds gauge\n\
         process_start_time_seconds {started}\n"
    );
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
    out
}

/// `/metrics/cadvisor`: containers by their cgroups.
pub(crate) fn cadvisor(sample: &NodeSample) -> String {
    let mut out = String::new();
    let families = [
        (
            "container_cpu_usage_seconds_total",
            "Cumulative cpu time consumed in seconds.",
            "counter",
        ),
        ("container_memory_working_set_bytes", "Current working set in bytes.", "gauge"),
    ];
    for (name, help, kind) in families {
        let is_cpu = kind == "counter";
        let written = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        for pod in &sample.pods {
            let uid = uid(pod);
            for container in &pod.containers {
                let measured = container.container;
                let Some(Measured { value, at }) =
                    (if is_cpu { measured.cpu } else { measured.memory })
                else {
                    continue;
                };
                let cpu = if is_cpu { ",cpu=\"total\"" } else { "" };
                let series = write!(
                    out,
                    "{name}{{container=\"{}\"{cpu},id=\"/kubepods/pod{uid}/{}\",image=\"\",name=\"\",namespace=\"{}\",pod=\"{}\"}} ",
                    container.name, container.name, pod.namespace, pod.name
                );
                debug_assert!(series.is_ok(), "writing to a string cannot fail");
                write_float(&mut out, if is_cpu { value as f64 / 1e9 } else { value as f64 });
                let time = writeln!(out, " {}", at.as_millisecond());
                debug_assert!(time.is_ok(), "writing to a string cannot fail");
            }
        }
    }
    out
}

/// `/pods`: the pods that run here.
pub(crate) fn pods(node: &str, sample: &NodeSample) -> Value {
    let items: Vec<_> = sample
        .pods
        .iter()
        .map(|pod| {
            let containers: Vec<_> =
                pod.containers.iter().map(|container| json!({"name": &*container.name})).collect();
            json!({
                "metadata": {"name": &*pod.name, "namespace": &*pod.namespace, "uid": uid(pod)},
                "spec": {"nodeName": node, "containers": containers},
                "status": {"phase": "Running"},
            })
        })
        .collect();
    json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
}

/// `/configz`: how the kubelet is configured.
pub(crate) fn configz(webhook: bool) -> Value {
    let mode = if webhook { "Webhook" } else { "AlwaysAllow" };
    json!({"kubeletconfig": {
        "enableServer": true,
        "authentication": {
            "webhook": {"enabled": webhook, "cacheTTL": "2m0s"},
            "anonymous": {"enabled": !webhook},
        },
        "authorization": {
            "mode": mode,
            "webhook": {"cacheAuthorizedTTL": "5m0s", "cacheUnauthorizedTTL": "30s"},
        },
    }})
}
