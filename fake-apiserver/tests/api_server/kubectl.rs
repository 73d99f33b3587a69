//! The installed `kubectl` over TLS on loopback.

use std::{path::PathBuf, process::Stdio};

use axum::{Router, response::IntoResponse};
use fake_apiserver::{Credential, Serving, kubeconfig};
use serde_json::json;
use tokio::process::Command;

use super::{
    pki::Authority,
    support::{backend, cluster},
};

/// A small metrics server.
async fn metrics(request: axum::extract::Request) -> axum::response::Response {
    let usage = json!({ "cpu": "311m", "memory": "2369228Ki" });
    let metadata = |name: &str| json!({ "name": name, "creationTimestamp": null });
    match request.uri().path() {
        "/apis/metrics.k8s.io/v1beta1" => axum::Json(json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": "metrics.k8s.io/v1beta1",
            "resources": [
                { "name": "nodes", "singularName": "", "namespaced": false,
                  "kind": "NodeMetrics", "verbs": ["get", "list"] },
                { "name": "pods", "singularName": "", "namespaced": true,
                  "kind": "PodMetrics", "verbs": ["get", "list"] },
            ],
        })),
        "/apis/metrics.k8s.io/v1beta1/nodes" => axum::Json(json!({
            "kind": "NodeMetricsList",
            "apiVersion": "metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": [{
                "metadata": metadata("k8s-node1"),
                "timestamp": "2019-01-04T09:53:00Z",
                "window": "15s",
                "usage": usage,
            }],
        })),
        _ => return http::StatusCode::NOT_FOUND.into_response(),
    }
    .into_response()
}

struct Kubectl {
    home: PathBuf,
    _serving: [Serving; 2],
}

impl Kubectl {
    async fn run(&self, arguments: &str) -> String {
        let output = Command::new("kubectl")
            .args(arguments.split_whitespace())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("KUBECONFIG", self.home.join("kubeconfig"))
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let lines: Vec<_> = printed.lines().map(without_seconds).collect();
        format!("$ kubectl {arguments}\n{}\n\n", lines.join("\n"))
    }
}

/// What was made with the cluster is as old as the test.
fn without_seconds(line: &str) -> String {
    match line.rsplit_once(' ') {
        Some((rest, age)) if age.strip_suffix('s').is_some_and(|age| age.parse::<u8>().is_ok()) => {
            format!("{rest} <seconds>")
        }
        _ => line.to_owned(),
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// A cluster with a metrics server, and a `kubectl` that talks to it as its administrator.
async fn start(test: &str) -> Option<Kubectl> {
    let found = Command::new("kubectl").arg("version").arg("--client").output().await;
    if found.is_err() {
        println!("skipped: kubectl is not installed");
        return None;
    }
    let authority = Authority::new();
    let metrics = authority.endpoint("metrics-server").serve(Router::new().fallback(metrics));
    let metrics = metrics.await.unwrap();
    let api_server = cluster();
    api_server.add_backend(backend(metrics.address(), None)).unwrap();
    let serving = api_server.start(authority.endpoint("kubernetes")).await.unwrap();
    let url = format!("https://{}", serving.address());

    let admin = authority.issue("admin", &["system:masters"]);
    let home = std::env::temp_dir().join(format!("harness-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let credential = Credential::Certificate { certificate: &admin.certificate, key: &admin.key };
    std::fs::write(home.join("kubeconfig"), kubeconfig(&url, &authority.pem(), credential))
        .unwrap();
    Some(Kubectl { home, _serving: [metrics, serving] })
}

#[tokio::test]
async fn output_is_that_of_a_real_cluster() {
    let Some(kubectl) = start("kubectl").await else { return };
    let mut printed = String::new();
    for arguments in [
        "get nodes",
        "get no -o wide --no-headers",
        "get pods -A",
        "get pods -n team-00 -o wide -l app=app",
        "get pods -n team-00 --field-selector=status.phase=Succeeded",
        "get ns",
        "get node k8s-m1 -o json",
        "get node nope",
        "get pods",
        "get widgets",
        "get apiservices",
        "get nodes.metrics.k8s.io -o name",
        "top nodes",
        "get --raw /apis/metrics.k8s.io/v1beta1/pods",
        "auth can-i list nodes",
        "get --raw /api/v1/nodes?fieldSelector=metadata.name=k8s-node1",
        "get --raw /healthz",
        "delete node k8s-m1",
    ] {
        printed += &kubectl.run(arguments).await;
    }
    insta::assert_snapshot!(printed);
    let version = kubectl.run("version").await;
    assert!(version.contains("Server Version: v1.36.2"), "{version}");
}
