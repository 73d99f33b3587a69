//! Requests that are passed on to the metrics server.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request, response::IntoResponse};
use fake_apiserver::{FakeApiServer, Peer, Serving, User};
use http::{Method, StatusCode};
use net::{HostNetwork, Network};
use serde_json::json;

use super::{
    pki::Authority,
    support::{Client, TABLE, backend, cluster, rule},
};

const NODES: &str = "/apis/metrics.k8s.io/v1beta1/nodes";

/// A backend that remembers its requests.
struct Stub {
    authority: Authority,
    serving: Serving,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    async fn start() -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        let router = Router::new().fallback(move |request: Request| {
            let log = log.clone();
            async move { answer(request, &log).await }
        });
        let authority = Authority::new();
        let serving = authority.endpoint("metrics-server").serve(router).await.unwrap();
        Self { authority, serving, requests }
    }
}

async fn answer(request: Request, log: &Mutex<Vec<String>>) -> axum::response::Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let certificates = head.extensions.get::<Peer>().unwrap().certificates.len();
    let mut said = format!("{} {} certificates={certificates}", head.method, head.uri);
    for (name, value) in &head.headers {
        if !matches!(name.as_str(), "host" | "content-length") {
            said += &format!(" {name}={}", value.to_str().unwrap());
        }
    }
    said += &format!(" body={}", String::from_utf8_lossy(&body));
    log.lock().unwrap().push(said);
    if head.uri.path() == "/apis/metrics.k8s.io/v1beta1" {
        return axum::Json(json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": "metrics.k8s.io/v1beta1",
            "resources": [{
                "name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics",
                "verbs": ["get", "list"],
            }],
        }))
        .into_response();
    }
    (StatusCode::IM_A_TEAPOT, [("x-answer", "yes")], "the backend's own answer").into_response()
}

fn with_alice() -> Arc<FakeApiServer> {
    let api_server = cluster();
    let mut alice = User::new("alice", &["dev"]);
    alice.extra.insert("example.com/Scopes".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
    api_server.add_token("alice", alice);
    api_server.set_rules("alice", vec![rule(&["metrics.k8s.io"], &["*"], &["*"])]);
    api_server
}

#[tokio::test]
async fn the_backend_gets_the_request_and_the_user_and_no_credentials() {
    let stub = Stub::start().await;
    let api_server = with_alice();
    let certificate = stub.authority.issue("front-proxy-client", &[]).into();
    api_server.add_backend(backend(stub.serving.address(), Some(certificate))).unwrap();
    let alice = Client::with(&api_server, Some("alice"));
    let answer = alice
        .send(
            Method::POST,
            &format!("{NODES}?a=b&c=d"),
            &[
                ("accept", "application/json"),
                ("x-remote-user", "root"),
                ("x-remote-group", "system:masters"),
                ("x-remote-extra-x", "y"),
                ("connection", "close"),
            ],
            "hello",
        )
        .await;
    assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.headers["x-answer"], "yes");
    assert_eq!(answer.body, "the backend's own answer");
    assert_eq!(
        *stub.requests.lock().unwrap(),
        [format!(
            "POST {NODES}?a=b&c=d certificates=1 accept=application/json x-remote-user=alice \
             x-remote-group=dev x-remote-group=system:authenticated \
             x-remote-extra-example.com%2fscopes=a x-remote-extra-example.com%2fscopes=b \
             body=hello"
        )]
    );
}

#[tokio::test]
async fn only_authorized_requests_are_forwarded() {
    let stub = Stub::start().await;
    let api_server = with_alice();
    api_server.set_rules("alice", Vec::new());
    api_server.add_backend(backend(stub.serving.address(), None)).unwrap();
    let refused = Client::with(&api_server, Some("alice")).get(NODES).await;
    assert_eq!(
        refused.json()["message"],
        "nodes.metrics.k8s.io is forbidden: User \"alice\" cannot list resource \"nodes\" in API \
         group \"metrics.k8s.io\" at the cluster scope"
    );
    assert!(stub.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn discovery_shows_what_the_backend_serves() {
    let stub = Stub::start().await;
    let api_server = with_alice();
    api_server.add_backend(backend(stub.serving.address(), None)).unwrap();
    let client = Client::admin(&api_server);
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let group = client.get_as("/apis", aggregated).await.json()["items"][8].clone();
    assert_eq!(
        group,
        json!({
            "metadata": { "name": "metrics.k8s.io" },
            "versions": [{
                "version": "v1beta1",
                "freshness": "Current",
                "resources": [{
                    "resource": "nodes",
                    "responseKind": {
                        "group": "metrics.k8s.io", "version": "v1beta1", "kind": "NodeMetrics",
                    },
                    "scope": "Cluster",
                    "singularResource": "",
                    "verbs": ["get", "list"],
                }],
            }],
        })
    );
    let groups = client.get("/apis").await.json();
    assert_eq!(groups["groups"][8]["preferredVersion"]["groupVersion"], "metrics.k8s.io/v1beta1");
    let services = client.get_as("/apis/apiregistration.k8s.io/v1/apiservices", TABLE).await;
    let cells = &services.json()["rows"][9]["cells"];
    assert_eq!(
        *cells,
        json!(["v1beta1.metrics.k8s.io", "kube-system/metrics-server", "True", "0s"])
    );

    assert!(api_server.remove_backend("metrics.k8s.io"));
    assert_eq!(client.get("/apis").await.json()["groups"].as_array().unwrap().len(), 8);
    assert_eq!(client.get(NODES).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_backend_that_is_down_is_unavailable_and_stale() {
    let api_server = with_alice();
    let unused = HostNetwork.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = unused.local();
    drop(unused);
    api_server.add_backend(backend(address, None)).unwrap();
    let client = Client::admin(&api_server);
    let answer = client.get(NODES).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.body,
        format!("error trying to reach service: dial tcp {address}: connect: connection refused\n")
    );
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let groups = client.get_as("/apis", aggregated).await.json();
    assert_eq!(
        groups["items"][8]["versions"],
        json!([{ "version": "v1beta1", "freshness": "Stale" }])
    );
    let services = client.get_as("/apis/apiregistration.k8s.io/v1/apiservices", TABLE).await;
    assert_eq!(services.json()["rows"][9]["cells"][2], "False (MissingEndpoints)");
}
