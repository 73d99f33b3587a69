//! Watches: their events, the order of these, and how they end.

use std::time::Duration;

use fake_apiserver::{FakeApiServer, User};
use serde_json::json;
use tokio::time::Instant;

use super::support::{Client, PARTIAL, TABLE, clock, cluster, empty, labelled, node, pod};

#[tokio::test(start_paused = true)]
async fn sends_the_changes_after_the_requested_version() {
    let api_server = cluster();
    let client = Client::admin(&api_server);
    let version = api_server.resource_version();
    api_server.upsert_node(node("k8s-node2", ""));
    let path = format!("/api/v1/nodes?watch=true&resourceVersion={version}");
    let mut watch = client.watch(&path, "application/json").await;
    assert_eq!(watch.short().await, "ADDED k8s-node2");
    api_server.upsert_node(labelled(node("k8s-m1", ""), "a", "b"));
    api_server.upsert_pod(pod("team-00", "other", "k8s-m1", "Running"));
    let changed = watch.next().await.unwrap();
    assert_eq!(changed["type"], "MODIFIED");
    assert_eq!(changed["object"]["kind"], "Node");
    assert_eq!(changed["object"]["apiVersion"], "v1");
    assert_eq!(changed["object"]["metadata"]["labels"]["a"], "b");
    api_server.remove_node("k8s-m1");
    let gone = watch.next().await.unwrap();
    assert_eq!(gone["type"], "DELETED");
    let version = api_server.resource_version().to_string();
    assert_eq!(gone["object"]["metadata"]["resourceVersion"], version);
    assert_eq!(gone["object"]["metadata"]["labels"]["a"], "b");
}

#[tokio::test(start_paused = true)]
async fn without_a_version_everything_is_new() {
    let client = Client::admin(&cluster());
    for path in ["/api/v1/nodes?watch=1", "/api/v1/nodes?watch=1&resourceVersion=0"] {
        let mut watch = client.watch(path, "application/json").await;
        assert_eq!(watch.short().await, "ADDED k8s-m1");
        assert_eq!(watch.short().await, "ADDED k8s-node1");
    }
}

#[tokio::test(start_paused = true)]
async fn objects_that_leave_a_selection_are_deleted_and_those_that_enter_are_added() {
    let api_server = empty();
    let client = Client::admin(&api_server);
    let path = "/api/v1/pods?watch=1&fieldSelector=status.phase%3DRunning";
    let mut watch = client.watch(path, PARTIAL).await;
    api_server.upsert_pod(pod("a", "one", "n", "Pending"));
    api_server.upsert_pod(pod("a", "one", "n", "Running"));
    api_server.upsert_pod(pod("a", "two", "n", "Running"));
    api_server.upsert_pod(pod("a", "one", "n", "Succeeded"));
    api_server.remove_pod("a", "one");
    api_server.remove_pod("a", "two");
    for expected in ["ADDED a/one", "ADDED a/two", "DELETED a/one", "DELETED a/two"] {
        let event = watch.next().await.unwrap();
        let what = event["type"].as_str().unwrap();
        let name = super::support::called(&event["object"]["metadata"]);
        assert_eq!(format!("{what} {name}"), expected);
        assert_eq!(event["object"]["kind"], "PartialObjectMetadata");
        assert_eq!(event["object"]["status"], json!(null));
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_namespace_gets_its_own_pods_only() {
    let api_server = empty();
    let client = Client::admin(&api_server);
    let mut watch = client.watch("/api/v1/namespaces/b/pods?watch=1", "").await;
    api_server.upsert_pod(pod("a", "one", "n", "Running"));
    api_server.upsert_pod(pod("b", "two", "n", "Running"));
    assert_eq!(watch.short().await, "ADDED b/two");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_too_old_is_410_inside_the_watch() {
    let api_server = FakeApiServer::with_watch_cache(clock(), 3);
    api_server.add_token("admin", User::new("admin", &["system:masters"]));
    let client = Client::admin(&api_server);
    for name in ["a", "b", "c", "d", "e"] {
        api_server.upsert_node(node(name, ""));
    }
    let newest = api_server.resource_version();
    let path = format!("/api/v1/nodes?watch=1&resourceVersion={}", newest - 3);
    assert_eq!(client.watch(&path, "").await.short().await, "ADDED c");
    let path = format!("/api/v1/nodes?watch=1&resourceVersion={}", newest - 4);
    let mut watch = client.watch(&path, "").await;
    assert_eq!(
        watch.next().await.unwrap(),
        json!({
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": format!("too old resource version: {} ({})", newest - 4, newest - 3),
                "reason": "Expired",
                "code": 410,
            },
        })
    );
    assert_eq!(watch.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn ends_on_time_with_a_bookmark_on_request() {
    let api_server = cluster();
    let client = Client::admin(&api_server);
    let version = api_server.resource_version();
    let path = format!("/api/v1/nodes?watch=1&resourceVersion={version}&timeoutSeconds=90");

    let began = Instant::now();
    let mut watch = client.watch(&path, "").await;
    assert_eq!(watch.next().await, None);
    assert_eq!(began.elapsed(), Duration::from_secs(90));

    let began = Instant::now();
    let mut watch = client.watch(&format!("{path}&allowWatchBookmarks=true"), "").await;
    api_server.upsert_pod(pod("team-00", "other", "k8s-m1", "Running"));
    let bookmark = json!({
        "type": "BOOKMARK",
        "object": {
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": { "resourceVersion": (version + 1).to_string() },
        },
    });
    assert_eq!(watch.next().await, Some(bookmark.clone()));
    assert_eq!(began.elapsed(), Duration::from_mins(1));
    assert_eq!(watch.next().await, Some(bookmark));
    assert_eq!(watch.next().await, None);
    assert_eq!(began.elapsed(), Duration::from_secs(90));
}

#[tokio::test(start_paused = true)]
async fn all_watches_are_cut_at_once() {
    let api_server = empty();
    let client = Client::admin(&api_server);
    let mut nodes = client.watch("/api/v1/nodes?watch=1", "").await;
    let mut pods = client.watch("/api/v1/pods?watch=1", "").await;
    api_server.upsert_node(node("a", ""));
    assert_eq!(nodes.short().await, "ADDED a");
    let began = Instant::now();
    api_server.close_watches();
    assert_eq!((nodes.next().await, pods.next().await), (None, None));
    assert_eq!(began.elapsed(), Duration::ZERO);
    let mut again = client.watch("/api/v1/nodes?watch=1", "").await;
    assert_eq!(again.short().await, "ADDED a");
}

#[tokio::test(start_paused = true)]
async fn tables_can_be_watched() {
    let api_server = cluster();
    let client = Client::admin(&api_server);
    let mut watch = client.watch("/api/v1/nodes?watch=1", TABLE).await;
    let event = watch.next().await.unwrap();
    assert_eq!(event["object"]["kind"], "Table");
    assert_eq!(event["object"]["rows"][0]["cells"][0], "k8s-m1");
}
