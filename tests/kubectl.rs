//! The installed `kubectl` as a client of the API, through an API server that passes requests on.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

#[path = "golden_api/exchange.rs"]
#[allow(dead_code, reason = "shared with the replay of recorded exchanges")]
mod exchange;
#[path = "golden_api/world.rs"]
#[allow(dead_code, reason = "shared with the replay of recorded exchanges")]
mod world;

use std::{net::SocketAddr, path::PathBuf, process::Stdio, sync::Arc};

use fake_apiserver::{Backend, Credential, Endpoint, FakeApiServer, Serving, User, kubeconfig};
use k8s_openapi::api::core::v1::Node;
use metrics_server::api::router;
use net::{Clock, HostNetwork};
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tokio::process::Command;

use self::world::World;

struct Kubectl {
    home: PathBuf,
    _serving: [Serving; 2],
}

// === impl Kubectl ===

impl Kubectl {
    /// A cluster with a metrics server; `None` where `kubectl` is not installed.
    async fn start() -> Option<Self> {
        if Command::new("kubectl").args(["version", "--client"]).output().await.is_err() {
            println!("skipped: kubectl is not installed");
            return None;
        }
        let (endpoint, _) = endpoint();
        let metrics = endpoint.serve(router(&World::warm().sources)).await.unwrap();
        let (endpoint, certificate) = self::endpoint();
        let serving = api_server(metrics.address()).start(endpoint).await.unwrap();
        let url = format!("https://{}", serving.address());

        let home = std::env::temp_dir().join(format!("metrics-api-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let config = kubeconfig(&url, &certificate, Credential::Token("admin"));
        std::fs::write(home.join("kubeconfig"), config).unwrap();
        Some(Self { home, _serving: [metrics, serving] })
    }

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
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let lines: Vec<_> = said.lines().map(str::trim_end).collect();
        format!("$ kubectl {arguments}\n{}\n\n", lines.join("\n"))
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// A free port of 127.0.0.1, and the certificate of the server there.
fn endpoint() -> (Endpoint, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let endpoint = Endpoint {
        network: Arc::new(HostNetwork),
        address: "127.0.0.1:0".parse().unwrap(),
        chain: vec![certificate.der().clone()],
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        client_ca: None,
    };
    (endpoint, certificate.pem())
}

/// The API server of a cluster whose metrics server listens there.
fn api_server(metrics: SocketAddr) -> Arc<FakeApiServer> {
    let clock = Clock::starting_at("2026-11-22T09:27:23Z".parse().unwrap());
    let api_server = FakeApiServer::new(clock);
    api_server.add_token("admin", User::new("admin", &["system:masters"]));
    for name in ["k8s-m1", "k8s-node1", "k8s-node2"] {
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": name},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}},
        }))
        .unwrap();
        api_server.upsert_node(node);
    }
    let backend = Backend {
        group: "metrics.k8s.io".to_owned(),
        versions: vec!["v1beta1".to_owned(), "v1".to_owned()],
        namespace: "kube-system".to_owned(),
        service: "metrics-server".to_owned(),
        address: metrics,
        network: Arc::new(HostNetwork),
        certificate: None,
    };
    api_server.add_backend(backend).unwrap();
    api_server
}

#[tokio::test]
async fn kubectl_reads_and_explains_metrics() {
    let Some(kubectl) = Kubectl::start().await else { return };
    let mut said = String::new();
    for arguments in [
        "api-resources --api-group=metrics.k8s.io",
        "top nodes",
        "top pods -A --containers",
        "top pods -n team-00 -l app=a1",
        "top pod -n team-00 nope",
        "get nodes.metrics.k8s.io",
        "get pods.metrics.k8s.io -A",
        "get pods.metrics.k8s.io -n team-01 --field-selector=metadata.name=app-00001-7d9c5b6f4-00001",
        "get pods.metrics.k8s.io -n none",
        "get nodes.v1.metrics.k8s.io k8s-m1 -o yaml",
        "get nodes.metrics.k8s.io -o name",
        "get nodes.metrics.k8s.io nope",
        "get nodes.metrics.k8s.io -l a=b*",
        "get nodes.metrics.k8s.io --watch",
        "delete nodes.metrics.k8s.io k8s-m1",
        "explain nodemetrics",
        "explain podmetrics.containers",
        "explain pods.timestamp --api-version=metrics.k8s.io/v1",
        "explain pods.containers.usage --api-version=metrics.k8s.io/v1beta1",
        "explain pods --api-version=metrics.k8s.io/v1beta1 --recursive",
    ] {
        said += &kubectl.run(arguments).await;
    }
    // It is the moment of the answer.
    insta::with_settings!({filters => [(r#"creationTimestamp: ".*""#, "creationTimestamp: NOW")]}, {
        insta::assert_snapshot!(said);
    });
}
