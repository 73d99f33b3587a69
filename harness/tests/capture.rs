//! `scenario capture`: from files to a scenario, through the front door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

fn scenario(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scenario")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder as `kubectl cluster-info dump` writes it, with a file more and one that is broken.
fn dump() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "nodes.json",
        r#"{"kind":"NodeList","apiVersion":"v1","items":[
        {"metadata":{"name":"k8s-m1"},"status":{"addresses":[{"type":"Hostname","address":"k8s-m1"},
            {"type":"InternalIP","address":"10.200.100.216"}],"conditions":[{"type":"Ready","status":"True"}],
            "nodeInfo":{"kubeletVersion":"v1.30.2+k3s1"}}},
        {"metadata":{"name":"k8s-node1"},"status":{"addresses":[{"type":"Hostname","address":"k8s-node1"},
            {"type":"InternalIP","address":"10.200.100.215"}],"conditions":[{"type":"Ready","status":"True"}]}},
        {"metadata":{"name":"gone"},"status":{"addresses":[{"type":"InternalIP","address":"10.200.100.9"}],
            "conditions":[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown",
                "message":"Kubelet stopped posting node status."}]}}]}"#,
    );
    write(
        "kube-system/pods.json",
        r#"{"kind":"PodList","items":[{"metadata":{"name":"metrics-server-5f-x","namespace":"kube-system"},
        "spec":{"nodeName":"k8s-node1","serviceAccountName":"metrics-server","containers":[{"name":"metrics-server"}]},
        "status":{"phase":"Running","podIP":"10.244.1.6","conditions":[{"type":"Ready","status":"False"}]}}]}"#,
    );
    write(
        "deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: metrics-server, namespace: kube-system}\nspec:\n  template:\n    spec:\n      serviceAccountName: metrics-server\n      containers:\n      - name: metrics-server\n        image: registry.example.com/team/metrics-server:v0.7.2\n        env: [{name: PASSWORD, value: hunter2}]\n        args: [--cert-dir=/tmp, --kubelet-insecure-tls, --metric-resolution=15s, --kubelet-nonsense]\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: kube-system}\ndata: {token: aHVudGVyMg==}\n",
    );
    write(
        "kube-system/metrics-server-5f-x/logs.txt",
        r#"==== START logs for container metrics-server of pod kube-system/metrics-server-5f-x ====
I0104 09:52:17.012345       1 serving.go:374] Generated self-signed cert
E0104 09:12:47.012345       1 scraper.go:140] "Failed to scrape node" err="request failed, status: \"403 Forbidden\"" node="k8s-m1"
E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://k8s-m1:10250/metrics/resource\": dial tcp: lookup k8s-m1 on 10.96.0.10:53: no such host" node="k8s-m1"
E0104 09:52:47.012345       1 scraper.go:140] "Failed to scrape node" err="Get \"https://k8s-node1:10250/metrics/resource\": dial tcp 10.200.100.215:10250: connect: connection refused" node="k8s-node1"
"#,
    );
    write(
        "kube-system/other-1/logs.txt",
        "E0104 09:52:47.012345       1 x.go:1] \"Failed to scrape node\" err=\"EOF\" node=\"other\"\n",
    );
    write("services.json", "{\"kind\": \"List\",\n \"items\": [{]}");
    folder
}

fn captured(folder: &TempDir, more: &[&str]) -> (String, String) {
    let out = folder.path().join("out");
    let (from, to) = (folder.path().to_str().unwrap(), out.to_str().unwrap());
    let output = scenario(&[&["capture", "--from", from, "--out", to], more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = out.join("captured.yaml");
    let run = scenario(&["run", file.to_str().unwrap()]);
    let yaml = fs::read_to_string(file).unwrap();
    assert!(run.status.success(), "{yaml}{}", text(&run.stdout));
    (yaml, text(&output.stderr))
}

#[test]
fn a_dump_becomes_a_scenario_that_fails_in_the_same_way() {
    let (yaml, said) = captured(&dump(), &[]);
    assert!(said.contains("not read: services.json: ") && said.contains("line 2"), "{said}");
    assert!(!yaml.contains("hunter2") && !yaml.contains("aHVudGVyMg"), "{yaml}");
    insta::assert_snapshot!(yaml);
}

#[test]
fn names_and_addresses_are_replaced_the_same_each_time() {
    let (yaml, _) = captured(&dump(), &["--anonymize"]);
    for secret in ["k8s", "gone", "10.200", "10.244", "10.96", "registry", "5f-x"] {
        assert!(!yaml.contains(secret), "{secret}: {yaml}");
    }
    assert!(yaml.contains("- name: node-1\n") && yaml.contains("lookup node-1 on "), "{yaml}");
}

#[test]
fn errors_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("empty")).unwrap();
    fs::write(
        path("kubeconfig"),
        "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: []\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n",
    )
    .unwrap();
    let (kubeconfig, empty, missing) = (path("kubeconfig"), path("empty"), path("missing"));
    let rows: [(&[&str], &str); 5] = [
        (&["--from", &missing], "pass a folder with what kubectl has printed"),
        (&["--from", &empty], "has neither objects nor logs"),
        (&["--kubeconfig", &missing], "pass a kubeconfig that kubectl can use"),
        (&["--kubeconfig", &kubeconfig], "failed to reach the API server at https://127.0.0.1:1"),
        (&["--kubeconfig", &kubeconfig, "--context", "y"], "y"),
    ];
    for (arguments, error) in rows {
        let output = scenario(&[&["capture"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with("error: ") && said.contains(error), "{arguments:?}: {said}");
    }
    assert!(!Path::new(&path("captured.yaml")).exists());
}
