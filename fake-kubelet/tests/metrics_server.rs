//! The metrics server against a fleet, both started as in `docs/fake-kubelet.md`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

mod program;

use std::{
    fs::{self, File},
    net::TcpListener,
    process::{Child, Command},
};

use kube::Client;
use serde_json::Value;

use self::program::{OwnFleet, PATIENCE, beside};

const FLEET: &str = "
nodes:
  - name: fake-{n}
    count: 3
    listen: ['127.0.0.1:0']
    kubelet: {sampling: {every: 0s}}
    pods:
      - name: app-{n}
        containers: [{name: main, usage: {cpu: 250m, memory: 64Mi}}]
";

/// A program that is killed at the end of the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_metrics_server_finds_scrapes_and_serves_a_fleet() {
    let Some(program) = beside("metrics-server") else { return };
    let fleet = OwnFleet::start(FLEET, &[]).await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Command::new(program)
        .args(["--kubeconfig", &fleet.path("kubeconfig"), "--kubelet-insecure-tls"])
        .args(["--kubelet-use-node-status-port", "--metric-resolution=10s"])
        .arg("--kubelet-request-timeout=5s")
        .arg("--kubelet-preferred-address-types=InternalIP")
        .args(["--cert-dir", &fleet.path("certificates"), "--bind-address=127.0.0.1"])
        .arg(format!("--secure-port={port}"))
        .stderr(File::create(fleet.path("server.log")).unwrap())
        .spawn()
        .unwrap();
    let _server = Killed(server);
    let client = client(&fleet, port);
    let filled = async {
        loop {
            let nodes = get(&client, "/apis/metrics.k8s.io/v1beta1/nodes").await;
            let pods = get(&client, "/apis/metrics.k8s.io/v1beta1/pods").await;
            if let (Some(nodes), Some(pods)) = (nodes, pods)
                && nodes.len() == 3
                && pods.len() == 3
            {
                return (nodes, pods);
            }
            tokio::task::yield_now().await;
        }
    };
    let (nodes, pods) = tokio::time::timeout(PATIENCE, filled)
        .await
        .unwrap_or_else(|_| panic!("{}", fs::read_to_string(fleet.path("server.log")).unwrap()));
    for (number, node) in nodes.iter().enumerate() {
        assert_eq!(node["metadata"]["name"], format!("fake-{number}"));
        assert_eq!(node["usage"]["memory"], "64Mi", "{node}");
    }
    for (number, pod) in pods.iter().enumerate() {
        assert_eq!(pod["metadata"]["name"], format!("app-{number}"));
        let usage = &pod["containers"][0]["usage"];
        assert_eq!(usage["memory"], "64Mi", "{pod}");
        let cpu = usage["cpu"].as_str().unwrap().trim_end_matches('n');
        let cpu: f64 = cpu.parse().unwrap_or_else(|_| panic!("{pod}"));
        // Times are written in whole milliseconds.
        assert!((cpu / 250e6 - 1.0).abs() < 0.001, "{pod}");
    }
}

/// A client of the metrics server with the fleet's credentials.
fn client(fleet: &OwnFleet, port: u16) -> Client {
    let mut config = fleet.config.clone();
    config.cluster_url = format!("https://127.0.0.1:{port}").parse().unwrap();
    config.accept_invalid_certs = true;
    Client::try_from(config).unwrap()
}

async fn get(client: &Client, path: &str) -> Option<Vec<Value>> {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    let list: Value = client.request(request).await.ok()?;
    Some(list["items"].as_array()?.clone())
}
