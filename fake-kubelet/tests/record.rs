//! What a real kubelet would be recorded like, recorded from a fleet and played again.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it skips"
)]

mod program;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use self::program::{OwnFleet, PROGRAM, beside};

const FLEET: &str = "
nodes:
  - name: secret-{n}
    count: 2
    listen: ['127.0.0.1:0']
    kubelet: {certificate: Signed, sampling: {every: 0s}}
    pods:
      - name: wallet-{n}
        namespace: bank
        containers:
          - {name: safe, usage: {cpu: 250m, memory: 64Mi}}
          - {name: door, usage: {cpu: 10m, memory: 4Mi}}
";

const SCRAPE: &str = "/metrics/resource";

/// A fleet whose pods run.
async fn fleet() -> OwnFleet {
    let fleet = OwnFleet::start(FLEET, &[]).await;
    fleet.get_until("secret-1", SCRAPE, "wallet").await;
    fleet
}

/// Records two scrapes of `secret-1` into a folder.
fn record(fleet: &OwnFleet, out: &str, more: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(["record", "--node", "secret-1", "--scrapes", "2", "--every", "10ms"])
        .args(["--kubeconfig", &fleet.path("kubeconfig"), "--out", out])
        .args(more)
        .output()
        .unwrap()
}

fn recorded(fleet: &OwnFleet, out: &str, more: &[&str]) {
    let output = record(fleet, out, more);
    assert!(output.status.success(), "{output:?}");
}

fn read(folder: &str, file: &str) -> String {
    fs::read_to_string(Path::new(folder).join(file)).unwrap()
}

fn listens(fleet: &OwnFleet, node: &str) -> String {
    let nodes = fs::read_to_string(fleet.path("nodes")).unwrap();
    let line = nodes.lines().find(|line| line.starts_with(node)).unwrap();
    let [_, address, port] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    format!("{address}:{port}")
}

#[tokio::test]
async fn every_way_to_a_kubelet_records_its_pages_and_replays_them_to_the_byte() {
    let fleet = fleet().await;
    let (ca, at) = (fleet.path("ca.crt"), listens(&fleet, "secret-1"));
    let ways: [(&str, &[&str]); 4] = [
        ("proxy", &[]),
        ("direct", &["--direct", "--kubelet-certificate-authority", &ca]),
        ("address", &["--address", &at, "--kubelet-insecure-tls"]),
        ("anonymous", &["--anonymize"]),
    ];
    let mut nodes = String::from("nodes:\n");
    for (way, more) in ways {
        let folder = fleet.path(way);
        recorded(&fleet, &folder, more);
        let scrape = read(&folder, "resource.2.prom");
        assert!(scrape.contains("node_cpu_usage_seconds_total "), "{way}: {scrape}");
        assert_eq!(scrape.contains("wallet"), way != "anonymous", "{way}: {scrape}");
        assert!(read(&folder, "summary.2.json").contains("workingSetBytes"), "{way}");
        let head = read(&folder, "resource.2.headers");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{way}: {head}");
        assert!(head.contains("\r\nProcess-Start-Time-Unix: "), "{way}: {head}");
        let node = format!(
            "  - {{name: {way}, listen: ['127.0.0.1:0'], kubelet: {{replay: {folder}}}}}\n"
        );
        nodes.push_str(&node);
    }
    let again = OwnFleet::start(&nodes, &[]).await;
    for (way, _) in ways {
        for number in 1..=2 {
            let recorded = read(&fleet.path(way), &format!("resource.{number}.prom"));
            assert_eq!(again.get(way, SCRAPE).await.unwrap(), recorded, "{way}");
        }
    }
}

#[tokio::test]
async fn a_kubelet_without_authentication_is_recorded_without_a_cluster() {
    let open = "nodes: [{name: open-1, listen: ['127.0.0.1:0'], kubelet: {access: Open}, usage: {cpu: 1, memory: 1Gi}}]";
    let fleet = OwnFleet::start(open, &[]).await;
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("recorded");
    let output = Command::new(PROGRAM)
        .args(["record", "--node", "open-1", "--scrapes", "1", "--kubelet-insecure-tls"])
        .args(["--address", &listens(&fleet, "open-1"), "--out", out.to_str().unwrap()])
        .env("HOME", home.path())
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let scrape = fs::read_to_string(out.join("resource.1.prom")).unwrap();
    assert!(scrape.contains("node_memory_working_set_bytes 1.073741824e+09 "), "{scrape}");
}

#[tokio::test]
async fn no_name_is_left_in_what_is_anonymized() {
    let fleet = fleet().await;
    let folder = fleet.path("anonymous");
    recorded(&fleet, &folder, &["--anonymize"]);
    let mut files = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for name in ["secret", "bank", "wallet", "safe", "door"] {
            assert!(!text.contains(name), "{name}: {text}");
        }
        files += 1;
    }
    assert_eq!(files, 6);
}

#[tokio::test]
async fn a_kubelet_that_cannot_be_recorded_gets_an_error_with_the_cure() {
    let fleet = fleet().await;
    let folder = fleet.path("nothing");
    let cases: [(&[&str], &str); 3] = [
        (&["--node", "unknown"], "nodes \"unknown\" not found"),
        (&["--direct", "--node", "unknown"], "name its address with --address"),
        (&["--address", "127.0.0.1:1"], "--address"),
    ];
    for (more, cure) in cases {
        let output = Command::new(PROGRAM)
            .args(["record", "--kubeconfig", &fleet.path("kubeconfig"), "--out", &folder])
            .args(if more.contains(&"--node") { &[][..] } else { &["--node", "secret-1"] })
            .args(more)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(cure), "{more:?}: {error}");
    }
}

#[tokio::test]
async fn a_recording_is_a_node_of_a_scenario() {
    let Some(scenario) = beside("scenario") else { return };
    let fleet = fleet().await;
    recorded(&fleet, &fleet.path("recorded"), &[]);
    let text = "
apiVersion: harness/v1alpha1
kind: Scenario
metadata: {name: strange-node}
spec:
  about: What was recorded is what is seen.
  nodes:
    - name: secret-1
      addresses: [{type: InternalIP, address: 10.0.3.17}]
      kubelet: {replay: recorded}
  server: {args: [--kubelet-insecure-tls, --metric-resolution=15s]}
  steps:
    - name: its memory is seen
      wait: {cycles: 2}
      expect:
        - get: /apis/metrics.k8s.io/v1beta1/nodes/secret-1
          body: {usage: {memory: 68Mi}}
";
    let file = fleet.path("strange-node.yaml");
    fs::write(&file, text).unwrap();
    let output = Command::new(scenario).args(["run", &file]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
