use k8s_openapi::api::core::v1::{Node, NodeStatus};
use serde_json::{Value, json};

use super::Column;

const NONE: &str = "<none>";
const UNKNOWN: &str = "<unknown>";

pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::NAME,
        Column::text("Status", "Whether the node is ready and takes pods."),
        Column::text("Roles", "The roles in the node's labels."),
        Column::AGE,
        Column::text("Version", "The kubelet's version."),
        Column::wide("Internal-IP", "The first internal address."),
        Column::wide("External-IP", "The first external address."),
        Column::wide("OS-Image", "The operating system."),
        Column::wide("Kernel-Version", "The kernel."),
        Column::wide("Container-Runtime", "What runs the containers."),
    ]
}

pub(super) fn cells(name: &str, node: &Node, age: &str) -> Vec<Value> {
    let status = node.status.clone().unwrap_or_default();
    let info = status.node_info.clone().unwrap_or_default();
    let known = |text: &str| if text.is_empty() { UNKNOWN.to_owned() } else { text.to_owned() };
    vec![
        json!(name),
        json!(readiness(node, &status)),
        json!(roles(node)),
        json!(age),
        json!(info.kubelet_version),
        json!(address(&status, "InternalIP")),
        json!(address(&status, "ExternalIP")),
        json!(known(&info.os_image)),
        json!(known(&info.kernel_version)),
        json!(known(&info.container_runtime_version)),
    ]
}

fn readiness(node: &Node, status: &NodeStatus) -> String {
    let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
    let mut words = vec![match ready.map(|condition| condition.status.as_str()) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) {
        words.push("SchedulingDisabled");
    }
    words.join(",")
}

fn roles(node: &Node) -> String {
    let mut roles: Vec<&str> = node
        .metadata
        .labels
        .iter()
        .flatten()
        .filter_map(|(label, value)| match label.strip_prefix("node-role.kubernetes.io/") {
            None if label == "kubernetes.io/role" => Some(value.as_str()),
            role => role,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { NONE.to_owned() } else { roles.join(",") }
}

fn address(status: &NodeStatus, kind: &str) -> String {
    let found = status.addresses.iter().flatten().find(|address| address.type_ == kind);
    found.map_or(NONE.to_owned(), |address| address.address.clone())
}
