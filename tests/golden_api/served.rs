//! A whole server in the cluster of the recording: flags parsed, API server watched, kubelets
//! scraped, requests over TLS.

use std::{path::Path, time::Duration};

use harness::{
    events::What,
    file,
    world::{ClientIdentity, Simulated},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::exchange::{Answer, Request};

const NODES: [&str; 3] = ["k8s-m1", "k8s-node1", "k8s-node2"];

/// The user of the recorded requests.
const ADMIN: ClientIdentity<'_> = ClientIdentity::User { name: "admin", group: "system:masters" };

/// A server that has scraped every kubelet twice.
pub(crate) struct Served(Simulated);

// === impl Served ===

impl Served {
    /// One whose kubelets have answered.
    pub(crate) async fn warm(args: &[&str]) -> Self {
        let ip =
            |node: usize| json!([{ "type": "InternalIP", "address": format!("10.0.0.{node}") }]);
        Self::start(ip, args).await
    }

    /// One whose kubelets cannot be resolved.
    pub(crate) async fn cold(args: &[&str]) -> Self {
        let name = |node: usize| json!([{ "type": "Hostname", "address": NODES[node - 1] }]);
        Self::start(name, args).await
    }

    async fn start(addresses: impl Fn(usize) -> Value, args: &[&str]) -> Self {
        let nodes: Vec<_> = (1..).zip(NODES).map(|(at, name)| node(name, at, &addresses)).collect();
        let args: Vec<_> =
            ["--kubelet-insecure-tls", "--metric-resolution=15s"].iter().chain(args).collect();
        let scenario = json!({
            "apiVersion": "harness/v1alpha1",
            "kind": "Scenario",
            "metadata": { "name": "recorded" },
            "spec": {
                "about": "The cluster that the exchanges were recorded in.",
                "nodes": nodes,
                "server": { "args": args },
            },
        });
        let file = file::parse(Path::new("recorded.yaml"), scenario.to_string()).unwrap().remove(0);
        let mut world = Simulated::build(&file).await.unwrap();
        assert!(world.cycles(2, Duration::from_mins(1)).await, "it does not scrape");
        Self(world)
    }

    /// Sends a request with its identity.
    pub(crate) async fn ask(&self, request: &Request) -> Answer {
        let client = match request.identity.as_str() {
            "anonymous" => ClientIdentity::Anonymous,
            "client certificate, O=system:masters" => ADMIN,
            "front-proxy certificate, CN=front-proxy-client" => ClientIdentity::FrontProxy,
            other => panic!("who is {other}?"),
        };
        let mut asked = http::Request::builder().method(&request.method).uri(&request.path);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        let client = self.0.direct_client(client).unwrap();
        let asked = asked.body(kube::client::Body::empty()).unwrap();
        let (head, body) = client.send(asked).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// What it logged until now.
    pub(crate) fn log(&self) -> String {
        let events = self.0.timeline().all();
        let lines = events.into_iter().filter_map(|event| match event.what {
            What::Log { text: line } => Some(line + "\n"),
            _ => None,
        });
        lines.collect()
    }
}

/// A node with one pod of each namespace. Every container uses the same, and so does every node.
fn node(name: &str, at: usize, addresses: impl Fn(usize) -> Value) -> Value {
    let containers = ["c0", "c1"]
        .map(|name| json!({ "name": name, "usage": { "cpu": "100m", "memory": "100339638" } }));
    let app = at - 1;
    let pods: Vec<_> = (0..3)
        .map(|namespace| {
            json!({
                "namespace": format!("team-{namespace:02}"),
                "name": format!("app-{app:05}-7d9c5b6f4-{namespace:05}"),
                "labels": { "app": format!("a{app}") },
                "containers": containers,
            })
        })
        .collect();
    json!({
        "name": name,
        "addresses": addresses(at),
        "ips": [format!("10.0.0.{at}")],
        "usage": { "cpu": "1", "memory": "2343750Ki" },
        // The recorded kubelets measured as often.
        "kubelet": { "sampling": { "every": "15006ms" } },
        "pods": pods,
    })
}
