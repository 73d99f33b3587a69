//! The installed `kubectl` over TLS on loopback.

use std::{path::PathBuf, process::Stdio, sync::Arc};

use apiserver::serving::serve;
use axum::{Router, response::IntoResponse};
use fake_apiserver::{Backend, Credential, kubeconfig};
use net::{HostNetwork, Network};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use serde_json::json;
use tls::AnyClient;
use tokio::{process::Command, sync::watch};

use super::support::cluster;

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate that signed itself.
pub(crate) fn certificate(name: &str, groups: &[&str]) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name, groups).self_signed(&key).unwrap();
    (vec![certificate.der().clone()], private(&key))
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

fn params(name: &str, groups: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    for group in groups {
        params.distinguished_name.push(DnType::OrganizationName, *group);
    }
    params
}

/// What the metrics server would say, in the least words.
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
    _stop: watch::Sender<bool>,
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
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let lines: Vec<_> = said.lines().map(without_seconds).collect();
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

async fn listen() -> Box<dyn net::Listener> {
    HostNetwork.listen("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// A cluster with a metrics server, and a `kubectl` that talks to it as its administrator.
async fn start(test: &str) -> Option<Kubectl> {
    let found = Command::new("kubectl").arg("version").arg("--client").output().await;
    if found.is_err() {
        println!("skipped: kubectl is not installed");
        return None;
    }
    let (stop, stopped) = watch::channel(false);
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "harness-ca");
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();

    let backend = listen().await;
    let api_server = cluster();
    api_server
        .aggregate(Backend {
            group: "metrics.k8s.io".to_owned(),
            versions: vec!["v1beta1".to_owned()],
            namespace: "kube-system".to_owned(),
            service: "metrics-server".to_owned(),
            address: backend.local(),
            network: Arc::new(HostNetwork),
            certificate: None,
        })
        .unwrap();
    let (chain, key) = certificate("metrics-server", &[]);
    let config = tls::server::config(chain, key, Arc::new(AnyClient::default())).unwrap();
    let stub = Router::new().fallback(metrics);
    tokio::spawn(serve(backend, config, stub, stopped.clone()));

    let mut server = params("kubernetes", &[]);
    server.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    let server_key = KeyPair::generate().unwrap();
    let server = server.signed_by(&server_key, &ca).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), tls::provider())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config =
        tls::server::config(vec![server.der().clone()], private(&server_key), clients).unwrap();
    let front = listen().await;
    let url = format!("https://{}", front.local());
    tokio::spawn(serve(front, config, api_server.router(), stopped));

    let admin_key = KeyPair::generate().unwrap();
    let admin = params("admin", &["system:masters"]).signed_by(&admin_key, &ca).unwrap();
    let home = std::env::temp_dir().join(format!("harness-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let credential =
        Credential::Certificate { certificate: &admin.pem(), key: &admin_key.serialize_pem() };
    std::fs::write(home.join("kubeconfig"), kubeconfig(&url, &ca.pem(), credential)).unwrap();
    Some(Kubectl { home, _stop: stop })
}

#[tokio::test]
async fn prints_what_it_prints_for_a_real_cluster() {
    let Some(kubectl) = start("kubectl").await else { return };
    let mut said = String::new();
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
        said += &kubectl.run(arguments).await;
    }
    insta::assert_snapshot!(said);
    let version = kubectl.run("version").await;
    assert!(version.contains("Server Version: v1.36.2"), "{version}");
}
