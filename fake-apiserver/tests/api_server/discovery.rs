//! Discovery, as clients read it.

use http::StatusCode;
use serde_json::json;

use super::support::{Client, cluster};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;\
                          as=APIGroupDiscoveryList,application/json";

#[tokio::test]
async fn every_group_and_version_has_its_documents() {
    let client = Client::admin(&cluster());
    for (path, kind) in [
        ("/api", "APIVersions"),
        ("/api/", "APIVersions"),
        ("/api/v1", "APIResourceList"),
        ("/apis", "APIGroupList"),
        ("/apis/authentication.k8s.io", "APIGroup"),
        ("/apis/authentication.k8s.io/v1", "APIResourceList"),
        ("/apis/authorization.k8s.io/v1", "APIResourceList"),
        ("/apis/apiregistration.k8s.io/v1", "APIResourceList"),
        ("/apis/coordination.k8s.io/v1", "APIResourceList"),
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.json()["kind"].clone()), (StatusCode::OK, json!(kind)));
    }
    let core = client.get("/api/v1").await.json();
    let nodes = &core["resources"][2];
    assert_eq!(
        *nodes,
        json!({
            "name": "nodes",
            "singularName": "node",
            "namespaced": false,
            "kind": "Node",
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
            "shortNames": ["no"],
        })
    );
}

#[tokio::test]
async fn the_aggregated_form_comes_in_the_requested_version() {
    let client = Client::admin(&cluster());
    let core = client.get_as("/api", AGGREGATED).await;
    assert_eq!(
        core.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    assert_eq!(core.json()["items"][0]["versions"][0]["resources"][2]["resource"], "nodes");
    let groups = client.get_as("/apis", AGGREGATED).await.json();
    let groups: Vec<_> =
        groups["items"].as_array().unwrap().iter().map(|it| &it["metadata"]["name"]).collect();
    assert_eq!(
        groups,
        [
            "apiregistration.k8s.io",
            "apps",
            "authentication.k8s.io",
            "authorization.k8s.io",
            "certificates.k8s.io",
            "coordination.k8s.io",
            "discovery.k8s.io",
            "rbac.authorization.k8s.io",
        ]
    );
    let beta = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
    assert_eq!(
        client.get_as("/apis", beta).await.json()["apiVersion"],
        "apidiscovery.k8s.io/v2beta1"
    );
    assert_eq!(client.get_as("/apis", "application/json").await.json()["kind"], "APIGroupList");
}

#[tokio::test]
async fn version_and_health_are_served() {
    let client = Client::admin(&cluster());
    let version = client.get("/version").await.json();
    assert_eq!(version["gitVersion"], "v1.36.2");
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("36")));
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(client.get(path).await.body, "ok");
    }
}
