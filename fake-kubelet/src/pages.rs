//! Other pages of a kubelet, with as much as their readers need. None of it was recorded; order,
//! types and line ends are those of Kubernetes' source: `pkg/kubelet/server/server.go`, and
//! `configz`, `healthz` and `metrics` among its libraries.

mod pods;

use std::io::Write;

pub(crate) use self::pods::pods;

use crate::{
    go_number::write_float,
    sample::{Measured, NodeSample},
    summary::uid,
};

/// `/metrics`: the kubelet about itself.
pub(crate) fn metrics(node: &str, started: i64, sample: &NodeSample) -> Vec<u8> {
    let pods = sample.pods.len();
    let containers: usize = sample.pods.iter().map(|pod| pod.containers.len()).sum();
    let mut out = Vec::new();
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
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
    out
}

/// `/metrics/cadvisor`: containers by their cgroups, in the order of their labels.
pub(crate) fn cadvisor(sample: &NodeSample) -> Vec<u8> {
    let mut out = Vec::new();
    let mut containers: Vec<_> = sample
        .pods
        .iter()
        .map(|pod| (uid(pod), pod))
        .flat_map(|(uid, pod)| {
            pod.containers.iter().map(move |it| (&it.name, uid.clone(), it, pod))
        })
        .collect();
    containers.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
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
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
        for (name_of, uid, container, pod) in &containers {
            let measured = container.container;
            let Some(Measured { value, at }) =
                (if is_cpu { measured.cpu } else { measured.memory })
            else {
                continue;
            };
            let cpu = if is_cpu { ",cpu=\"total\"" } else { "" };
            let series = write!(
                out,
                "{name}{{container=\"{name_of}\"{cpu},id=\"/kubepods/pod{uid}/{name_of}\",image=\"\",name=\"\",namespace=\"{}\",pod=\"{}\"}} ",
                pod.namespace, pod.name
            );
            debug_assert!(series.is_ok(), "writing to memory cannot fail");
            write_float(&mut out, if is_cpu { value as f64 / 1e9 } else { value as f64 });
            let time = writeln!(out, " {}", at.as_millisecond());
            debug_assert!(time.is_ok(), "writing to memory cannot fail");
        }
    }
    out
}

/// `/configz`: how the kubelet is configured, in the order of `KubeletConfiguration`.
pub(crate) fn configz(webhook: bool) -> String {
    let mode = if webhook { "Webhook" } else { "AlwaysAllow" };
    let anonymous = !webhook;
    format!(
        "{{\"kubeletconfig\":{{\"enableServer\":true,\
         \"authentication\":{{\"webhook\":{{\"enabled\":{webhook},\"cacheTTL\":\"2m0s\"}},\
         \"anonymous\":{{\"enabled\":{anonymous}}}}},\
         \"authorization\":{{\"mode\":\"{mode}\",\
         \"webhook\":{{\"cacheAuthorizedTTL\":\"5m0s\",\"cacheUnauthorizedTTL\":\"30s\"}}}}}}}}"
    )
}

/// `/healthz?verbose`: each check by its name.
pub(crate) const HEALTHZ_VERBOSE: &str =
    "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n";
