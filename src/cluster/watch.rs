use std::{collections::BTreeMap, pin::pin, sync::Arc};

use diagnosis::Cause;
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Node as ApiNode;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use kube_dial::{Backoff, report};
use net::Random;

use super::{
    Cluster, Node, PodKey, RunningPod,
    pod_row::{self, PodRow},
};
use crate::intern::Interner;

/// What pods have in common.
#[derive(Default)]
struct Common {
    namespaces: Interner<str>,
    labels: Interner<BTreeMap<String, String>>,
    nodes: Interner<str>,
}

/// Keeps `cluster` up to date for ever: a failed list or watch is repeated.
pub async fn watch(client: Client, cluster: Arc<Cluster>, random: Random) {
    let nodes = watcher(Api::<ApiNode>::all(client.clone()), watcher::Config::default());
    let pods = watcher(
        Api::<PodRow>::all(pod_row::client(client)),
        watcher::Config::default().fields("status.phase=Running"),
    );
    futures::future::join(
        follow_nodes(nodes.backoff(Backoff::new(random.clone())), &cluster),
        follow_pods(pods.backoff(Backoff::new(random)), &cluster),
    )
    .await;
}

async fn follow_nodes(
    events: impl Stream<Item = watcher::Result<Event<ApiNode>>>,
    cluster: &Cluster,
) {
    let mut events = pin!(events);
    let mut listed = BTreeMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed = BTreeMap::new(),
            Ok(Event::InitApply(node)) => {
                let node = Node::from(node);
                listed.insert(node.name.clone(), Arc::new(node));
            }
            Ok(Event::InitDone) => cluster.set_nodes(std::mem::take(&mut listed)),
            Ok(Event::Apply(node)) => cluster.set_node(node.into()),
            Ok(Event::Delete(node)) => cluster.remove_node(&node.metadata.name.unwrap_or_default()),
            Err(error) => report("nodes", Cause::RoleLacksList, &error),
        }
    }
}

async fn follow_pods(
    events: impl Stream<Item = watcher::Result<Event<PodRow>>>,
    cluster: &Cluster,
) {
    let mut events = pin!(events);
    let mut listed = BTreeMap::new();
    let mut common = Common::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed = BTreeMap::new(),
            Ok(Event::InitApply(pod)) => {
                let (key, pod) = common.split(pod);
                listed.insert(key, pod);
            }
            Ok(Event::InitDone) => cluster.set_pods(std::mem::take(&mut listed)),
            Ok(Event::Apply(pod)) => {
                let (key, pod) = common.split(pod);
                cluster.set_pod(key, pod);
            }
            Ok(Event::Delete(pod)) => cluster.remove_pod(&common.split(pod).0),
            Err(error) => report("pods", Cause::RoleLacksList, &error),
        }
    }
}

// === impl Common ===

impl Common {
    fn split(&mut self, pod: PodRow) -> (PodKey, RunningPod) {
        let metadata = pod.metadata;
        let namespace = self.namespaces.intern(metadata.namespace.unwrap_or_default());
        let key = (namespace, metadata.name.unwrap_or_default().into());
        let labels = self.labels.intern(metadata.labels.unwrap_or_default());
        (key, RunningPod { labels, node: pod.node.map(|node| self.nodes.intern(node)) })
    }
}
