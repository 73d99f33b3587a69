//! The generic API server serves other groups than `metrics.k8s.io`.

use apiserver::{access::Settings, serving::Limits};
use serde_json::json;

use super::support::{Cluster, settle};

#[path = "../../crates/apiserver/examples/widgets.rs"]
mod widgets;

const WIDGETS: &str = "/apis/example.dev/v1/widgets";

#[tokio::test(start_paused = true)]
async fn another_group_has_discovery_objects_and_errors_behind_the_same_guard() {
    let cluster = Cluster::new();
    let router = widgets::paths(cluster.clock.clone()).into_router();
    let access = cluster.access(&Settings::default());
    let mut server = cluster.serve_router(Limits::default(), access.guard(router));
    server.keep(async move { access.follow().await });
    settle().await;
    let proxy = cluster.front_proxy();
    let masters = [("x-remote-user", "alice"), ("x-remote-group", "system:masters")];
    let nobody = [("x-remote-user", "bob")];

    let discovery = server.ask(Some(&proxy), "/apis/example.dev/v1", &masters).await.json();
    assert_eq!(discovery["resources"][0]["name"], "widgets");
    let list = server.ask(Some(&proxy), WIDGETS, &masters).await.json();
    assert_eq!(list["kind"], "WidgetList");
    assert_eq!(list["items"][0]["metadata"]["name"], "gear");
    let missing = server.ask(Some(&proxy), &format!("{WIDGETS}/cog"), &masters).await.json();
    assert_eq!(
        missing,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "widgets.example.dev \"cog\" not found", "reason": "NotFound",
            "details": {"name": "cog", "group": "example.dev", "kind": "widgets"}, "code": 404,
        })
    );
    let forbidden = server.ask(Some(&proxy), WIDGETS, &nobody).await.json();
    assert_eq!(forbidden["reason"], "Forbidden");
    let anonymous = server.ask(None, WIDGETS, &masters).await.json();
    assert_eq!(anonymous["reason"], "Forbidden", "headers count only from the front proxy");
}
