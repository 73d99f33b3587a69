//! `/pods`: a `PodList` as Go writes it, with the fields of each pod that the kubelet's clients
//! read.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    sample::{ContainerSample, NodeSample, PodSample},
    summary::{second, uid},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodList<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: Nothing,
    items: Vec<Pod<'a>>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Pod<'a> {
    metadata: Metadata<'a>,
    spec: Spec<'a>,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
    uid: String,
    creation_timestamp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    containers: Vec<Container<'a>>,
    node_name: &'a str,
}

#[derive(Serialize)]
struct Container<'a> {
    name: &'a str,
    resources: Nothing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    phase: &'static str,
    start_time: String,
    container_statuses: Vec<ContainerStatus<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus<'a> {
    name: &'a str,
    state: State,
    last_state: Nothing,
    ready: bool,
    restart_count: u32,
    image: &'static str,
    #[serde(rename = "imageID")]
    image_id: &'static str,
    started: bool,
}

#[derive(Serialize)]
struct State {
    running: Running,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    started_at: String,
}

/// The pods that run on a node.
pub(crate) fn pods(node: &str, sample: &NodeSample) -> String {
    let items = sample.pods.iter().map(|pod| Pod::new(node, pod)).collect();
    let list = PodList { kind: "PodList", api_version: "v1", metadata: Nothing {}, items };
    let mut text = serde_json::to_string(&list).unwrap_or_default();
    // Kubernetes' encoder ends what it writes with a newline.
    text.push('\n');
    text
}

impl<'a> Pod<'a> {
    fn new(node: &'a str, pod: &'a PodSample) -> Self {
        let started = pod.containers.iter().filter_map(|container| container.started).min();
        let started = second(started.unwrap_or(Timestamp::UNIX_EPOCH));
        let container =
            |it: &'a ContainerSample| Container { name: &it.name, resources: Nothing {} };
        Self {
            metadata: Metadata {
                name: &pod.name,
                namespace: &pod.namespace,
                uid: uid(pod),
                creation_timestamp: started.clone(),
            },
            spec: Spec {
                containers: pod.containers.iter().map(container).collect(),
                node_name: node,
            },
            status: Status {
                phase: "Running",
                start_time: started,
                container_statuses: pod.containers.iter().map(ContainerStatus::new).collect(),
            },
        }
    }
}

impl<'a> ContainerStatus<'a> {
    fn new(container: &'a ContainerSample) -> Self {
        let started_at = second(container.started.unwrap_or(Timestamp::UNIX_EPOCH));
        Self {
            name: &container.name,
            state: State { running: Running { started_at } },
            last_state: Nothing {},
            ready: true,
            restart_count: 0,
            image: "",
            image_id: "",
            started: true,
        }
    }
}
