use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, Pod, PodSpec, PodStatus,
};
use serde_json::{Value, json};

use super::{Column, age};

const NONE: &str = "<none>";

pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::NAME,
        Column::text("Ready", "Containers that are ready, of all."),
        Column::text("Status", "What the pod and its containers are doing."),
        Column::text("Restarts", "How often its containers were restarted, and when last."),
        Column::AGE,
        Column::wide("IP", "The pod's address."),
        Column::wide("Node", "The node it runs on."),
        Column::wide("Nominated Node", "The node that is being cleared for it."),
        Column::wide("Readiness Gates", "Extra conditions that are met, of all."),
    ]
}

pub(super) fn cells(name: &str, pod: &Pod, pod_age: &str, now: Timestamp) -> Vec<Value> {
    let spec = pod.spec.clone().unwrap_or_default();
    let status = pod.status.clone().unwrap_or_default();
    let ready = status
        .container_statuses
        .iter()
        .flatten()
        .filter(|it| it.ready && it.state.as_ref().is_some_and(|state| state.running.is_some()))
        .count();
    let or_none = |text: Option<&String>| {
        text.filter(|text| !text.is_empty()).map_or(NONE.to_owned(), Clone::clone)
    };
    vec![
        json!(name),
        json!(format!("{ready}/{}", spec.containers.len())),
        json!(what_it_does(pod, &spec, &status)),
        json!(restarts(&status, now)),
        json!(pod_age),
        json!(or_none(status.pod_ip.as_ref())),
        json!(or_none(spec.node_name.as_ref())),
        json!(or_none(status.nominated_node_name.as_ref())),
        json!(readiness_gates(&spec, &status)),
    ]
}

fn what_it_does(pod: &Pod, spec: &PodSpec, status: &PodStatus) -> String {
    let phase = status.phase.as_deref().unwrap_or_default();
    let own_reason = status.reason.as_deref().filter(|reason| !reason.is_empty());
    let over = matches!(phase, "Succeeded" | "Failed");
    if pod.metadata.deletion_timestamp.is_some() {
        match own_reason {
            Some("NodeLost") => return "Unknown".to_owned(),
            _ if !over => return "Terminating".to_owned(),
            _ => {}
        }
    }
    initializing(spec, status)
        .or_else(|| containers(status))
        .unwrap_or_else(|| own_reason.unwrap_or(phase).to_owned())
}

/// The first init container that is not done, unless all are.
fn initializing(spec: &PodSpec, status: &PodStatus) -> Option<String> {
    let statuses = status.init_container_statuses.iter().flatten();
    let all = spec.init_containers.as_ref().map_or(0, Vec::len);
    for (index, container) in statuses.enumerate() {
        let state = container.state.clone().unwrap_or_default();
        let waits_for = state.waiting.and_then(|waiting| waiting.reason);
        return match (state.terminated, waits_for.as_deref()) {
            (Some(ended), _) if ended.exit_code == 0 => continue,
            (Some(ended), _) => Some(format!("Init:{}", why_ended(&ended))),
            (None, Some(reason)) if !matches!(reason, "" | "PodInitializing") => {
                Some(format!("Init:{reason}"))
            }
            _ if container.started == Some(true) => continue,
            _ => Some(format!("Init:{index}/{all}")),
        };
    }
    None
}

/// The reason of the first container that is not simply running.
fn containers(status: &PodStatus) -> Option<String> {
    let said = status.container_statuses.iter().flatten().find_map(|container| {
        let state: &ContainerState = container.state.as_ref()?;
        let waits = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
        waits
            .filter(|reason| !reason.is_empty())
            .or_else(|| state.terminated.as_ref().map(why_ended))
    })?;
    let running = status.container_statuses.iter().flatten().any(|container| {
        container.ready && container.state.as_ref().is_some_and(|state| state.running.is_some())
    });
    if said != "Completed" || !running {
        return Some(said);
    }
    let ready = status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True");
    Some(if ready { "Running" } else { "NotReady" }.to_owned())
}

fn why_ended(ended: &ContainerStateTerminated) -> String {
    match (ended.reason.as_deref(), ended.signal) {
        (Some(reason), _) if !reason.is_empty() => reason.to_owned(),
        (_, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", ended.exit_code),
    }
}

fn restarts(status: &PodStatus, now: Timestamp) -> String {
    let containers = || status.container_statuses.iter().flatten();
    let count: i32 = containers().map(|container| container.restart_count).sum();
    let last = containers()
        .filter_map(|container| container.last_state.as_ref()?.terminated.as_ref())
        .filter_map(|ended| ended.finished_at.as_ref())
        .map(|time| time.0)
        .max();
    match last {
        Some(last) if count > 0 => {
            format!("{count} ({} ago)", age::human(now.duration_since(last)))
        }
        _ => count.to_string(),
    }
}

fn readiness_gates(spec: &PodSpec, status: &PodStatus) -> String {
    let gates = spec.readiness_gates.as_deref().unwrap_or_default();
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let met =
        gates.iter().filter(|gate| {
            status.conditions.iter().flatten().any(|condition| {
                condition.type_ == gate.condition_type && condition.status == "True"
            })
        });
    format!("{}/{}", met.count(), gates.len())
}
