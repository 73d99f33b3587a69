//! The writes of kubelets, and their errors.

use http::{Method, StatusCode};
use serde_json::json;

use super::support::{Client, cluster};

type Headers<'a> = &'a [(&'a str, &'a str)];

const NODE: &str = "/api/v1/nodes/k8s-node1";
const APP: &str = "/api/v1/namespaces/team-00/pods/app";
const MERGE: Headers<'_> = &[("content-type", "application/merge-patch+json")];
const JSON: Headers<'_> = &[("content-type", "application/json")];

#[tokio::test(start_paused = true)]
async fn spec_and_status_are_written_separately() {
    let admin = Client::admin(&cluster());
    let patch = json!({
        "metadata": {"labels": {"a": "b"}},
        "spec": {"unschedulable": true},
        "status": {"capacity": {"cpu": "64"}},
    })
    .to_string();
    let node = admin.send(Method::PATCH, NODE, MERGE, patch.clone()).await.json();
    assert_eq!(node["metadata"]["labels"]["a"], "b");
    assert_eq!(
        (&node["spec"]["unschedulable"], &node["status"]["capacity"]["cpu"]),
        (&json!(true), &json!("4"))
    );
    let patch = patch.replace("true", "false");
    let node = admin.send(Method::PATCH, &format!("{NODE}/status"), MERGE, patch).await.json();
    assert_eq!(
        (&node["spec"]["unschedulable"], &node["status"]["capacity"]["cpu"]),
        (&json!(true), &json!("64"))
    );
    assert_eq!(admin.get(NODE).await.json(), node);
    let gone = json!({"metadata": {"labels": {"a": null}}}).to_string();
    let node = admin.send(Method::PATCH, NODE, MERGE, gone).await.json();
    assert!(node["metadata"]["labels"].get("a").is_none(), "{node}");
}

#[tokio::test(start_paused = true)]
async fn a_node_and_its_lease_are_created_and_deleted() {
    let admin = Client::admin(&cluster());
    let node = json!({"metadata": {"name": "n"}, "status": {"phase": "Running"}});
    let made = admin.post("/api/v1/nodes", &node).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json()["status"]["phase"], "Running");
    let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    let lease = json!({"metadata": {"name": "n"}, "spec": {"holderIdentity": "n"}});
    assert_eq!(admin.post(leases, &lease).await.status, StatusCode::CREATED);
    assert_eq!(admin.get(leases).await.names(), ["kube-node-lease/n"]);
    for path in [format!("{leases}/n"), "/api/v1/nodes/n".to_owned()] {
        let gone = admin.send(Method::DELETE, &path, &[], String::new()).await;
        assert_eq!(gone.json()["status"], "Success", "{path}");
        assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_pending_at_first_and_ends_when_its_kubelet_deletes_it() {
    let admin = Client::admin(&cluster());
    let spec = json!({"nodeName": "k8s-node1", "containers": [{"name": "c", "image": "i"}]});
    let pod = json!({"metadata": {"name": "p"}, "spec": spec, "status": {"phase": "Running"}});
    let made = admin.post("/api/v1/namespaces/team-00/pods", &pod).await.json();
    assert_eq!(made["status"]["phase"], "Pending");
    let ending = admin.send(Method::DELETE, APP, &[], String::new()).await.json();
    assert_eq!(ending["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(admin.get(APP).await.status, StatusCode::OK);
    let now = json!({"gracePeriodSeconds": 0}).to_string();
    admin.send(Method::DELETE, APP, JSON, now).await;
    assert_eq!(admin.get(APP).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn invalid_writes_are_refused_with_the_real_servers_errors() {
    let admin = Client::admin(&cluster());
    let same = json!({"metadata": {"name": "k8s-node1"}}).to_string();
    let stale = json!({"metadata": {"resourceVersion": "1"}}).to_string();
    let other = json!({"metadata": {"uid": "u"}}).to_string();
    let condition = json!({"preconditions": {"uid": "u"}}).to_string();
    let nowhere = json!({"metadata": {"name": "p"}}).to_string();
    let cases: [(Method, &str, Headers<'_>, &str, u16, &str); 7] = [
        (Method::POST, "/api/v1/nodes", JSON, &same, 409, "nodes \"k8s-node1\" already exists"),
        (Method::POST, "/api/v1/nodes", JSON, "{}", 422, "name or generateName is required"),
        (
            Method::POST,
            "/api/v1/namespaces/nowhere/pods",
            JSON,
            &nowhere,
            404,
            "namespaces \"nowhere\" not found",
        ),
        (Method::PATCH, NODE, MERGE, &stale, 409, "the object has been modified"),
        (Method::PATCH, NODE, MERGE, &other, 409, "Precondition failed: UID in precondition: u"),
        (Method::DELETE, NODE, JSON, &condition, 409, "Precondition failed"),
        (Method::PATCH, NODE, JSON, "{}", 415, "application/merge-patch+json"),
    ];
    for (method, path, headers, body, status, message) in cases {
        let answer = admin.send(method, path, headers, body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}");
        let said = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(said.contains(message), "{path} {body}: {said}");
    }
}
