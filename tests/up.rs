//! A scenario's cluster for real: the shipped program among fake kubelets on loopback addresses,
//! seen through the installed kubectl.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use harness::{
    file,
    world::{AddressError, Loopback, WorldError},
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    time::{Instant, interval},
};

/// How long the real world may take for what should happen within two cycles of ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);

const SCENARIO: &str = "\
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: up}
spec:
  about: Two nodes, of which one has only a name that the second DNS server knows, and certificates that are verified.
  nodes:
    - name: node-1
      addresses: [{type: Hostname, address: node-1}]
      ips: [10.0.0.1]
      allocatable: {cpu: 1, memory: 4Gi}
      usage: {cpu: 250m, memory: 1Gi}
      kubelet: {certificate: Signed, sampling: {every: 1s}}
      pods: [{namespace: shop, name: web, containers: [{name: main, usage: {cpu: 20m, memory: 64Mi}}, {name: side, usage: {cpu: 5m, memory: 8Mi}}]}]
    - name: node-2
      addresses: [{type: InternalIP, address: 10.0.0.2}]
      allocatable: {cpu: 1, memory: 4Gi}
      usage: {cpu: 500m, memory: 2Gi}
      kubelet: {certificate: Signed, sampling: {every: 1s}}
  dns:
    servers: [{address: 10.96.0.10}, {address: 10.96.0.11}]
    names: {node-1: {addresses: [10.0.0.1], failure: ServerFailure, at: [10.96.0.10]}}
  server:
    args: [--metric-resolution=10s, --kubelet-request-timeout=5s, '--kubelet-certificate-authority=${clusterCA}']
";

struct Kubectl {
    kubeconfig: String,
    /// kubectl caches discovery at home.
    home: TempDir,
}

impl Kubectl {
    /// What it prints, without space at line ends.
    async fn output(&self, args: &'static [&'static str]) -> String {
        let (kubeconfig, home) = (self.kubeconfig.clone(), self.home.path().to_owned());
        let run = move || {
            Command::new("kubectl")
                .args(args)
                .env("KUBECONFIG", kubeconfig)
                .env("HOME", home)
                .output()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text)
            .unwrap()
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect()
    }

    /// What it prints as soon as that has `part`.
    async fn until(&self, part: &str, args: &'static [&'static str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut tries = interval(Duration::from_millis(500));
        loop {
            tries.tick().await;
            let output = self.output(args).await;
            if output.contains(part) || Instant::now() > deadline {
                return output;
            }
        }
    }
}

#[tokio::test]
async fn kubectl_shows_the_scenarios_cluster() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        println!("skipped: kubectl is not installed");
        return;
    }
    let file = file::parse(Path::new("up.yaml"), SCENARIO.to_owned()).unwrap().remove(0);
    // Another cluster may be up: if the port is taken already, the test still holds.
    let _taken = TcpListener::bind("127.86.0.1:10250").await;
    let log = Arc::new(Mutex::new(String::new()));
    let sink = log.clone();
    let program = Path::new(env!("CARGO_BIN_EXE_metrics-server"));
    let write = Arc::new(move |line: &str| *sink.lock().unwrap() += &[line, "\n"].concat());
    let world = Loopback::build(&file, program, write).await.unwrap();
    let kubectl = Kubectl {
        kubeconfig: world.kubeconfig().display().to_string(),
        home: TempDir::new().unwrap(),
    };

    let top = kubectl.until("node-2   500m", &["top", "nodes"]).await;
    assert_eq!(
        top,
        "NAME     CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)\n\
         node-1   250m         25%      1024Mi          25%\n\
         node-2   500m         50%      2048Mi          50%\n",
        "{}",
        log.lock().unwrap()
    );
    assert_eq!(
        kubectl.until("shop", &["top", "pods", "-A"]).await,
        "NAMESPACE   NAME   CPU(cores)   MEMORY(bytes)\n\
         shop        web    25m          72Mi\n"
    );
    assert_eq!(
        kubectl.output(&["top", "pods", "-n", "shop", "--containers"]).await,
        "POD   NAME   CPU(cores)   MEMORY(bytes)\n\
         web   main   20m          64Mi\n\
         web   side   5m           8Mi\n"
    );
    assert_eq!(
        kubectl.output(&["get", "nodes"]).await,
        "NAME     STATUS   ROLES    AGE   VERSION\n\
         node-1   Ready    <none>   24h   v1.36.2\n\
         node-2   Ready    <none>   24h   v1.36.2\n"
    );
    assert_eq!(
        kubectl.output(&["get", "pods", "-n", "shop"]).await,
        "NAME   READY   STATUS    RESTARTS   AGE\n\
         web    2/2     Running   0          24h\n"
    );
    // The metrics server's own objects are as in a real cluster.
    let system = kubectl.output(&["-n", "kube-system", "get", "deploy,pods", "-o", "name"]).await;
    assert_eq!(system, "deployment.apps/metrics-server\npod/metrics-server-6b7d5c9f4-x2x7q\n");
    let logs = &["-n", "kube-system", "logs", "metrics-server-6b7d5c9f4-x2x7q"];
    let logs = kubectl.output(logs).await;
    assert!(logs.contains("Serving securely"), "{logs}");
    let raw = kubectl.output(&["get", "--raw", "/apis/metrics.k8s.io/v1beta1/nodes"]).await;
    assert!(
        raw.starts_with(r#"{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1""#),
        "{raw}"
    );
    assert!(raw.contains(r#""usage":{"cpu":"250m","memory":"1Gi"}"#), "{raw}");
}

#[tokio::test]
async fn a_port_that_is_taken_everywhere_is_named_with_the_cure() {
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = everywhere.local_addr().unwrap().port();
    let text = SCENARIO.replace("sampling: {every: 1s}", &format!("port: {port}"));
    let file = file::parse(Path::new("up.yaml"), text).unwrap().remove(0);
    let built = Loopback::build(&file, Path::new("no program"), Arc::new(|_: &str| {})).await;
    let error = built.err().unwrap();
    assert!(matches!(error, WorldError::NoAddress(AddressError::Taken(_))), "{error}");
    let message = error.to_string();
    for part in ["listen on 127.86.0.1:", &format!("sport = :{port}"), "kubelet.port"] {
        assert!(message.contains(part), "{message}");
    }
}
