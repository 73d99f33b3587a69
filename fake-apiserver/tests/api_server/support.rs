//! A small cluster and a client of its API server.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::Request};
use fake_apiserver::{Backend, ClientCertificate, FakeApiServer, Observer, User};
use futures::StreamExt;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use k8s_openapi::{
    api::core::v1::{Node, Pod},
    api::rbac::v1::PolicyRule,
};
use net::{Clock, HostNetwork};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const START: &str = "2019-01-04T09:53:00Z";

/// When the cluster's objects were made: ten days before.
pub(crate) const BEFORE: &str = "2018-12-25T09:53:00Z";

pub(crate) const PARTIAL_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
pub(crate) const PARTIAL: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

pub(crate) fn clock() -> Clock {
    Clock::starting_at(START.parse().unwrap())
}

/// Without nodes; the token `admin` may do all.
pub(crate) fn empty() -> Arc<FakeApiServer> {
    let api_server = FakeApiServer::new(clock());
    api_server.add_token("admin", User::new("admin", &["system:masters"]));
    api_server
}

/// A metrics server at `address` that serves v1beta1.
pub(crate) fn backend(address: SocketAddr, certificate: Option<ClientCertificate>) -> Backend {
    Backend {
        group: "metrics.k8s.io".to_owned(),
        versions: vec!["v1beta1".to_owned()],
        namespace: "kube-system".to_owned(),
        service: "metrics-server".to_owned(),
        address,
        network: Arc::new(HostNetwork),
        certificate,
    }
}

/// Two nodes and three pods.
pub(crate) fn cluster() -> Arc<FakeApiServer> {
    let api_server = empty();
    api_server.upsert_node(node("k8s-m1", "control-plane"));
    api_server.upsert_node(node("k8s-node1", ""));
    api_server.upsert_pod(pod("kube-system", "coredns", "k8s-m1", "Running"));
    api_server.upsert_pod(pod("team-00", "app", "k8s-node1", "Running"));
    api_server.upsert_pod(pod("team-00", "job", "k8s-node1", "Succeeded"));
    api_server
}

pub(crate) fn node(name: &str, role: &str) -> Node {
    let mut labels = BTreeMap::from([
        ("kubernetes.io/hostname".to_owned(), name.to_owned()),
        ("kubernetes.io/os".to_owned(), "linux".to_owned()),
    ]);
    if !role.is_empty() {
        labels.insert(format!("node-role.kubernetes.io/{role}"), String::new());
    }
    let mut node: Node = serde_json::from_value(json!({
        "metadata": { "name": name, "creationTimestamp": BEFORE, "labels": labels },
        "status": {
            "capacity": { "cpu": "4", "memory": "8Gi" },
            "allocatable": { "cpu": "4", "memory": "8Gi" },
            "addresses": [{ "type": "InternalIP", "address": "10.200.100.215" }],
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    }))
    .unwrap();
    let status = node.status.get_or_insert_default();
    let info = status.node_info.get_or_insert_default();
    info.kubelet_version = "v1.36.2".to_owned();
    info.os_image = "Debian GNU/Linux 13".to_owned();
    info.kernel_version = "6.12.0".to_owned();
    info.container_runtime_version = "containerd://1.6.0".to_owned();
    node
}

pub(crate) fn pod(namespace: &str, name: &str, node: &str, phase: &str) -> Pod {
    let state = if phase == "Running" {
        json!({ "running": {} })
    } else {
        json!({ "terminated": { "exitCode": 0, "reason": "Completed" } })
    };
    serde_json::from_value(json!({
        "metadata": {
            "namespace": namespace,
            "name": name,
            "creationTimestamp": BEFORE,
            "labels": { "app": name },
        },
        "spec": { "nodeName": node, "containers": [{ "name": "main", "image": "main" }] },
        "status": {
            "phase": phase,
            "podIP": "10.244.0.7",
            "containerStatuses": [{
                "name": "main", "image": "main", "imageID": "", "restartCount": 2,
                "ready": phase == "Running", "state": state,
            }],
        },
    }))
    .unwrap()
}

/// Gives a node a label.
pub(crate) fn labelled(mut node: Node, label: &str, value: &str) -> Node {
    node.metadata.labels.get_or_insert_default().insert(label.to_owned(), value.to_owned());
    node
}

pub(crate) fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(owned(groups)),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

/// A client of the API server.
pub(crate) struct Client {
    router: Router,
    token: Option<&'static str>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn admin(api_server: &Arc<FakeApiServer>) -> Self {
        Self { router: api_server.router(), token: Some("admin") }
    }

    pub(crate) fn with(api_server: &Arc<FakeApiServer>, token: Option<&'static str>) -> Self {
        Self { router: api_server.router(), token }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(path, "application/json").await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.send(Method::GET, path, &[("accept", accept)], String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(Method::POST, path, &headers, body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap()
    }

    pub(crate) async fn watch(&self, path: &str, accept: &str) -> Watch {
        let response = self.open(Method::GET, path, &[("accept", accept)], Body::empty()).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Watch { body: response.into_body(), rest: String::new() }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// `namespace/name` of a list's items, or the name alone.
    pub(crate) fn names(&self) -> Vec<String> {
        let list = self.json();
        let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}")).clone();
        items.iter().map(|item| called(&item["metadata"])).collect()
    }
}

pub(crate) fn called(metadata: &Value) -> String {
    let name = metadata["name"].as_str().unwrap_or_default();
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// An open watch.
pub(crate) struct Watch {
    body: Body,
    rest: String,
}

impl Watch {
    /// The next event; nothing when the watch is over.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.rest.split_once('\n') {
                let event = serde_json::from_str(line).unwrap();
                self.rest = rest.to_owned();
                return Some(event);
            }
            let data = self.body.frame().await?.unwrap().into_data().unwrap();
            self.rest += std::str::from_utf8(&data).unwrap();
        }
    }

    /// The next event in short: its type and its object.
    pub(crate) async fn short(&mut self) -> String {
        match self.next().await {
            None => "over".to_owned(),
            Some(event) => {
                let what = event["type"].as_str().unwrap();
                format!("{what} {}", called(&event["object"]["metadata"])).trim_end().to_owned()
            }
        }
    }
}

/// Keeps the requests.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<String>>);

impl Observer for Log {
    fn request(&self, user: &str, method: &str, path_and_query: &str, status: u16) {
        self.0.lock().unwrap().push(format!("{user} {method} {path_and_query} {status}"));
    }
}

/// All items of a stream that are there by now.
pub(crate) async fn ready<T>(stream: &mut (impl StreamExt<Item = T> + Unpin)) -> Vec<T> {
    let mut items = Vec::new();
    while let Ok(Some(item)) =
        tokio::time::timeout(std::time::Duration::from_millis(1), stream.next()).await
    {
        items.push(item);
    }
    items
}
