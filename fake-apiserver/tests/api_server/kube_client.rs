//! kube's watcher, the one that the metrics server uses, against the API server in process.

use std::sync::Arc;

use fake_apiserver::FakeApiServer;
use futures::StreamExt;
use k8s_openapi::{
    api::core::v1::{Node, Pod},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, ResourceExt,
    api::ListParams,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tower::ServiceExt;

use super::support::{cluster, empty, labelled, node, pod, ready};

fn client(api_server: &Arc<FakeApiServer>) -> Client {
    let router = api_server.router();
    let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
        request.headers_mut().insert("authorization", "Bearer admin".parse().unwrap());
        router.clone().oneshot(request)
    });
    Client::new(service, "default")
}

/// A watcher's event, in short.
fn short<K: ResourceExt>(event: Result<Event<K>, watcher::Error>) -> String {
    let of = |what: &str, object: &K| format!("{what} {}", object.name_any());
    match event {
        Ok(Event::Init) => "init".to_owned(),
        Ok(Event::InitApply(object)) => of("init", &object),
        Ok(Event::InitDone) => "init done".to_owned(),
        Ok(Event::Apply(object)) => of("apply", &object),
        Ok(Event::Delete(object)) => of("delete", &object),
        Err(error) => format!("error: {error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_nodes_added_changed_and_deleted() {
    let api_server = cluster();
    let api: Api<Node> = Api::all(client(&api_server));
    let mut events = watcher(api, watcher::Config::default()).default_backoff().map(short).boxed();
    assert_eq!(ready(&mut events).await, ["init", "init k8s-m1", "init k8s-node1", "init done"]);
    api_server.upsert_node(node("k8s-node2", ""));
    api_server.upsert_node(labelled(node("k8s-m1", ""), "a", "b"));
    api_server.remove_node("k8s-node1");
    assert_eq!(ready(&mut events).await, ["apply k8s-node2", "apply k8s-m1", "delete k8s-node1"]);
    api_server.close_watches();
    api_server.upsert_node(node("k8s-node3", ""));
    assert_eq!(ready(&mut events).await, ["apply k8s-node3"], "a cut watch goes on");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_running_pods_metadata() {
    let api_server = cluster();
    let api: Api<PartialObjectMeta<Pod>> = Api::all(client(&api_server));
    let config = watcher::Config::default().fields("status.phase=Running");
    let mut events = watcher(api, config).default_backoff().map(short).boxed();
    assert_eq!(ready(&mut events).await, ["init", "init coredns", "init app", "init done"]);
    api_server.upsert_pod(pod("team-01", "new", "k8s-node1", "Pending"));
    api_server.upsert_pod(pod("team-01", "new", "k8s-node1", "Running"));
    api_server.upsert_pod(pod("team-00", "app", "k8s-node1", "Succeeded"));
    assert_eq!(ready(&mut events).await, ["apply new", "delete app"]);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_lists_again_when_its_version_is_too_old() {
    let api_server = cluster();
    let api: Api<Node> = Api::all(client(&api_server));
    let mut events = watcher(api, watcher::Config::default()).default_backoff().map(short).boxed();
    assert_eq!(ready(&mut events).await.len(), 4);
    // Pods do not concern the watch: its version stays behind.
    api_server.close_watches();
    api_server.remove_node("k8s-m1");
    api_server.compact();
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("init done") {
        seen.push(events.next().await.unwrap());
    }
    assert!(seen[0].contains("too old resource version"), "{seen:?}");
    assert_eq!(seen[1..], ["init", "init k8s-node1", "init done"]);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_is_listed_in_chunks() {
    let api_server = empty();
    for number in 0..1_200 {
        api_server.upsert_node(node(&format!("node-{number:04}"), ""));
    }
    let api: Api<Node> = Api::all(client(&api_server));
    let mut events = watcher(api.clone(), watcher::Config::default()).boxed();
    assert_eq!(ready(&mut events).await.len(), 1_202);
    let one = api.list_metadata(&ListParams::default().limit(1)).await.unwrap();
    assert_eq!(one.metadata.remaining_item_count, Some(1_199));
}

#[tokio::test(start_paused = true)]
async fn a_typed_client_reads_one_object_and_its_absence() {
    let api_server = cluster();
    let api: Api<Pod> = Api::namespaced(client(&api_server), "team-00");
    let app = api.get("app").await.unwrap();
    assert_eq!(app.spec.unwrap().node_name.as_deref(), Some("k8s-node1"));
    let ObjectMeta { name, .. } = api.get_metadata("app").await.unwrap().metadata;
    assert_eq!(name.as_deref(), Some("app"));
    assert!(api.get_opt("nope").await.unwrap().is_none());
}
