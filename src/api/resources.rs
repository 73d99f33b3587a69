use axum::{
    Json,
    extract::{Path, State},
};

use super::{
    Sources,
    objects::{Items, NodeMetrics, PodMetrics, Typed},
    status::Failure,
};

type NodeList = Json<Typed<Items<NodeMetrics>>>;
type PodList = Json<Typed<Items<PodMetrics>>>;

pub(super) async fn list_nodes(State(sources): State<Sources>) -> NodeList {
    let now = sources.clock.now();
    let nodes = sources.cluster.nodes();
    let items = nodes
        .iter()
        .filter_map(|node| Some(NodeMetrics::new(node, &sources.store.node(&node.name)?, now)))
        .collect();
    Json(Typed::list("NodeMetricsList", items))
}

pub(super) async fn get_node(
    State(sources): State<Sources>,
    Path(name): Path<String>,
) -> Result<Json<Typed<NodeMetrics>>, Failure> {
    let Some(node) = sources.cluster.node(&name) else {
        return Err(Failure::NoSuchObject { kind: "node", name });
    };
    match sources.store.node(&name) {
        Some(usage) => Ok(Json(Typed::one(
            "NodeMetrics",
            NodeMetrics::new(&node, &usage, sources.clock.now()),
        ))),
        None => Err(Failure::NoMetrics { kind: "nodemetrics", name }),
    }
}

pub(super) async fn list_pods(State(sources): State<Sources>) -> PodList {
    pods(&sources, None)
}

pub(super) async fn list_namespace_pods(
    State(sources): State<Sources>,
    Path(namespace): Path<String>,
) -> PodList {
    pods(&sources, Some(&namespace))
}

fn pods(sources: &Sources, namespace: Option<&str>) -> PodList {
    let now = sources.clock.now();
    let items = sources
        .cluster
        .pods(namespace)
        .into_iter()
        .filter_map(|(key, labels)| {
            let usage = sources.store.pod(&key.0, &key.1)?;
            Some(PodMetrics::new(key, labels, usage, now))
        })
        .collect();
    Json(Typed::list("PodMetricsList", items))
}

pub(super) async fn get_pod(
    State(sources): State<Sources>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Json<Typed<PodMetrics>>, Failure> {
    let full_name = format!("{namespace}/{name}");
    let Some((key, labels)) = sources.cluster.pod(&namespace, &name) else {
        return Err(Failure::NoSuchObject { kind: "pod", name: full_name });
    };
    match sources.store.pod(&namespace, &name) {
        Some(usage) => Ok(Json(Typed::one(
            "PodMetrics",
            PodMetrics::new(key, labels, usage, sources.clock.now()),
        ))),
        None => Err(Failure::NoMetrics { kind: "podmetrics", name: full_name }),
    }
}
