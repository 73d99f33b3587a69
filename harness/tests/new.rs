//! `scenario new`: what it writes can be run at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn scenario(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scenario")).current_dir(ROOT).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Makes a scenario with `arguments`, checks and runs it; its text.
fn made(folder: &TempDir, file: &str, arguments: &[&str]) -> String {
    let path = folder.path().join(file);
    let path = path.to_str().unwrap();
    let output = scenario(&[&["new"], arguments, &[path]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    for command in ["check", "run"] {
        let output = scenario(&[command, path]);
        assert!(
            output.status.success(),
            "{arguments:?}: {command}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    fs::read_to_string(path).unwrap()
}

/// kubectl get nodes --output=yaml, of a cluster with all kinds of nodes.
const NODES: &str = r#"
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: k8s-m1, labels: {node-role.kubernetes.io/control-plane: ""}}
  status:
    addresses: [{type: InternalIP, address: 10.200.100.216}, {type: Hostname, address: k8s-m1}]
    allocatable: {cpu: "4", memory: 16393244Ki, pods: "110"}
    conditions: [{type: MemoryPressure, status: "False"}, {type: Ready, status: "False"}]
    daemonEndpoints: {kubeletEndpoint: {Port: 10250}}
    nodeInfo: {kubeletVersion: v1.30.2+k3s1}
- apiVersion: v1
  kind: Node
  metadata: {name: "1st"}
  status:
    addresses: [{type: Hostname, address: "1st"}, {type: InternalDNS, address: n.corp.example}]
    daemonEndpoints: {kubeletEndpoint: {Port: 20250}}
    conditions: [{type: Ready, status: "True"}]
- apiVersion: v1
  kind: Node
  metadata: {name: no-address}
  status: {}
- apiVersion: v1
  kind: Node
  metadata: {name: external, annotations: {metrics.k8s.io/resource-metrics-path: /metrics/nodes/external/metrics/resource}}
  status:
    addresses: [{type: ExternalIP, address: 192.0.2.7}, {type: Other, address: x}]
"#;

#[test]
fn what_is_made_can_be_run_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let three = made(&folder, "three.yaml", &[]);
    assert_eq!(three.matches("- name: node-").count(), 3, "{three}");
    insta::assert_snapshot!(three.replace(folder.path().to_str().unwrap(), "FOLDER"));
    made(&folder, "one.yaml", &["--nodes", "1"]);
    let many = made(&folder, "many.yaml", &["--nodes", "50"]);
    assert!(many.contains("count: 50"), "{many}");
    made(&folder, "like.yaml", &["--like", "dns/silent-server"]);
    let like =
        made(&folder, "like-file.yml", &["--like", "scenarios/field-report/cure-internal-ip.yaml"]);
    assert!(like.contains("  name: like-file\n"), "{like}");
}

#[test]
fn nodes_come_from_kubectl() {
    let folder = tempfile::tempdir().unwrap();
    let (yaml, json) = (folder.path().join("nodes.yaml"), folder.path().join("nodes.json"));
    fs::write(&yaml, NODES).unwrap();
    let from_yaml = made(&folder, "from.yaml", &["--from-nodes", yaml.to_str().unwrap()]);
    for part in [
        "name: k8s-m1",
        "ready: false",
        r#"version: "v1.30.2+k3s1""#,
        "memory: 16393244Ki",
        "name: \"1st\"",
        "kubelet: {port: 20250}",
        "n.corp.example: 10.255.0.1",
        "addresses: [{type: ExternalIP, address: 192.0.2.7}]",
        "items: 3",
    ] {
        assert!(from_yaml.contains(part), "no {part}:\n{from_yaml}");
    }
    // The same in JSON, and a single node.
    let value: serde_json::Value = serde_yaml::from_str(NODES).unwrap();
    fs::write(&json, value.to_string()).unwrap();
    let from_json = made(&folder, "from2.yaml", &["--from-nodes", json.to_str().unwrap()]);
    assert_eq!(from_json.replace("from2", "from"), from_yaml);
    fs::write(&json, value["items"][0].to_string()).unwrap();
    made(&folder, "single.yaml", &["--from-nodes", json.to_str().unwrap()]);
}

#[test]
fn nothing_is_overwritten_and_errors_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("there.yaml"), "mine").unwrap();
    fs::write(path("pods.json"), r#"{"kind":"List","items":[{"kind":"Pod"}]}"#).unwrap();
    fs::write(
        path("twice.json"),
        r#"{"kind":"NodeList","items":[
            {"metadata":{"name":"a"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}},
            {"metadata":{"name":"b"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}}]}"#,
    )
    .unwrap();
    fs::write(path("broken"), "{a: [").unwrap();
    let rows: [(&[&str], &str, &str); 10] = [
        (&[], "there.yaml", "choose another name, or delete it first"),
        (&[], "nowhere/a.yaml", "choose a folder that exists"),
        (&[], "My_Cluster.yaml", "has no name for a scenario"),
        (&[], "cluster.txt", "has no name for a scenario"),
        (&["--like", "silent"], "a.yaml", "dns/silent-server, "),
        (&["--like", ""], "a.yaml", "there is no scenario \"\""),
        (
            &["--from-nodes", &path("missing")],
            "a.yaml",
            "pass what kubectl get nodes --output=json has printed",
        ),
        (&["--from-nodes", &path("pods.json")], "a.yaml", "has no Node in it, but Pod"),
        (&["--from-nodes", &path("broken")], "a.yaml", "is neither JSON nor YAML"),
        (&["--from-nodes", &path("twice.json")], "a.yaml", "would have mistakes"),
    ];
    for (arguments, file, error) in rows {
        let output = scenario(&[&["new"], arguments, &[&*path(file)]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {file}");
        let said = text(&output.stderr);
        assert!(
            said.starts_with("error: ") && said.contains(error),
            "{arguments:?} {file}: {said}"
        );
    }
    assert_eq!(fs::read_to_string(path("there.yaml")).unwrap(), "mine");
    assert!(!Path::new(&path("a.yaml")).exists());
}

#[test]
fn a_scenario_can_be_printed() {
    let output = scenario(&["new", "-", "--nodes", "2"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("name: my-cluster"));
    // Also to a reader that has gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    let output = command.args(["new", "-"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
