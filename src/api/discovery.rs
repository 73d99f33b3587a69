//! What the API server and its clients ask to learn that `metrics.k8s.io` is here.

use axum::Json;
use serde_json::{Value, json};

use super::{GROUP, VERSION};

fn version() -> Value {
    json!({"groupVersion": format!("{GROUP}/{VERSION}"), "version": VERSION})
}

pub(super) async fn groups() -> Json<Value> {
    let group = json!({"name": GROUP, "versions": [version()], "preferredVersion": version()});
    Json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}))
}

pub(super) async fn group() -> Json<Value> {
    Json(json!({
        "kind": "APIGroup", "apiVersion": "v1", "name": GROUP,
        "versions": [version()], "preferredVersion": version(),
    }))
}

pub(super) async fn resources() -> Json<Value> {
    let resource = |name, namespaced, kind| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]});
    Json(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/{VERSION}"),
        "resources": [resource("nodes", false, "NodeMetrics"), resource("pods", true, "PodMetrics")],
    }))
}
